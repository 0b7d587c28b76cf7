/* SPDX-License-Identifier: MIT */
/* Questions about what was sampled just now, while the names of it take their time. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"
#include "daemon/manager/manager.h"
#include "tests/support/busy.h"
#include "tests/support/directory.h"
#include "tests/support/fresh.h"
#include "tests/support/kernel_side.h"
#include "tests/support/store_world.h"

#define CPU_MS 100

static sd_event *event;
static struct manager *manager;
static struct busy_process busy;
static char where[256];
static struct failure failure;

/* Makes a symbolizer that never answers requests for names: the third one that is started, after
 * the inspector's and the one for tables. */
static void make_slow_symbolizer(char *program, size_t size)
{
	FILE *f;

	directory_make(where, sizeof(where));
	snprintf(program, size, "%s/slow", where);
	f = fopen(program, "we");
	cr_assert_not_null(f);
	fputs("#!/bin/sh\necho >>$0.started\n"
	      "[ $(wc -l <$0.started) -gt 2 ] || exec " OX_SYMBOLIZER_BUILT "\nexec sleep 1000\n",
	      f);
	fclose(f);
	cr_assert_eq(chmod(program, 0755), 0);
}

static void start_manager(void)
{
	struct config config;

	config_init(&config);
	snprintf(config.database, sizeof(config.database), "%s", store_world.path);
	make_slow_symbolizer(config.symbolizer, sizeof(config.symbolizer));
	cr_assert_eq(manager_new(event, &config, &manager, &failure), 0, "%s", failure.text);
}

static void unpause(void)
{
	struct target_request wanted = {0};
	struct manager_request request = {.targets = &wanted,
					  .n_targets = 1,
					  .anybody = true,
					  .interval_ns = UINT64_C(1000000)};
	char text[32];

	snprintf(text, sizeof(text), "pid:%d", busy.pid);
	cr_assert_eq(target_parse(text, &wanted.target), 0);
	while (manager_make_ready(manager, &failure) == 0)
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	cr_assert_eq(manager_unpause(manager, &request, &failure), 0, "%s", failure.text);
}

static void set_up(void)
{
	struct busy wanted = {.comm = "fresh", .uid = 0};

	sampler_free(sampler_or_skip());
	store_world_set_up();
	cr_assert_geq(sd_event_new(&event), 0);
	start_manager();
	busy = busy_start(&wanted);
	unpause();
	busy_let(busy.pid, CPU_MS);
}

static void tear_down(void)
{
	busy_stop(&busy);
	manager_free(manager);
	sd_event_unref(event);
	store_world_tear_down();
	directory_remove(where);
}

TestSuite(fresh, .init = set_up, .fini = tear_down, .timeout = 100);

/* ---- the loop beside it ---- */

static bool is_over;
static unsigned n_rounds, n_rounds_then; /* of a timer: when the wait was over */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	n_rounds++;
	(void)sd_event_source_set_time_relative(source, 10000);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static void start_timer(void)
{
	cr_assert_geq(sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 10000, 1000,
						 on_timer, NULL),
		      0);
}

static void on_fresh(void *userdata)
{
	is_over = true;
	n_rounds_then = n_rounds;
}

static void run_until_over(void)
{
	while (!is_over)
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
}

static int64_t count_stored(void)
{
	_cleanup_free_ char *answer =
		store_world_ask(SQLITE_OPEN_READONLY, "SELECT coalesce(sum(n), 0) FROM "
						      "sample");

	return atoll(answer);
}

Test(fresh, the_loop_goes_on_while_names_are_awaited)
{
	struct managed_wait *wait;

	start_timer();
	cr_assert_eq(manager_wait_fresh(manager, on_fresh, NULL, &wait), 0);
	cr_assert(!is_over, "never at once");
	run_until_over();
	cr_assert_gt(n_rounds_then, 1);
	cr_assert_gt(count_stored(), CPU_MS / 2);
	assert_answer("SELECT count(*) > 0 FROM functions WHERE name LIKE '%+0x%'", "1");
}

Test(fresh, nobody_waits_for_names_when_the_sessions_have_ended)
{
	const struct manager_scope all = {.owner = UINT32_MAX};
	struct managed_wait *wait, *dropped;

	cr_assert_eq(manager_wait_fresh(manager, on_fresh, NULL, &dropped), 0);
	cr_assert_eq(manager_wait_fresh(manager, on_fresh, NULL, &wait), 0);
	manager_drop_wait(dropped);
	cr_assert_eq(manager_pause(manager, &all, NULL, 0, &failure), 0);
	run_until_over();
	cr_assert_gt(count_stored(), CPU_MS / 2);
}

static uint64_t n_answered;

static void on_answer(void *userdata, const struct question_answer *answer,
		      const struct failure *why)
{
	cr_assert_null(why, "%s", why->text);
	n_answered = answer->result.samples;
	on_fresh(NULL);
}

Test(fresh, a_question_is_answered_with_what_was_sampled_before_it)
{
	struct query query = {.range = {STORE_WORLD_ALL}, .only_uid = UINT32_MAX};
	struct manager_question question = {.query = &query, .is_privileged = true};
	struct managed_query *asked, *dropped;

	start_timer();
	cr_assert_eq(manager_query(manager, &question, on_answer, NULL, &dropped, &failure), 0);
	cr_assert_eq(manager_query(manager, &question, on_answer, NULL, &asked, &failure), 0);
	manager_drop_query(dropped);
	run_until_over();
	cr_assert_gt(n_rounds_then, 1);
	cr_assert_gt(n_answered, CPU_MS / 2);
	query.range.session = 77;
	cr_assert_lt(manager_query(manager, &question, on_answer, NULL, &asked, &failure), 0);
	cr_assert_not_null(strstr(failure.text, "there is no session 77"));
}

/* A question that waits when the manager goes is never answered. */
Test(fresh, what_waits_goes_with_the_manager)
{
	struct query query = {.range = {STORE_WORLD_ALL}, .only_uid = UINT32_MAX};
	struct manager_question question = {.query = &query};
	struct managed_query *asked;
	struct managed_wait *wait;

	cr_assert_eq(manager_query(manager, &question, on_answer, NULL, &asked, &failure), 0);
	cr_assert_eq(manager_wait_fresh(manager, on_fresh, NULL, &wait), 0);
	manager = manager_free(manager);
	cr_assert(!is_over);
}
