/* SPDX-License-Identifier: MIT */
/* From a busy process to rows that sqlite3 reads. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/api.h"
#include "daemon/base/clock.h"
#include "daemon/base/opener.h"
#include "daemon/recorder/internal.h"
#include "daemon/sampler/blocks.h"
#include "tests/support/busy.h"
#include "tests/support/directory.h"
#include "tests/support/kernel_side.h"
#include "tests/support/skip.h"
#include "tests/support/store_world.h"

#define PATIENCE_USEC   100000000 /* ends a test that hangs */
#define IMPATIENCE_USEC 1000000

#define INTERVAL_NS UINT64_C(250000)
#define CPU_MS      40

static struct sampler *sampler;
static struct sideband *sideband;
static struct store *store;
static struct recorder *recorder;
static struct recorder_session *session;

/* Stands for a named function in a stack. */
__attribute__((noinline, used)) static void caller_of_leaf(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

__attribute__((noinline, used)) static void caller_of_caller(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

static struct busy_process start_busy(uint32_t uid)
{
	struct busy busy = {.comm = "rec busy", .uid = uid, .depth = 2};

	/* A return address is behind its call: the byte before it is looked up. */
	busy.returns_to[0] = (uintptr_t)caller_of_leaf + 1;
	busy.returns_to[1] = (uintptr_t)caller_of_caller + 1;
	return busy_start(&busy);
}

static void warn(void *userdata, const char *text)
{
	cr_assert_fail("%s", text);
}

static void set_up_recorder(void)
{
	struct opener opener;
	char why[512] = "";

	opener_init(&opener, OX_OPENER_PATH);
	sampler = sampler_or_skip();
	cr_assert_eq(sideband_new(&opener, &sideband, why, sizeof(why)), 0, "%s", why);
	store_world_set_up();
	store = store_world_open();
	recorder = recorder_new(store, "/proc", OX_SYMBOLIZER_BUILT, "/", warn, NULL);
	cr_assert_not_null(recorder);
}

static void tear_down_recorder(void)
{
	recorder_release_session(recorder, session);
	recorder_free(recorder);
	store_free(store);
	sideband_free(sideband);
	sampler_free(sampler);
	store_world_tear_down();
}

TestSuite(recorder, .init = set_up_recorder, .fini = tear_down_recorder);

/* Begins a session of the user's. */
static int begin_for(uint32_t owner, struct recorder_session **ret)
{
	const struct store_session row = {
		.started_usec = clock_realtime_usec(),
		.mode = "cpu",
		.interval_ns = INTERVAL_NS,
		.targets = "pid:1",
		.owner = owner,
	};

	return recorder_begin_session(recorder, &row, ret);
}

/* Begins to record, and the session of the test. */
static int begin(void)
{
	recorder_release_session(recorder, session);
	session = NULL;
	recorder_begin(recorder, sampler, sideband);
	return begin_for(0, &session);
}

/* Has the kernel side sample nothing for any session. */
static void choose_nothing(void)
{
	const struct sampler_session sessions[OX_SESSIONS_MAX] = {};

	cr_assert_eq(sampler_apply(sampler, &(struct sampler_plan){.sessions = sessions}), 0);
}

static int end(uint64_t patience_usec)
{
	choose_nothing();
	recorder_end_session(recorder, session);
	return recorder_end(recorder, patience_usec);
}

static void start_to_sample(const struct busy_process *busy)
{
	struct sampler_target target = {
		.filter = SAMPLER_PID,
		.id = busy->pid,
		.target = {.start_max_ns = UINT64_MAX, .number = 7},
	};

	kernel_side_choose(sampler, &target, 1, INTERVAL_NS);
	recorder_expect(recorder, busy->pid);
	cr_assert_eq(sideband_enable(sideband), 0);
	cr_assert_eq(sampler_enable(sampler), 0);
}

static void stop_to_sample(void)
{
	cr_assert_eq(sampler_disable(sampler), 0);
	sideband_disable(sideband);
}

static void sample(const struct busy_process *busy, uint64_t cpu_ms)
{
	start_to_sample(busy);
	busy_let(busy->pid, cpu_ms);
	stop_to_sample();
}

static uint64_t number(const char *sql)
{
	_cleanup_free_ char *answer = store_world_ask(SQLITE_OPEN_READONLY, sql);

	return strtoull(answer, NULL, 10);
}

static uint64_t samples(void)
{
	struct recorder_totals totals;

	recorder_session_get_totals(recorder, session, &totals);
	return totals.samples;
}

Test(recorder, every_sample_is_in_the_database)
{
	struct busy_process busy = start_busy(0);

	cr_assert_eq(begin(), 0);
	sample(&busy, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_assert_gt(samples(), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	sample(&busy, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	/* The same rows grew. */
	cr_assert_leq(number("SELECT count(*) FROM sample"), 40);
	assert_answer("SELECT ended FROM sessions", "NULL");
	cr_assert_eq(end(PATIENCE_USEC), 0);
	cr_assert_eq(number("SELECT samples FROM sessions"), samples());
	cr_assert_eq(number("SELECT sum(hits) FROM stacks"), samples());
	assert_answer("SELECT count(*) FROM sessions WHERE ended IS NOT NULL", "1");
	busy_stop(&busy);
}

/* Expects the stack that was hit most. No test reads events here, so the stack is followed by frame
 * pointers and ends in "[no-table]". */
static void assert_main_stack(void)
{
	assert_answer("SELECT folded FROM stacks GROUP BY folded ORDER BY sum(hits) DESC LIMIT 1",
		      "[no-table];caller_of_caller(test_daemon_recorder_recorder);caller_of_leaf("
		      "test_daemon_recorder_recorder);"
		      "busy_spin(test_daemon_recorder_recorder)");
}

Test(recorder, stacks_have_names_and_processes_what_is_known_of_them)
{
	struct busy_process busy = start_busy(65534);
	char sql[256];

	cr_assert_eq(begin(), 0);
	sample(&busy, CPU_MS);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	assert_main_stack();
	snprintf(sql, sizeof(sql),
		 "SELECT comm, user FROM processes WHERE pid = %d "
		 "AND exe LIKE '%%/test_daemon_recorder_recorder' AND cmdline IS NOT NULL",
		 busy.pid);
	assert_answer(sql, "rec busy|nobody");
	assert_answer("SELECT count(*) FROM processes", "1");
	busy_stop(&busy);
}

/* Makes a /proc in which PID 1's root is the test's: reading the real one takes rights. */
static void make_proc(const struct busy_process *busy, char *ret, size_t size)
{
	char name[300], target[64];

	directory_make(ret, size);
	snprintf(name, sizeof(name), "%s/1", ret);
	cr_assert_eq(mkdir(name, 0755), 0);
	snprintf(name, sizeof(name), "%s/1/root", ret);
	cr_assert_eq(symlink("/", name), 0);
	snprintf(name, sizeof(name), "%s/%d", ret, busy->pid);
	snprintf(target, sizeof(target), "/proc/%d", busy->pid);
	cr_assert_eq(symlink(target, name), 0);
}

Test(recorder, a_process_that_ended_before_the_drain_keeps_its_names)
{
	struct busy_process busy = start_busy(0);
	char proc[256];

	make_proc(&busy, proc, sizeof(proc));
	recorder_free(recorder);
	recorder = recorder_new(store, proc, OX_SYMBOLIZER_BUILT, "/", warn, NULL);
	cr_assert_eq(begin(), 0);
	sample(&busy, CPU_MS);
	busy_stop(&busy);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	directory_remove(proc);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	assert_main_stack();
	assert_answer("SELECT comm FROM processes", "rec busy");
}

/* ---- time ---- */

/* The clocks of the test, where it has set them: the linker puts these in place of the functions.
 */
static uint64_t realtime_usec, boottime_ns;

uint64_t __real_clock_realtime_usec(void);
uint64_t __wrap_clock_realtime_usec(void);
uint64_t __wrap_clock_realtime_usec(void)
{
	return realtime_usec ?: __real_clock_realtime_usec();
}

uint64_t __real_clock_boottime_ns(void);
uint64_t __wrap_clock_boottime_ns(void);
uint64_t __wrap_clock_boottime_ns(void)
{
	return boottime_ns ?: __real_clock_boottime_ns();
}

/* Lets time pass on both clocks. */
static void pass_usec(uint64_t usec)
{
	realtime_usec += usec;
	boottime_ns += usec * 1000;
}

/* Sets the clocks to the begin of a window, and begins. */
static void begin_at_window(uint64_t into_usec)
{
	recorder_free(recorder);
	realtime_usec = clock_realtime_usec() / OX_WINDOW_USEC * OX_WINDOW_USEC + into_usec;
	boottime_ns = clock_boottime_ns();
	recorder = recorder_new(store, "/proc", OX_SYMBOLIZER_BUILT, "/", warn, NULL);
	cr_assert_eq(begin(), 0);
}

#define WINDOWS "SELECT DISTINCT t - started / 10000000 FROM sample, session ORDER BY t"

Test(recorder, a_drain_belongs_to_the_window_that_it_ends)
{
	struct busy_process busy = start_busy(0);

	/* Windows are those of the clock, whenever the session began. */
	begin_at_window(3000000);
	sample(&busy, 10);
	/* Just at the border: still the first window. */
	pass_usec(OX_WINDOW_USEC - 3000000);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	assert_answer(WINDOWS, "0");
	sample(&busy, 10);
	pass_usec(1);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	assert_answer(WINDOWS, "0\n1");
	sample(&busy, 10);
	pass_usec(9 * OX_WINDOW_USEC - 1);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	assert_answer(WINDOWS, "0\n1\n9");
	assert_answer("SELECT ended - started FROM session", "97000000");
	busy_stop(&busy);
}

/* A clock that is set changes the names of the windows: neither their length nor the session's. */
Test(recorder, a_clock_that_is_set_changes_labels_alone)
{
	struct busy_process busy = start_busy(0);

	begin_at_window(1000000);
	sample(&busy, 10);
	pass_usec(1000000);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	realtime_usec -= 8640 * OX_WINDOW_USEC;
	sample(&busy, 10);
	pass_usec(1000000);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	assert_answer(WINDOWS, "-8640\n0");
	realtime_usec += 2 * 8640 * OX_WINDOW_USEC;
	sample(&busy, 10);
	pass_usec(1000000);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	assert_answer(WINDOWS, "-8640\n0\n8640");
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	assert_answer("SELECT ended - started FROM session", "3000000");
	busy_stop(&busy);
}

/* ---- sessions ---- */

Test(recorder, each_session_counts_for_itself)
{
	struct busy_process busy = start_busy(0);
	uint64_t first;

	cr_assert_eq(begin(), 0);
	sample(&busy, CPU_MS);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	first = samples();
	cr_assert_eq(begin(), 0);
	cr_assert_eq(samples(), 0);
	sample(&busy, 10);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	cr_assert_eq(number("SELECT samples FROM sessions WHERE id = 1"), first);
	cr_assert_eq(number("SELECT samples FROM sessions WHERE id = 2"), samples());
	/* One process, one stack tree: nothing is written twice. */
	assert_answer("SELECT count(*) FROM processes", "1");
	busy_stop(&busy);
}

/* Has the process sampled for these slots, and lets it run. */
static void sample_for(const struct busy_process *busy, uint64_t sessions)
{
	struct sampler_session plan[OX_SESSIONS_MAX] = {};
	struct sampler_target target = {
		.filter = SAMPLER_PID,
		.id = busy->pid,
		.target = {.start_max_ns = UINT64_MAX, .sessions = sessions, .number = 7},
	};

	for (unsigned slot = 0; slot < OX_SESSIONS_MAX; slot++)
		plan[slot] = (struct sampler_session){.interval_ns = INTERVAL_NS, .anybody = true};
	cr_assert_eq(sampler_apply(sampler, &(struct sampler_plan){.running = sessions,
								   .sessions = plan,
								   .targets = &target,
								   .n_targets = 1}),
		     0);
	cr_assert_eq(sideband_enable(sideband), 0);
	cr_assert_eq(sampler_enable(sampler), 0);
	busy_let(busy->pid, CPU_MS);
	cr_assert_eq(sampler_disable(sampler), 0);
	sideband_disable(sideband);
}

static uint64_t samples_of(const struct recorder_session *of)
{
	struct recorder_totals totals;

	recorder_session_get_totals(recorder, of, &totals);
	return totals.samples;
}

static uint32_t find_target(void *userdata, unsigned slot, const struct ox_sample *sample,
			    const char *cgroup)
{
	return 20 + slot;
}

Test(recorder, a_sample_of_two_sessions_is_one_row_and_counts_in_each)
{
	struct busy_process busy = start_busy(0);
	struct recorder_session *other;
	struct recorder_share share;

	recorder_on_target(recorder, find_target, NULL);
	cr_assert_eq(begin(), 0);
	cr_assert_eq(begin_for(1000, &other), 0);
	sample_for(&busy, 3);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_assert_gt(samples(), 0);
	cr_expect_eq(samples_of(other), samples());
	cr_expect_eq(number("SELECT sum(n) FROM sample"), samples());
	assert_answer("SELECT sessions FROM session_set", "1 2");
	recorder_get_share(recorder, 21, &share);
	cr_expect_eq(share.samples, samples(), "the sample names one target alone");
	/* One of the two ends; what the other one takes from then on is its own. */
	recorder_end_session(recorder, other);
	sample_for(&busy, 1);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_expect_lt(samples_of(other), samples());
	assert_answer("SELECT id FROM session WHERE ended IS NOT NULL", "2");
	cr_expect_eq(number("SELECT samples FROM session WHERE id = 1"), samples());
	cr_expect_eq(number("SELECT samples FROM session WHERE id = 2"), samples_of(other));
	cr_expect_eq(number("SELECT sum(n) FROM sample"), samples());
	recorder_release_session(recorder, other);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	busy_stop(&busy);
}

/* The samples that were taken for a session before its end are its own, and no other session gets
 * its slot before they were read. */
Test(recorder, a_slot_is_free_when_its_last_samples_were_read)
{
	struct busy_process busy = start_busy(0);
	struct recorder_session *other, *third;

	cr_assert_eq(begin(), 0);
	cr_assert_eq(begin_for(1000, &other), 0);
	sample_for(&busy, 3);
	choose_nothing();
	recorder_end_session(recorder, other);
	cr_assert_eq(begin_for(1000, &third), 0);
	cr_expect_eq(recorder_session_get_slot(other), 1);
	cr_expect_eq(recorder_session_get_slot(third), 2);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_expect_gt(samples_of(other), 0);
	cr_expect_eq(samples_of(third), 0);
	recorder_end_session(recorder, third);
	recorder_release_session(recorder, third);
	cr_assert_eq(begin_for(1000, &third), 0);
	cr_expect_eq(recorder_session_get_slot(third), 1);
	recorder_end_session(recorder, third);
	recorder_release_session(recorder, third);
	recorder_release_session(recorder, other);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	assert_answer("SELECT count(*) FROM session WHERE ended IS NULL", "0");
	busy_stop(&busy);
}

Test(recorder, the_last_slots_are_those_of_root)
{
	struct recorder_session *others[OX_SESSIONS_MAX];
	unsigned n = 0;

	cr_assert_eq(begin(), 0);
	while (n < OX_SESSIONS_MAX && begin_for(1000, &others[n]) == 0)
		n++;
	cr_expect_eq(n, OX_SESSIONS_MAX - OX_SLOTS_FOR_ROOT - 1);
	cr_assert_eq(begin_for(0, &others[n]), 0);
	n++;
	for (unsigned i = 0; i < n; i++) {
		recorder_end_session(recorder, others[i]);
		recorder_release_session(recorder, others[i]);
	}
	cr_assert_eq(end(PATIENCE_USEC), 0);
}

Test(recorder, what_cannot_be_written_is_kept_for_the_next_time)
{
	struct busy_process busy = start_busy(0);
	sqlite3 *other = NULL;

	cr_assert_eq(begin(), 0);
	sample(&busy, 10);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_assert_eq(sqlite3_open(store_world.path, &other), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	sample(&busy, CPU_MS);
	cr_assert_lt(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_assert_lt(number("SELECT sum(n) FROM sample"), samples());
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	cr_assert_eq(end(PATIENCE_USEC), 0);
	busy_stop(&busy);
}

/* A transaction that takes long is parted: each part is written once, and what comes to a row of an
 * earlier part is added to it. */
Test(recorder, what_takes_long_is_written_in_parts)
{
	struct busy_process one = start_busy(0), two = start_busy(0);
	sqlite3 *other = NULL;
	uint64_t first;

	begin_at_window(1000000);
	cr_assert_eq(sqlite3_open(store_world.path, &other), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	sample(&one, CPU_MS);
	cr_assert_lt(recorder_drain(recorder, PATIENCE_USEC), 0);
	sample(&two, CPU_MS);
	cr_assert_lt(recorder_drain(recorder, PATIENCE_USEC), 0);
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	while (recorder->n_written + 1 < table_count(recorder->pending))
		cr_assert_eq(recorder_write(recorder, 0), 0);
	first = number("SELECT sum(n) FROM sample");
	cr_assert_lt(first, samples(), "but one row");

	cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	sample(&one, CPU_MS);
	cr_assert_lt(recorder_drain(recorder, PATIENCE_USEC), 0);
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), first);
	for (unsigned i = 0; i < 1000; i++)
		cr_assert_eq(recorder_write(recorder, 0), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	cr_assert_eq(end(PATIENCE_USEC), 0);
	cr_assert_eq(number("SELECT samples FROM sessions"), samples());
	busy_stop(&one);
	busy_stop(&two);
}

/* ---- what a user's account has no room for ---- */

#define SOMEBODY 65534

static void take_all(enum budget_kind kind)
{
	/* At a time after that of all samples to come: none of them fills it again. */
	while (budget_take(recorder->budget, SOMEBODY, kind, 1, UINT64_MAX / 2))
		;
}

static uint64_t count_limited(void)
{
	struct recorder_totals totals;

	recorder_session_get_totals(recorder, session, &totals);
	return totals.lost[OX_LOST_LIMIT];
}

Test(recorder, a_stack_that_is_too_much_for_its_user_is_other)
{
	struct busy_process busy = start_busy(SOMEBODY), roots = start_busy(0);

	cr_assert_eq(begin(), 0);
	take_all(BUDGET_NODES);
	sample(&busy, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_expect_gt(samples(), 0);
	cr_expect_eq(count_limited(), samples());
	assert_answer("SELECT DISTINCT folded, comm FROM stacks", "[other]|rec busy");
	sample(&roots, CPU_MS);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	cr_expect_lt(count_limited(), samples());
	assert_answer("SELECT count(*) FROM stacks WHERE folded GLOB '*busy_spin*'", "1");
	cr_expect_eq(number("SELECT sum(count) FROM losses WHERE reason = 'limit'"),
		     count_limited());
	assert_answer("SELECT lost - (SELECT coalesce(sum(count), 0) FROM losses WHERE reason = "
		      "'late') FROM sessions",
		      "0");
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	busy_stop(&busy);
	busy_stop(&roots);
}

Test(recorder, a_process_that_is_too_much_for_its_user_is_other)
{
	struct busy_process known = start_busy(SOMEBODY), busy = start_busy(SOMEBODY);

	cr_assert_eq(begin(), 0);
	sample(&known, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_expect_eq(count_limited(), 0);
	take_all(BUDGET_TASKS);
	sample(&known, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_expect_eq(count_limited(), 0, "it has its row");
	sample(&busy, CPU_MS);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	assert_answer("SELECT pid, comm, owner FROM processes ORDER BY pid LIMIT 1",
		      "0|[other]|65534");
	cr_expect_eq(number("SELECT sum(hits) FROM stacks WHERE comm = '[other]'"),
		     count_limited());
	cr_expect_gt(count_limited(), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	busy_stop(&known);
	busy_stop(&busy);
}

static struct busy_process start_deeper_than_is_kept(void)
{
	struct busy busy = {.depth = OX_MAX_USER_FRAMES + 10};

	for (unsigned i = 0; i < busy.depth; i++)
		busy.returns_to[i] = (uintptr_t)caller_of_leaf + 1;
	return busy_start(&busy);
}

Test(recorder, losses_are_written_with_their_reason)
{
	struct busy_process busy = start_deeper_than_is_kept();
	struct recorder_totals totals;

	cr_assert_eq(begin(), 0);
	sample(&busy, 10);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	recorder_session_get_totals(recorder, session, &totals);
	cr_assert_gt(totals.lost[OX_LOST_CUT], 0);
	cr_assert_eq(number("SELECT sum(count) FROM losses WHERE reason = 'stack-cut'"),
		     totals.lost[OX_LOST_CUT]);
	busy_stop(&busy);
}

Test(recorder, a_stack_ends_where_it_leaves_all_code)
{
	struct busy busy = {.depth = 5};
	struct busy_process process;
	struct recorder_totals totals;

	busy.returns_to[0] = (uintptr_t)caller_of_leaf + 1;
	busy.returns_to[1] = (uintptr_t)caller_of_caller + 1;
	process = busy_start(&busy);
	cr_assert_eq(begin(), 0);
	sample(&process, 10);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	recorder_session_get_totals(recorder, session, &totals);
	cr_assert_eq(totals.lost[OX_LOST_NO_TABLE], totals.samples);
	cr_assert_eq(totals.stops[OX_STOP_NO_TABLE], totals.samples);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	assert_main_stack();
	busy_stop(&process);
}

static volatile uint64_t computed;

__attribute__((noinline)) static void compute(void)
{
	while (computed != 2) /* never */
		computed = computed * 2 + 1;
}

/* Reads events as the daemon's event loop does, until the kernel side has the process's ranges and
 * tables. */
static void listen_until_followed(struct busy_process *process)
{
	struct ox_process known = {0};

	cr_assert_eq(sampler_enable(sampler), 0);
	while (!known.as_of_ns) {
		busy_let(process->pid, 5);
		recorder_read_events(recorder);
		(void)sampler_get_process(sampler, process->pid, &known);
	}
	for (struct unwinder_state state = {.n_waiting = 1}; state.n_waiting;) {
		busy_let(process->pid, 5);
		recorder_dispatch(recorder);
		recorder_get_tables(recorder, &state);
	}
	cr_assert_eq(sampler_disable(sampler), 0);
}

Test(recorder, with_tables_a_stack_reaches_its_root_and_its_target_knows)
{
	struct busy_process process = busy_start(&(struct busy){.run = compute});
	struct recorder_share share, before;

	cr_assert_eq(begin(), 0);
	sample(&process, 10);
	listen_until_followed(&process);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	recorder_get_share(recorder, 7, &before);
	sample(&process, CPU_MS);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	recorder_get_share(recorder, 7, &share);
	cr_assert_gt(share.samples, before.samples);
	cr_assert_eq(share.stops[OX_STOP_ROOT] - before.stops[OX_STOP_ROOT],
		     share.samples - before.samples);
	cr_assert_eq(share.samples, samples());
	cr_assert_gt(number("SELECT sum(hits) FROM stacks WHERE folded LIKE '_start(%compute%'"),
		     0);
	busy_stop(&process);
}

/* Makes a symbolizer that never answers requests for names: the third one that is started, after
 * the inspector's and the one for tables. */
static void use_slow_symbolizer(char *where, size_t size)
{
	char program[300];
	FILE *f;

	directory_make(where, size);
	snprintf(program, sizeof(program), "%s/slow", where);
	f = fopen(program, "we");
	cr_assert_not_null(f);
	fputs("#!/bin/sh\necho >>$0.started\n"
	      "[ $(wc -l <$0.started) -gt 2 ] || exec " OX_SYMBOLIZER_BUILT "\nexec sleep 1000\n",
	      f);
	fclose(f);
	cr_assert_eq(chmod(program, 0755), 0);
	recorder_free(recorder);
	recorder = recorder_new(store, "/proc", program, "/", warn, NULL);
}

Test(recorder, samples_wait_for_slow_names_and_are_there_when_somebody_asks)
{
	struct busy_process busy = start_busy(0);
	char where[256];

	use_slow_symbolizer(where, sizeof(where));
	cr_assert_eq(begin(), 0);
	sample(&busy, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, 0), 0);
	cr_assert_eq(number("SELECT count(*) FROM sample"), 0);
	cr_assert_geq(recorder_drain(recorder, IMPATIENCE_USEC), 0);
	cr_assert_gt(samples(), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	cr_assert_eq(number("SELECT total_hits FROM functions WHERE name LIKE "
			    "'test_daemon_recorder_recorder+0x%' "
			    "ORDER BY total_hits DESC LIMIT 1"),
		     samples());
	cr_assert_eq(end(IMPATIENCE_USEC), 0);
	directory_remove(where);
	busy_stop(&busy);
}

Test(recorder, a_caller_who_cannot_wait_comes_again_until_the_names_are_late)
{
	struct busy_process busy = start_busy(0);
	uint64_t asked_ns;
	char where[256];

	use_slow_symbolizer(where, sizeof(where));
	cr_assert_eq(begin(), 0);
	sample(&busy, CPU_MS);
	asked_ns = clock_monotonic_ns();
	cr_assert_eq(recorder_settle(recorder, asked_ns, UINT64_MAX), 0);
	cr_assert_eq(recorder_settle(recorder, asked_ns, UINT64_MAX), 0);
	cr_assert_eq(number("SELECT count(*) FROM sample"), 0);
	/* The caller's patience has ended. */
	cr_assert_eq(recorder_settle(recorder, asked_ns, asked_ns), 1);
	cr_assert_gt(samples(), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	cr_assert_eq(recorder_settle(recorder, asked_ns, UINT64_MAX), 1, "nothing is to do");
	cr_assert_eq(end(IMPATIENCE_USEC), 0);
	directory_remove(where);
	busy_stop(&busy);
}

Test(recorder, who_asks_later_has_what_was_sampled_later)
{
	struct busy_process busy = start_busy(0);
	uint64_t first_ns, second_ns;
	uint64_t before;
	char where[256];

	use_slow_symbolizer(where, sizeof(where));
	cr_assert_eq(begin(), 0);
	start_to_sample(&busy);
	busy_let(busy.pid, CPU_MS);
	first_ns = clock_monotonic_ns();
	cr_assert_eq(recorder_settle(recorder, first_ns, UINT64_MAX), 0);
	busy_let(busy.pid, CPU_MS);
	stop_to_sample();
	second_ns = clock_monotonic_ns();
	cr_assert_eq(recorder_settle(recorder, first_ns, first_ns), 1);
	before = number("SELECT sum(n) FROM sample");
	cr_assert_gt(before, 0);
	cr_assert_eq(recorder_settle(recorder, second_ns, second_ns), 1);
	cr_assert_gt(number("SELECT sum(n) FROM sample"), before);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	cr_assert_eq(end(IMPATIENCE_USEC), 0);
	directory_remove(where);
	busy_stop(&busy);
}

Test(recorder, what_was_forgotten_is_found_again)
{
	struct busy_process busy = start_busy(0);
	uint64_t frames;

	cr_assert_eq(begin(), 0);
	sample(&busy, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	frames = number("SELECT count(*) FROM frame");
	recorder_forget_names(recorder);
	sample(&busy, CPU_MS);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	assert_answer("SELECT count(*) FROM processes", "1");
	assert_answer("SELECT comm FROM processes", "rec busy");
	/* busy_spin() and its callers, and [broken] where it was followed by its table now. */
	cr_assert_leq(number("SELECT count(*) FROM frame WHERE build_id <> ''"), frames);
	cr_assert_eq(
		number("SELECT count(*) - count(DISTINCT function || line || build_id || offset) "
		       "FROM frame"),
		0);
	busy_stop(&busy);
}

Test(recorder, where_the_session_cannot_be_written_nothing_begins)
{
	sqlite3 *other = NULL;

	cr_assert_eq(sqlite3_open(store_world.path, &other), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	cr_assert_lt(begin(), 0);
	sqlite3_close(other);
	assert_answer("SELECT count(*) FROM sessions", "0");
	cr_assert_eq(begin(), 0);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	assert_answer("SELECT count(*) FROM sessions", "1");
}

/* ---- Python ---- */

#define PYTHON "/usr/bin/python3"

static void run_python(void)
{
	execl(PYTHON, PYTHON, "-S", "-c",
	      "def inner():\n"
	      " while True: pass\n"
	      "def outer():\n"
	      " inner()\n"
	      "open('/proc/self/comm', 'w').write('my\\tapp')\n"
	      "outer()\n",
	      NULL);
	_exit(1);
}

static bool has_comm(pid_t pid, const char *comm)
{
	char text[16] = "", name[64];
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/comm", pid);
	file = fopen(name, "re");
	cr_assert_not_null(file);
	cr_assert_not_null(fgets(text, sizeof(text), file));
	fclose(file);
	return strncmp(text, comm, strlen(comm)) == 0;
}

/* Starts a Python process, and returns when its inner() runs. */
static struct busy_process start_python(uint32_t uid)
{
	struct busy_process process;

	if (access(PYTHON, X_OK) < 0)
		skip_loudly("no " PYTHON ": what a session finds of it was NOT tested");
	process = busy_start(&(struct busy){.uid = uid, .run = run_python});
	while (!has_comm(process.pid, "my"))
		busy_let(process.pid, 1);
	busy_let(process.pid, 5);
	return process;
}

static struct recorder_interpreter listed;
static unsigned n_listed;

static int list(void *userdata, const struct recorder_interpreter *of)
{
	n_listed++;
	listed = *of;
	cr_expect_str_eq(of->comm,
			 "my\xef\xbf\xbd"
			 "app",
			 "%s", of->comm);
	cr_expect_eq(strncmp(of->name, "CPython 3.", 10), 0, "%s", of->name);
	cr_expect_not_null(strstr(of->file, "/python3"), "%s", of->file);
	cr_expect_str_eq(of->state, "read", "%s", of->note);
	cr_expect_str_empty(of->note);
	return userdata ? *(int *)userdata : 0;
}

static unsigned list_all(void)
{
	n_listed = 0;
	cr_assert_eq(recorder_foreach_interpreter(recorder, list, NULL), 0);
	return n_listed;
}

Test(recorder, interpreters_that_were_sampled_are_listed)
{
	struct busy_process python = start_python(65534), other = start_python(0);
	struct busy_process busy = start_busy(0);

	cr_assert_eq(begin(), 0);
	cr_assert_eq(list_all(), 0);
	recorder_expect(recorder, other.pid);
	sample(&busy, 10);
	sample(&python, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_assert_eq(list_all(), 1);
	cr_expect_eq(listed.pid, (uint32_t)python.pid);
	cr_expect_eq(listed.owner, 65534);
	sample(&other, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
	cr_assert_eq(list_all(), 2);
	n_listed = 0;
	cr_expect_eq(recorder_foreach_interpreter(recorder, list, &(int){-ENOTTY}), -ENOTTY);
	cr_expect_eq(n_listed, 1);
	/* They are listed after the end, too, up to the next session. */
	cr_assert_eq(end(PATIENCE_USEC), 0);
	cr_expect_eq(list_all(), 2);
	cr_assert_eq(begin(), 0);
	cr_expect_eq(list_all(), 0);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	busy_stop(&python);
	busy_stop(&other);
	busy_stop(&busy);
}

Test(recorder, python_frames_stand_between_those_of_c)
{
	struct busy_process python = start_python(0);
	uint64_t before;
	struct ox_process known = {0};
	struct recorder_totals totals;

	cr_assert_eq(begin(), 0);
	/* The interpreter's file may have to be inspected once more. */
	while (!known.interpreter.layout) {
		sample(&python, 10);
		listen_until_followed(&python);
		cr_assert_geq(recorder_drain(recorder, PATIENCE_USEC), 0);
		cr_assert_eq(sampler_get_process(sampler, python.pid, &known), 0);
	}
	before = samples();
	sample(&python, CPU_MS);
	cr_assert_eq(end(PATIENCE_USEC), 0);
	cr_assert_gt(samples(), before);
	/* Samples from before the kernel side knew the interpreter do not count. */
	cr_expect_geq(number("SELECT sum(hits) FROM stacks WHERE folded LIKE "
			     "'_start(%;<module>(__main__);outer(__main__);inner(__main__)%'"),
		      samples() - before);
	recorder_session_get_totals(recorder, session, &totals);
	cr_expect_eq(totals.lost[OX_LOST_PYTHON], 0);
	cr_expect_eq(totals.lost[OX_LOST_PYTHON_NAME], 0);
	busy_stop(&python);
}
