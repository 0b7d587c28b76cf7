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
#include "daemon/recorder/recorder.h"
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
	recorder_free(recorder);
	store_free(store);
	sideband_free(sideband);
	sampler_free(sampler);
	store_world_tear_down();
}

TestSuite(recorder, .init = set_up_recorder, .fini = tear_down_recorder);

static int begin(uint64_t started_usec)
{
	struct store_session session = {
		.started_usec = started_usec,
		.mode = "cpu",
		.interval_ns = INTERVAL_NS,
		.targets = "pid:1",
	};

	return recorder_begin(recorder, sampler, sideband, &session, false);
}

static void sample(const struct busy_process *busy, uint64_t cpu_ms)
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
	busy_let(busy->pid, cpu_ms);
	cr_assert_eq(sampler_disable(sampler), 0);
	sideband_disable(sideband);
}

static uint64_t number(const char *sql)
{
	_cleanup_free_ char *answer = store_world_ask(SQLITE_OPEN_READONLY, sql);

	return strtoull(answer, NULL, 10);
}

static uint64_t samples(void)
{
	struct recorder_totals totals;

	recorder_get_totals(recorder, &totals);
	return totals.samples;
}

Test(recorder, every_sample_is_in_the_database)
{
	struct busy_process busy = start_busy(0);
	uint64_t now_usec = clock_realtime_usec();

	cr_assert_eq(begin(now_usec), 0);
	sample(&busy, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, now_usec + 1000, PATIENCE_USEC), 0);
	cr_assert_gt(samples(), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	sample(&busy, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, now_usec + 2000, PATIENCE_USEC), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	/* The same rows grew. */
	cr_assert_leq(number("SELECT count(*) FROM sample"), 40);
	assert_answer("SELECT ended FROM sessions", "NULL");
	cr_assert_eq(recorder_end(recorder, now_usec + 3000, PATIENCE_USEC), 0);
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
	uint64_t now_usec = clock_realtime_usec();
	char sql[256];

	cr_assert_eq(begin(now_usec), 0);
	sample(&busy, CPU_MS);
	cr_assert_eq(recorder_end(recorder, now_usec + 1000, PATIENCE_USEC), 0);
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
	uint64_t now_usec = clock_realtime_usec();
	char proc[256];

	make_proc(&busy, proc, sizeof(proc));
	recorder_free(recorder);
	recorder = recorder_new(store, proc, OX_SYMBOLIZER_BUILT, "/", warn, NULL);
	cr_assert_eq(begin(now_usec), 0);
	sample(&busy, CPU_MS);
	busy_stop(&busy);
	cr_assert_eq(recorder_end(recorder, now_usec + 1000, PATIENCE_USEC), 0);
	directory_remove(proc);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	assert_main_stack();
	assert_answer("SELECT comm FROM processes", "rec busy");
}

Test(recorder, a_drain_belongs_to_the_window_that_it_ends)
{
	struct busy_process busy = start_busy(0);
	uint64_t now_usec = clock_realtime_usec() / OX_WINDOW_USEC * OX_WINDOW_USEC;

	/* Windows are those of the clock, whenever the session began. */
	cr_assert_eq(begin(now_usec + 3000000), 0);
	sample(&busy, 10);
	/* Just at the border: still the first window. */
	cr_assert_geq(recorder_drain(recorder, now_usec + OX_WINDOW_USEC, PATIENCE_USEC), 0);
	assert_answer("SELECT DISTINCT t - started / 10000000 FROM sample, session", "0");
	sample(&busy, 10);
	cr_assert_geq(recorder_drain(recorder, now_usec + OX_WINDOW_USEC + 1, PATIENCE_USEC), 0);
	assert_answer("SELECT DISTINCT t - started / 10000000 FROM sample, session ORDER BY t",
		      "0\n1");
	sample(&busy, 10);
	cr_assert_eq(recorder_end(recorder, now_usec + 10 * OX_WINDOW_USEC, PATIENCE_USEC), 0);
	assert_answer("SELECT DISTINCT t - started / 10000000 FROM sample, session ORDER BY t",
		      "0\n1\n9");
	busy_stop(&busy);
}

Test(recorder, each_session_counts_for_itself)
{
	struct busy_process busy = start_busy(0);
	uint64_t now_usec = clock_realtime_usec(), first;

	cr_assert_eq(begin(now_usec), 0);
	sample(&busy, CPU_MS);
	cr_assert_eq(recorder_end(recorder, now_usec + 1000, PATIENCE_USEC), 0);
	first = samples();
	cr_assert_eq(begin(now_usec + 2000), 0);
	cr_assert_eq(samples(), 0);
	sample(&busy, 10);
	cr_assert_eq(recorder_end(recorder, now_usec + 3000, PATIENCE_USEC), 0);
	cr_assert_eq(number("SELECT samples FROM sessions WHERE id = 1"), first);
	cr_assert_eq(number("SELECT samples FROM sessions WHERE id = 2"), samples());
	/* One process, one stack tree: nothing is written twice. */
	assert_answer("SELECT count(*) FROM processes", "1");
	busy_stop(&busy);
}

Test(recorder, what_cannot_be_written_is_kept_for_the_next_time)
{
	struct busy_process busy = start_busy(0);
	uint64_t now_usec = clock_realtime_usec();
	sqlite3 *other = NULL;

	cr_assert_eq(begin(now_usec), 0);
	sample(&busy, 10);
	cr_assert_geq(recorder_drain(recorder, now_usec + 1000, PATIENCE_USEC), 0);
	cr_assert_eq(sqlite3_open(store_world.path, &other), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	sample(&busy, CPU_MS);
	cr_assert_lt(recorder_drain(recorder, now_usec + 2000, PATIENCE_USEC), 0);
	cr_assert_lt(number("SELECT sum(n) FROM sample"), samples());
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	cr_assert_geq(recorder_drain(recorder, now_usec + 3000, PATIENCE_USEC), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	cr_assert_eq(recorder_end(recorder, now_usec + 4000, PATIENCE_USEC), 0);
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
	uint64_t now_usec = clock_realtime_usec();
	struct recorder_totals totals;

	cr_assert_eq(begin(now_usec), 0);
	sample(&busy, 10);
	cr_assert_eq(recorder_end(recorder, now_usec + 1000, PATIENCE_USEC), 0);
	recorder_get_totals(recorder, &totals);
	cr_assert_gt(totals.lost[OX_LOST_CUT], 0);
	cr_assert_eq(number("SELECT sum(count) FROM losses WHERE reason = 'stack-cut'"),
		     totals.lost[OX_LOST_CUT]);
	busy_stop(&busy);
}

Test(recorder, a_stack_ends_where_it_leaves_all_code)
{
	struct busy busy = {.depth = 5};
	struct busy_process process;
	uint64_t now_usec = clock_realtime_usec();
	struct recorder_totals totals;

	busy.returns_to[0] = (uintptr_t)caller_of_leaf + 1;
	busy.returns_to[1] = (uintptr_t)caller_of_caller + 1;
	process = busy_start(&busy);
	cr_assert_eq(begin(now_usec), 0);
	sample(&process, 10);
	cr_assert_eq(recorder_end(recorder, now_usec + 1000, PATIENCE_USEC), 0);
	recorder_get_totals(recorder, &totals);
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
	uint64_t now_usec = clock_realtime_usec();
	struct recorder_share share, before;

	cr_assert_eq(begin(now_usec), 0);
	sample(&process, 10);
	listen_until_followed(&process);
	cr_assert_geq(recorder_drain(recorder, now_usec + 1000, PATIENCE_USEC), 0);
	recorder_get_share(recorder, 7, &before);
	sample(&process, CPU_MS);
	cr_assert_eq(recorder_end(recorder, now_usec + 2000, PATIENCE_USEC), 0);
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
	uint64_t now_usec = clock_realtime_usec();
	char where[256];

	use_slow_symbolizer(where, sizeof(where));
	cr_assert_eq(begin(now_usec), 0);
	sample(&busy, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, now_usec + 1000, 0), 0);
	cr_assert_eq(number("SELECT count(*) FROM sample"), 0);
	cr_assert_geq(recorder_drain(recorder, now_usec + 2000, IMPATIENCE_USEC), 0);
	cr_assert_gt(samples(), 0);
	cr_assert_eq(number("SELECT sum(n) FROM sample"), samples());
	cr_assert_eq(number("SELECT total_hits FROM functions WHERE name LIKE "
			    "'test_daemon_recorder_recorder+0x%' "
			    "ORDER BY total_hits DESC LIMIT 1"),
		     samples());
	cr_assert_eq(recorder_end(recorder, now_usec + 3000, IMPATIENCE_USEC), 0);
	directory_remove(where);
	busy_stop(&busy);
}

Test(recorder, what_was_forgotten_is_found_again)
{
	struct busy_process busy = start_busy(0);
	uint64_t now_usec = clock_realtime_usec(), frames;

	cr_assert_eq(begin(now_usec), 0);
	sample(&busy, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, now_usec + 1000, PATIENCE_USEC), 0);
	frames = number("SELECT count(*) FROM frame");
	recorder_forget_names(recorder);
	sample(&busy, CPU_MS);
	cr_assert_eq(recorder_end(recorder, now_usec + 2000, PATIENCE_USEC), 0);
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
	cr_assert_lt(begin(clock_realtime_usec()), 0);
	sqlite3_close(other);
	assert_answer("SELECT count(*) FROM sessions", "0");
	cr_assert_eq(begin(clock_realtime_usec()), 0);
	cr_assert_eq(recorder_end(recorder, clock_realtime_usec(), PATIENCE_USEC), 0);
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
	uint64_t now_usec = clock_realtime_usec();

	cr_assert_eq(begin(now_usec), 0);
	cr_assert_eq(list_all(), 0);
	recorder_expect(recorder, other.pid);
	sample(&busy, 10);
	sample(&python, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, now_usec + 1000, PATIENCE_USEC), 0);
	cr_assert_eq(list_all(), 1);
	cr_expect_eq(listed.pid, (uint32_t)python.pid);
	cr_expect_eq(listed.uid, 65534);
	sample(&other, CPU_MS);
	cr_assert_geq(recorder_drain(recorder, now_usec + 2000, PATIENCE_USEC), 0);
	cr_assert_eq(list_all(), 2);
	n_listed = 0;
	cr_expect_eq(recorder_foreach_interpreter(recorder, list, &(int){-ENOTTY}), -ENOTTY);
	cr_expect_eq(n_listed, 1);
	/* They are listed after the end, too, up to the next session. */
	cr_assert_eq(recorder_end(recorder, now_usec + 3000, PATIENCE_USEC), 0);
	cr_expect_eq(list_all(), 2);
	cr_assert_eq(begin(now_usec + 4000), 0);
	cr_expect_eq(list_all(), 0);
	cr_assert_eq(recorder_end(recorder, now_usec + 5000, PATIENCE_USEC), 0);
	busy_stop(&python);
	busy_stop(&other);
	busy_stop(&busy);
}

Test(recorder, python_frames_stand_between_those_of_c)
{
	struct busy_process python = start_python(0);
	uint64_t now_usec = clock_realtime_usec(), before;
	struct ox_process known = {0};
	struct recorder_totals totals;

	cr_assert_eq(begin(now_usec), 0);
	/* The interpreter's file may have to be inspected once more. */
	while (!known.interpreter.layout) {
		sample(&python, 10);
		listen_until_followed(&python);
		cr_assert_geq(recorder_drain(recorder, now_usec + 1000, PATIENCE_USEC), 0);
		cr_assert_eq(sampler_get_process(sampler, python.pid, &known), 0);
	}
	before = samples();
	sample(&python, CPU_MS);
	cr_assert_eq(recorder_end(recorder, now_usec + 2000, PATIENCE_USEC), 0);
	cr_assert_gt(samples(), before);
	/* Samples from before the kernel side knew the interpreter do not count. */
	cr_expect_geq(number("SELECT sum(hits) FROM stacks WHERE folded LIKE "
			     "'_start(%;<module>(__main__);outer(__main__);inner(__main__)%'"),
		      samples() - before);
	recorder_get_totals(recorder, &totals);
	cr_expect_eq(totals.lost[OX_LOST_PYTHON], 0);
	cr_expect_eq(totals.lost[OX_LOST_PYTHON_NAME], 0);
	busy_stop(&python);
}
