/* SPDX-License-Identifier: MIT */
/* The database goes away while sessions run: they go on in a new one. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/manager/manager.h"
#include "tests/support/busy.h"
#include "tests/support/fresh.h"
#include "tests/support/kernel_side.h"
#include "tests/support/store_world.h"

static sd_event *event;
static struct manager *manager;
static struct failure failure;
static struct busy_process busy;

static void set_up(void)
{
	struct config config;

	sampler_free(sampler_or_skip());
	store_world_set_up();
	cr_assert_geq(sd_event_new(&event), 0);
	config_init(&config);
	snprintf(config.database, sizeof(config.database), "%s", store_world.path);
	snprintf(config.symbolizer, sizeof(config.symbolizer), "%s", OX_SYMBOLIZER_BUILT);
	cr_assert_eq(manager_new(event, &config, &manager, &failure), 0, "%s", failure.text);
	busy = busy_start(&(struct busy){.comm = "busy"});
}

static void tear_down(void)
{
	busy_stop(&busy);
	manager_free(manager);
	sd_event_unref(event);
	store_world_tear_down();
}

TestSuite(database, .init = set_up, .fini = tear_down, .timeout = 300);

static void unpause(uint64_t interval_ns)
{
	struct target_request wanted = {0};
	struct manager_request request = {
		.targets = &wanted, .n_targets = 1, .anybody = true, .interval_ns = interval_ns};
	char text[32];

	snprintf(text, sizeof(text), "pid:%d", busy.pid);
	cr_assert_eq(target_parse(text, &wanted.target), 0);
	while (manager_make_ready(manager, &failure) == 0)
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	cr_assert_eq(manager_unpause(manager, &request, &failure), 0, "%s", failure.text);
}

static void sample(void)
{
	busy_let(busy.pid, 100);
	while (sd_event_run(event, 0) > 0)
		;
	fresh_wait(event, manager);
}

Test(database, a_deleted_one_is_begun_anew_with_the_sessions_that_run)
{
	unpause(UINT64_C(1000000));
	cr_assert_eq(manager_cancel(manager, &(struct manager_scope){.owner = 0}, &failure), 0);
	unpause(UINT64_C(1000000));
	sample();
	cr_assert_eq(unlink(store_world.path), 0);
	sample();
	cr_expect_not_null(strstr(manager_notice(manager), "was deleted, moved or replaced"));
	assert_answer("SELECT id, samples > 50, ended IS NULL FROM sessions", "2|1|1");
	assert_answer("SELECT sum(hits) = (SELECT samples FROM sessions) FROM stacks", "1");
	/* That is told once, until it samples anew. */
	sample();
	cr_assert_eq(manager_pause(manager, &(struct manager_scope){.owner = 0}, NULL, 0, &failure),
		     0);
	assert_answer("SELECT id, samples > 100, ended IS NULL FROM sessions", "2|1|0");
	unpause(UINT64_C(1000000));
	cr_expect_str_eq(manager_notice(manager), "");
	assert_answer("SELECT max(id) FROM sessions", "3");
	assert_answer("PRAGMA integrity_check", "ok");
}

Test(database, one_that_was_deleted_while_nothing_was_sampled_is_begun_anew_too)
{
	unpause(UINT64_C(1000000));
	sample();
	cr_assert_eq(manager_pause(manager, &(struct manager_scope){.owner = 0}, NULL, 0, &failure),
		     0);
	cr_assert_eq(unlink(store_world.path), 0);
	unpause(UINT64_C(1000000));
	sample();
	assert_answer("SELECT samples > 50, ended IS NULL FROM sessions", "1|1");
}

Test(database, samples_wait_while_there_is_no_directory)
{
	char moved[300];

	unpause(UINT64_C(1000000));
	sample();
	snprintf(moved, sizeof(moved), "%s.moved", store_world.directory);
	cr_assert_eq(rename(store_world.directory, moved), 0);
	sample();
	cr_expect_not_null(strstr(manager_notice(manager), "samples wait in memory"));
	cr_assert_eq(rename(moved, store_world.directory), 0);
	sample();
	cr_expect_str_eq(manager_notice(manager), "");
	assert_answer("SELECT samples > 150 FROM sessions", "1");
}
