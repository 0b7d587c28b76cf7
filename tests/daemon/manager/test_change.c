/* SPDX-License-Identifier: MIT */
/* Orders of several owners, side by side: what one of them does changes nothing in another's. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/manager.h"
#include "daemon/manager/saved.h"
#include "tests/support/busy.h"
#include "tests/support/directory.h"
#include "tests/support/fresh.h"
#include "tests/support/kernel_side.h"
#include "tests/support/store_world.h"

#define ROOT   0
#define NOBODY 65534
#define OTHER  65533
#define FAST   UINT64_C(1000000)
#define SLOW   UINT64_C(10000000)

static sd_event *event;
static struct manager *manager;
static struct failure failure;

static void start_manager(void)
{
	struct config config;

	config_init(&config);
	snprintf(config.database, sizeof(config.database), "%s", store_world.path);
	snprintf(config.symbolizer, sizeof(config.symbolizer), "%s", OX_SYMBOLIZER_BUILT);
	cr_assert_eq(manager_new(event, &config, &manager, &failure), 0, "%s", failure.text);
}

static void set_up(void)
{
	sampler_free(sampler_or_skip());
	store_world_set_up();
	cr_assert_geq(sd_event_new(&event), 0);
	start_manager();
}

static void tear_down(void)
{
	manager_free(manager);
	sd_event_unref(event);
	store_world_tear_down();
}

TestSuite(change, .init = set_up, .fini = tear_down, .timeout = 1000);

/* ---- orders ---- */

static void get_ready(void)
{
	while (manager_make_ready(manager, &failure) == 0)
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
}

static struct manager_request request_of(uint32_t owner, struct target_request *wanted,
					 const char *target)
{
	cr_assert_eq(target_parse(target, &wanted->target), 0);
	return (struct manager_request){
		.targets = wanted,
		.n_targets = 1,
		.owner = owner,
		.anybody = owner == ROOT,
		.kernel = owner == ROOT,
	};
}

static int order(uint32_t owner, const char *target, uint64_t interval_ns)
{
	struct target_request wanted = {0};
	struct manager_request request = request_of(owner, &wanted, target);

	request.interval_ns = interval_ns;
	get_ready();
	return manager_unpause(manager, &request, &failure);
}

static int resume(uint32_t owner)
{
	get_ready();
	return manager_unpause(manager,
			       &(struct manager_request){.owner = owner,
							 .anybody = owner == ROOT,
							 .kernel = owner == ROOT},
			       &failure);
}

static int pause_target(uint32_t owner, const char *text)
{
	const struct manager_scope scope = {.owner = owner};
	struct target target;

	cr_assert_eq(target_parse(text, &target), 0);
	return manager_pause(manager, &scope, &target, 1, &failure);
}

static int pause_all(uint32_t owner)
{
	return manager_pause(manager, &(struct manager_scope){.owner = owner}, NULL, 0, &failure);
}

static const char *pid_target(pid_t pid)
{
	static char texts[4][32];
	static unsigned n;
	char *text = texts[n++ % 4];

	snprintf(text, sizeof(texts[0]), "pid:%d", pid);
	return text;
}

/* Lets the loop run while the process uses so much CPU time. */
static void run_beside(const struct busy_process *busy, uint64_t cpu_ms)
{
	busy_let(busy->pid, cpu_ms);
	while (sd_event_run(event, 0) > 0)
		;
	fresh_wait(event, manager);
}

/* ---- what there is ---- */

struct seen {
	struct manager_session_info sessions[32];
	size_t n, n_running;
};

static int see_session(void *userdata, const struct manager_session_info *info)
{
	struct seen *seen = userdata;

	cr_assert_lt(seen->n, 32);
	seen->sessions[seen->n++] = *info;
	seen->n_running += info->is_running;
	return 0;
}

static struct seen see(uint32_t owner)
{
	const struct manager_scope scope = {.owner = owner};
	struct seen seen = {0};

	cr_assert_eq(manager_foreach_managed_session(manager, &scope, see_session, &seen), 0);
	return seen;
}

static int count_target(void *userdata, const struct manager_target_info *info)
{
	const char *state = manager_target_state_name(info->state);
	char **text = userdata;
	char *longer;

	cr_assert_geq(asprintf(&longer, "%s%s%s %s", *text ?: "", *text ? ", " : "",
			       strncmp(info->text, "pid:", 4) ? info->text : "pid", state),
		      0);
	free(*text);
	*text = longer;
	return 0;
}

static void assert_targets(uint32_t owner, const char *expected)
{
	const struct manager_scope scope = {.owner = owner};
	_cleanup_free_ char *text = NULL;

	cr_assert_eq(manager_foreach_target(manager, &scope, count_target, &text), 0);
	cr_assert_str_eq(text ?: "", expected, "%s", text ?: "");
}

/* ---- ---- */

Test(change, an_order_of_another_user_changes_nothing)
{
	struct busy_process mine = busy_start(&(struct busy){.comm = "mine"});
	struct busy_process theirs = busy_start(&(struct busy){.comm = "theirs", .uid = NOBODY});
	struct seen before, after;

	cr_assert_eq(order(ROOT, pid_target(mine.pid), SLOW), 0, "%s", failure.text);
	run_beside(&mine, 100);
	before = see(ROOT);
	cr_assert_eq(before.n, 1);
	for (unsigned i = 0; i < 5; i++) {
		cr_assert_eq(order(NOBODY, pid_target(theirs.pid), FAST), 0, "%s", failure.text);
		cr_assert_eq(manager_set_interval(manager, &(struct manager_scope){.owner = NOBODY},
						  2 * FAST, &failure),
			     0);
		run_beside(&theirs, 20);
		cr_assert_eq(pause_all(NOBODY), 0);
	}
	run_beside(&mine, 100);
	after = see(ROOT);
	cr_expect_eq(after.n, 1);
	cr_expect(after.sessions[0].is_running);
	cr_expect_eq(after.sessions[0].session, before.sessions[0].session);
	cr_expect_eq(after.sessions[0].interval_ns, SLOW);
	cr_expect_gt(after.sessions[0].totals.samples, before.sessions[0].totals.samples);
	cr_expect_eq(after.sessions[0].totals.lost[OX_LOST_NOT_PERMITTED], 0);
	cr_expect_gt(see(NOBODY).sessions[0].totals.samples, 0);
	cr_assert_eq(manager_cancel(manager, &(struct manager_scope){.owner = NOBODY}, &failure),
		     0);
	cr_expect_eq(see(NOBODY).n, 0);
	cr_expect_eq(see(ROOT).n_running, 1);
	busy_stop(&mine);
	busy_stop(&theirs);
}

Test(change, what_is_not_ones_own_is_not_sampled_and_counted)
{
	struct busy_process busy = busy_start(&(struct busy){.comm = "root's"});
	struct seen seen;

	cr_assert_eq(order(ROOT, "all", SLOW), 0, "%s", failure.text);
	cr_assert_eq(order(NOBODY, pid_target(busy.pid), FAST), 0, "%s", failure.text);
	run_beside(&busy, 100);
	seen = see(NOBODY);
	cr_expect_eq(seen.sessions[0].totals.samples, 0);
	cr_expect_gt(seen.sessions[0].totals.lost[OX_LOST_NOT_PERMITTED], 0);
	seen = see(ROOT);
	cr_expect_gt(seen.sessions[0].totals.samples, 0);
	cr_expect_eq(seen.sessions[0].totals.lost[OX_LOST_NOT_PERMITTED], 0);
	busy_stop(&busy);
}

Test(change, an_order_extends_ones_session_or_begins_another)
{
	struct busy_process a = busy_start(&(struct busy){.uid = NOBODY});
	struct busy_process b = busy_start(&(struct busy){.uid = NOBODY});
	struct seen seen;

	cr_assert_eq(order(NOBODY, pid_target(a.pid), 0), 0, "%s", failure.text);
	cr_assert_eq(order(NOBODY, pid_target(b.pid), 0), 0, "%s", failure.text);
	seen = see(NOBODY);
	cr_expect_eq(seen.n, 1);
	cr_expect_eq(seen.sessions[0].session, 1);
	assert_targets(NOBODY, "pid running, pid running");
	/* The same target at another rate: it moves to a session of its own. */
	cr_assert_eq(order(NOBODY, pid_target(b.pid), FAST), 0, "%s", failure.text);
	seen = see(NOBODY);
	cr_expect_eq(seen.n_running, 2);
	cr_expect_eq(seen.sessions[1].interval_ns, FAST);
	assert_targets(NOBODY, "pid running, pid running");
	/* The last target of the first session moves: it ends. */
	cr_assert_eq(order(NOBODY, pid_target(a.pid), FAST), 0, "%s", failure.text);
	seen = see(NOBODY);
	cr_expect_eq(seen.n, 1);
	cr_expect_eq(seen.sessions[0].session, 2);
	fresh_wait(event, manager);
	assert_answer("SELECT id, ended IS NULL FROM session ORDER BY id", "1|0\n2|1");
	busy_stop(&a);
	busy_stop(&b);
}

Test(change, rights_are_never_added_up)
{
	struct busy_process busy = busy_start(&(struct busy){.comm = "root's"});
	struct target_request wanted = {0};
	struct manager_request request = request_of(OTHER, &wanted, pid_target(busy.pid));
	struct seen seen;

	/* The right to see others' processes was granted for one order alone. */
	request.anybody = true;
	get_ready();
	cr_assert_eq(manager_unpause(manager, &request, &failure), 0, "%s", failure.text);
	cr_assert_eq(order(OTHER, "all", 0), 0, "%s", failure.text);
	seen = see(OTHER);
	cr_assert_eq(seen.n, 2);
	run_beside(&busy, 100);
	seen = see(OTHER);
	cr_expect_gt(seen.sessions[0].totals.samples, 0);
	cr_expect_eq(seen.sessions[1].totals.samples, 0);
	/* Nor is it there for ever. */
	cr_assert_eq(pause_all(OTHER), 0);
	cr_expect_eq(resume(OTHER), -EACCES);
	busy_stop(&busy);
}

Test(change, pause_and_resume_are_about_ones_own)
{
	struct busy_process a = busy_start(&(struct busy){.uid = NOBODY});

	cr_expect_eq(resume(ROOT), -ENOENT);
	cr_assert_eq(order(ROOT, pid_target(a.pid), 0), 0, "%s", failure.text);
	cr_assert_eq(order(NOBODY, pid_target(a.pid), 0), 0, "%s", failure.text);
	cr_expect_eq(resume(OTHER), -ENOENT);
	cr_expect_eq(pause_target(OTHER, pid_target(a.pid)), -ENOENT);
	cr_assert_eq(pause_target(NOBODY, pid_target(a.pid)), 0);
	assert_targets(NOBODY, "pid paused");
	assert_targets(ROOT, "pid running");
	cr_assert_eq(pause_all(OTHER), 0);
	cr_expect(manager_is_running(manager, ROOT));
	cr_expect_not(manager_is_running(manager, NOBODY));
	cr_assert_eq(resume(NOBODY), 0, "%s", failure.text);
	assert_targets(NOBODY, "pid running");
	cr_assert_eq(pause_all(UINT32_MAX), 0);
	assert_targets(UINT32_MAX, "pid paused, pid paused");
	cr_expect_not(manager_is_running(manager, UINT32_MAX));
	assert_answer("SELECT count(*), sum(ended IS NOT NULL) FROM session", "3|3");
	busy_stop(&a);
}

Test(change, one_session_is_meant_by_its_number)
{
	struct busy_process a = busy_start(&(struct busy){.uid = NOBODY});
	const struct manager_scope first = {.owner = NOBODY, .session = 1};
	const struct manager_scope foreign = {.owner = OTHER, .session = 1};

	cr_assert_eq(order(NOBODY, pid_target(a.pid), FAST), 0, "%s", failure.text);
	cr_assert_eq(order(NOBODY, "user:nobody", SLOW), 0, "%s", failure.text);
	cr_expect_eq(manager_pause(manager, &foreign, NULL, 0, &failure), -ENOENT);
	cr_expect_eq(manager_cancel(manager, &foreign, &failure), -ENOENT);
	cr_assert_eq(manager_pause(manager, &first, NULL, 0, &failure), 0);
	cr_expect_eq(see(NOBODY).n_running, 1);
	cr_assert_eq(manager_cancel(manager, &first, &failure), 0);
	assert_targets(NOBODY, "user:nobody running");
	busy_stop(&a);
}

Test(change, a_user_has_so_many_sessions_and_no_more)
{
	struct busy_process busy[OX_SESSIONS_PER_USER + 1];

	for (unsigned i = 0; i <= OX_SESSIONS_PER_USER; i++) {
		busy[i] = busy_start(&(struct busy){.uid = NOBODY});
		cr_expect_eq(order(NOBODY, pid_target(busy[i].pid), FAST + i * FAST),
			     i < OX_SESSIONS_PER_USER ? 0 : -E2BIG);
	}
	cr_expect_eq(see(NOBODY).n, OX_SESSIONS_PER_USER);
	/* The refused request has left nothing. */
	cr_expect_eq(pause_target(NOBODY, pid_target(busy[OX_SESSIONS_PER_USER].pid)), -ENOENT);
	for (unsigned i = 0; i <= OX_SESSIONS_PER_USER; i++)
		busy_stop(&busy[i]);
}

Test(change, an_interval_is_the_owner_s)
{
	struct busy_process a = busy_start(&(struct busy){.uid = NOBODY});
	const struct manager_scope nobody = {.owner = NOBODY};

	cr_assert_eq(manager_set_interval(manager, &nobody, FAST, &failure), 0);
	cr_expect_eq(manager_interval_ns(manager, NOBODY), FAST);
	cr_expect_eq(manager_interval_ns(manager, ROOT), OX_INTERVAL_DEFAULT_NS);
	cr_assert_eq(order(NOBODY, pid_target(a.pid), 0), 0, "%s", failure.text);
	cr_expect_eq(see(NOBODY).sessions[0].interval_ns, FAST);
	cr_assert_eq(manager_set_interval(manager, &nobody, SLOW, &failure), 0);
	cr_expect_eq(see(NOBODY).sessions[0].session, 2);
	cr_expect_eq(see(NOBODY).sessions[0].interval_ns, SLOW);
	run_beside(&a, 50);
	assert_answer("SELECT id, ended IS NULL FROM session ORDER BY id", "1|0\n2|1");
	cr_assert_eq(manager_cancel(manager, &nobody, &failure), 0);
	cr_expect_eq(manager_interval_ns(manager, NOBODY), OX_INTERVAL_DEFAULT_NS);
	busy_stop(&a);
}

Test(change, a_request_that_fails_leaves_all_as_it_was)
{
	struct busy_process a = busy_start(&(struct busy){.uid = NOBODY});
	struct target_request wanted[2] = {0};
	struct manager_request request = request_of(NOBODY, wanted, pid_target(a.pid));

	cr_assert_eq(order(NOBODY, pid_target(a.pid), 0), 0, "%s", failure.text);
	cr_assert_eq(target_parse("user:no-such-user-here", &wanted[1].target), 0);
	request.n_targets = 2;
	request.interval_ns = FAST;
	cr_expect_eq(manager_unpause(manager, &request, &failure), -ENOENT);
	cr_expect_eq(see(NOBODY).n, 1);
	cr_expect_eq(see(NOBODY).sessions[0].session, 1);
	assert_targets(NOBODY, "pid running");
	busy_stop(&a);
}

Test(change, the_question_without_a_window_is_about_ones_own_session)
{
	struct busy_process a = busy_start(&(struct busy){.uid = NOBODY});
	int64_t session;

	cr_assert_eq(manager_find_default_session(manager, NOBODY, &session, &failure), 0);
	cr_expect_eq(session, 0);
	cr_assert_eq(order(NOBODY, pid_target(a.pid), 0), 0, "%s", failure.text);
	cr_assert_eq(order(ROOT, "all", 0), 0, "%s", failure.text);
	cr_assert_eq(manager_find_default_session(manager, NOBODY, &session, &failure), 0);
	cr_expect_eq(session, 1);
	cr_assert_eq(manager_find_default_session(manager, ROOT, &session, &failure), 0);
	cr_expect_eq(session, 2);
	cr_assert_eq(pause_all(NOBODY), 0);
	cr_assert_eq(manager_find_default_session(manager, NOBODY, &session, &failure), 0);
	cr_expect_eq(session, 1, "the last one, when none runs");
	busy_stop(&a);
}

/* ---- the sessions of a daemon that was killed ---- */

/* Ends the manager as a kill would: the file of the sessions stays. */
static void kill_manager(const char *directory)
{
	char path[300], kept[300];

	snprintf(path, sizeof(path), "%s/sessions", directory);
	snprintf(kept, sizeof(kept), "%s/kept", directory);
	cr_assert_eq(link(path, kept), 0);
	manager_free(manager);
	cr_assert_eq(access(path, F_OK), -1, "an orderly end leaves nothing");
	cr_assert_eq(rename(kept, path), 0);
	start_manager();
	saved_set_directory(manager, directory);
}

Test(change, sessions_go_on_after_a_kill)
{
	struct busy_process a = busy_start(&(struct busy){.uid = NOBODY});
	struct busy_process b = busy_start(&(struct busy){.uid = NOBODY});
	char directory[256];
	struct seen seen;

	directory_make(directory, sizeof(directory));
	saved_set_directory(manager, directory);
	cr_assert_eq(order(NOBODY, pid_target(a.pid), FAST), 0, "%s", failure.text);
	cr_assert_eq(order(NOBODY, pid_target(b.pid), FAST), 0, "%s", failure.text);
	cr_assert_eq(order(ROOT, "user:nobody", SLOW), 0, "%s", failure.text);
	cr_assert_eq(pause_all(ROOT), 0);
	kill_manager(directory);
	busy_stop(&b);
	saved_resume(manager);
	while (!manager_is_running(manager, NOBODY))
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	seen = see(NOBODY);
	cr_expect_eq(seen.n, 1);
	cr_expect_eq(seen.sessions[0].interval_ns, FAST);
	assert_targets(NOBODY, "pid running");
	assert_targets(ROOT, "user:nobody paused");
	cr_expect_not_null(strstr(manager_notice(manager), "1 session was resumed"));
	directory_remove(directory);
	busy_stop(&a);
}

Test(change, what_makes_the_daemon_die_is_not_resumed_for_ever)
{
	struct busy_process a = busy_start(&(struct busy){.uid = NOBODY});
	char directory[256];

	directory_make(directory, sizeof(directory));
	saved_set_directory(manager, directory);
	cr_assert_eq(order(NOBODY, pid_target(a.pid), FAST), 0, "%s", failure.text);
	for (unsigned i = 0; i < 4; i++) {
		kill_manager(directory);
		saved_resume(manager);
		if (see(NOBODY).n == 0)
			break;
		cr_assert_lt(i, 3);
		while (!manager_is_running(manager, NOBODY))
			cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	}
	directory_remove(directory);
	busy_stop(&a);
}
