/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/loss.h"
#include "daemon/query/engine.h"
#include "daemon/query/stacks.h"

#define START    UINT64_C(1700000000000000)
#define WINDOW   UINT64_C(10000000)
#define EVERYONE UINT32_MAX

static char directory[] = "/tmp/ox-test-query-XXXXXX";
static struct store *store;
static int64_t session, set, tasks[4], nodes[8];

enum { APP, WORKER, CRON, LATER };                                    /* tasks */
enum { MAIN, WORK, READ, MAIN12, RECURSION, UNNAMED, PYTHON, ENTRY }; /* nodes */

static int64_t add_process_of(uint32_t pid, uint32_t uid, uint32_t owner, const char *comm,
			      const char *user, const char *unit, const char *cgroup)
{
	struct store_process process = {.pid = pid,
					.started_usec = START,
					.uid = uid,
					.owner = owner,
					.comm = comm,
					.exe = "",
					.cmdline = "",
					.user = user,
					.unit = unit,
					.cgroup = cgroup};
	int64_t id;

	cr_assert_eq(store_add_process(store, &process, &id), 0);
	return id;
}

static int64_t add_process(uint32_t pid, uint32_t uid, const char *comm, const char *user,
			   const char *unit, const char *cgroup)
{
	return add_process_of(pid, uid, uid, comm, user, unit, cgroup);
}

static int64_t add_task(int64_t process, uint32_t tid, const char *comm)
{
	int64_t id;

	cr_assert_eq(store_add_task(store, process, tid, comm, &id), 0);
	return id;
}

static int64_t add_node(int64_t parent, enum frame_kind kind, const char *function,
			const char *module, const char *file, uint32_t line)
{
	struct frame frame = {.kind = kind,
			      .function = function,
			      .module = module,
			      .file = file,
			      .build_id = "",
			      .line = line};
	int64_t id, node;

	cr_assert_eq(store_add_frame(store, &frame, &id), 0);
	cr_assert_eq(store_add_node(store, parent, id, &node), 0);
	return node;
}

static void add_sample(uint32_t window, int task, int64_t node, uint64_t n)
{
	cr_assert_eq(store_add_sample(store, set, START / WINDOW + window, tasks[task], node, n),
		     0);
}

static void add_stacks(void)
{
	nodes[MAIN12] = add_node(0, FRAME_NATIVE, "main", "app", "/srv/app.c", 12);
	nodes[MAIN] = add_node(0, FRAME_NATIVE, "main", "app", "/srv/app.c", 10);
	nodes[WORK] = add_node(nodes[MAIN], FRAME_NATIVE, "work", "app", "/srv/app.c", 20);
	nodes[READ] = add_node(nodes[WORK], FRAME_KERNEL, "ksys_read", "kernel", "", 0);
	nodes[RECURSION] = add_node(nodes[WORK], FRAME_NATIVE, "work", "app", "/srv/app.c", 21);
	nodes[UNNAMED] = add_node(nodes[MAIN12], FRAME_NATIVE, "", "libz.so", "/lib/libz.so", 0);
	nodes[PYTHON] = add_node(nodes[MAIN12], FRAME_PYTHON, "a;b", "__main__", "/srv/a.py", 5);
	nodes[ENTRY] = add_node(0, FRAME_KERNEL, "kthread", "kernel", "", 0);
}

/* Adds hits that are powers of two, so that each sum shows which of them are in it. */
static void add_samples(void)
{
	int64_t app =
		add_process(100, 1000, "app", "alice", "app.service", "/system.slice/app.service");
	int64_t cron = add_process(200, 0, "cron", "root", "", "/user.slice/user-0.slice");

	tasks[APP] = add_task(app, 100, "app");
	tasks[WORKER] = add_task(app, 101, "worker");
	tasks[CRON] = add_task(cron, 200, "cron");
	add_sample(0, APP, nodes[MAIN], 1);
	add_sample(0, APP, nodes[WORK], 2);
	add_sample(0, WORKER, nodes[READ], 4);
	add_sample(1, WORKER, nodes[MAIN12], 8);
	add_sample(1, APP, nodes[RECURSION], 16);
	add_sample(1, CRON, nodes[UNNAMED], 32);
	add_sample(2, CRON, nodes[PYTHON], 64);
	add_sample(2, CRON, nodes[ENTRY], 128);
	add_sample(2, APP, 0, 256);
}

static void open_store(void)
{
	struct store_session row = {
		.started_usec = START, .mode = "cpu", .interval_ns = 10000000, .targets = "all"};
	_cleanup_free_ char *path = NULL, *aside = NULL, *why = NULL;

	cr_assert_not_null(mkdtemp(directory));
	cr_assert_gt(asprintf(&path, "%s/ox.db", directory), 0);
	cr_assert_eq(store_open(path, 0, &store, &aside, &why), 0, "%s", why);
	cr_assert_eq(store_begin(store), 0, "%s", store_error(store));
	cr_assert_eq(store_add_session(store, &row, &session), 0);
	cr_assert_eq(store_add_set(store, &session, 1, &set), 0);
	add_stacks();
	add_samples();
	cr_assert_eq(store_add_loss(store, session, START / WINDOW, "late", 3), 0);
	cr_assert_eq(store_add_loss(store, session, START / WINDOW + 2, "full", 5), 0);
	cr_assert_eq(store_commit(store), 0);
}

static void close_store(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char path[128];

	store_free(store);
	for (size_t i = 0; i < array_length(suffixes); i++) {
		snprintf(path, sizeof(path), "%s/ox.db%s", directory, suffixes[i]);
		unlink(path);
	}
	rmdir(directory);
}

TestSuite(engine, .init = open_store, .fini = close_store);

static struct query ask_all(enum query_by by)
{
	return (struct query){.by = by,
			      .range = {.until_usec = UINT64_MAX, .owner = UINT32_MAX},
			      .only_uid = EVERYONE};
}

struct expected {
	const char *name;
	uint64_t self;
	uint64_t total;
};

static void expect_records(const struct result *result, const struct expected *expected, size_t n)
{
	cr_expect_eq(result->n_rows, n, "%zu rows, not %zu", result->n_rows, n);
	for (size_t i = 0; i < n && i < result->n_rows; i++) {
		const struct result_row *row = &result->rows[i];

		cr_expect(strcmp(row->name, expected[i].name) == 0 &&
				  row->self == expected[i].self && row->total == expected[i].total,
			  "%zu: %s %lu %lu, not %s %lu %lu", i, row->name, row->self, row->total,
			  expected[i].name, expected[i].self, expected[i].total);
	}
}

#define expect_answer(query, ...)                                                               \
	({                                                                                      \
		const struct expected _expected[] = {__VA_ARGS__};                              \
		_cleanup_(result_done) struct result _result = {0};                             \
		char _why[128];                                                                 \
                                                                                                \
		cr_assert_eq(query_engine_run(store, &(query), QUERY_BYTES_MAX, &_result, _why, \
					      sizeof(_why)),                                    \
			     0);                                                                \
		expect_records(&_result, _expected, array_length(_expected));                   \
	})

static int run(const struct query *query, struct result *ret, char why[128])
{
	return query_engine_run(store, query, QUERY_BYTES_MAX, ret, why, 128);
}

Test(engine, by_function)
{
	struct query query = ask_all(QUERY_BY_FUNCTION);
	_cleanup_(result_done) struct result result = {0};
	const struct result_row *row;
	char why[128];

	expect_answer(query, {"kthread(kernel)", 128, 128}, {"main(app)", 1 + 8, 127},
		      {"a;b(__main__)", 64, 64}, {"[unknown](libz.so)", 32, 32},
		      {"work(app)", 2 + 16, 2 + 4 + 16}, {"ksys_read(kernel)", 4, 4});
	cr_assert_eq(run(&query, &result, why), 0);
	cr_expect_eq(result.samples, 511);
	cr_expect_eq(result.distinct, 8);
	cr_expect_eq(result.since_usec, START);
	cr_expect_eq(result.until_usec, START + 3 * WINDOW);
	cr_expect(!result.restricted);
	cr_assert_eq(result.n_lost, 2);
	cr_expect_str_eq(result.lost[0].reason, "full");
	cr_expect_eq(result.lost[0].n, 5);
	row = &result.rows[1];
	cr_expect_str_eq(row->function, "main");
	cr_expect_str_eq(row->module, "app");
	cr_expect_str_eq(row->file, "/srv/app.c");
	cr_expect_str_eq(row->kind, "native");
	cr_expect_eq(row->line, 10, "the smallest line that was seen");
	cr_expect_str_eq(result.rows[0].kind, "kernel");
	cr_expect_str_eq(result.rows[2].kind, "python");
	cr_expect_str_eq(result.rows[3].function, "");
}

Test(engine, by_module_file_and_line)
{
	struct query module = ask_all(QUERY_BY_MODULE), file = ask_all(QUERY_BY_FILE);
	struct query line = ask_all(QUERY_BY_LINE);
	_cleanup_(result_done) struct result result = {0};
	char why[128];

	expect_answer(module, {"kernel", 132, 132}, {"app", 27, 127}, {"__main__", 64, 64},
		      {"libz.so", 32, 32});
	expect_answer(file, {"[unknown]", 132, 132}, {"/srv/app.c", 27, 127}, {"/srv/a.py", 64, 64},
		      {"/lib/libz.so", 32, 32});
	expect_answer(line, {"kthread(kernel)", 128, 128}, {"main(app) /srv/app.c:12", 8, 104},
		      {"a;b(__main__) /srv/a.py:5", 64, 64}, {"[unknown](libz.so)", 32, 32},
		      {"main(app) /srv/app.c:10", 1, 23}, {"work(app) /srv/app.c:20", 2, 22},
		      {"work(app) /srv/app.c:21", 16, 16}, {"ksys_read(kernel)", 4, 4});
	cr_assert_eq(run(&line, &result, why), 0);
	cr_expect_eq(result.rows[1].line, 12);
	cr_expect_eq(result.rows[0].line, 0);
}

Test(engine, by_stack)
{
	struct query query = ask_all(QUERY_BY_STACK);

	expect_answer(query, {"[no stack]", 256, 256}, {"kthread(kernel)", 128, 128},
		      {"main(app);a:b(__main__)", 64, 64}, {"main(app);[unknown](libz.so)", 32, 32},
		      {"main(app);work(app);work(app)", 16, 16}, {"main(app)", 9, 9},
		      {"main(app);work(app);ksys_read(kernel)", 4, 4},
		      {"main(app);work(app)", 2, 2});
	query.without_kernel = true;
	expect_answer(query, {"[no stack]", 256 + 128, 256 + 128},
		      {"main(app);a:b(__main__)", 64, 64}, {"main(app);[unknown](libz.so)", 32, 32},
		      {"main(app);work(app);work(app)", 16, 16}, {"main(app)", 9, 9},
		      {"main(app);work(app)", 6, 6});
}

Test(engine, by_process_thread_unit_and_user)
{
	struct query process = ask_all(QUERY_BY_PROCESS), thread = ask_all(QUERY_BY_THREAD);
	struct query unit = ask_all(QUERY_BY_UNIT), user = ask_all(QUERY_BY_USER);
	_cleanup_(result_done) struct result result = {0};
	char why[128];

	expect_answer(process, {"app[100]", 287, 287}, {"cron[200]", 224, 224});
	expect_answer(thread, {"app[100]", 275, 275}, {"cron[200]", 224, 224},
		      {"worker[101]", 12, 12});
	expect_answer(unit, {"app.service", 287, 287}, {"[unknown]", 224, 224});
	expect_answer(user, {"alice", 287, 287}, {"root", 224, 224});
	cr_assert_eq(run(&thread, &result, why), 0);
	cr_expect_eq(result.rows[2].pid, 100);
	cr_expect_eq(result.rows[2].tid, 101);
	cr_expect_eq(result.distinct, 8);
}

Test(engine, without_kernel_gives_hits_to_the_caller)
{
	struct query query = ask_all(QUERY_BY_FUNCTION);

	query.without_kernel = true;
	expect_answer(query, {"main(app)", 9, 127}, {"a;b(__main__)", 64, 64},
		      {"[unknown](libz.so)", 32, 32}, {"work(app)", 2 + 4 + 16, 22});
}

Test(engine, chooses_by_target)
{
	static const struct {
		const char *target;
		uint64_t samples;
	} cases[] = {
		{"pid:100", 287},
		{"pid:101", 0},
		{"comm:cron", 224},
		{"comm:worker", 0},
		{"unit:app.service", 287},
		{"unit:system.slice", 287},
		{"unit:user-0.slice", 224},
		{"unit:system", 0},
		{"cgroup:/system.slice", 287},
		{"cgroup:/system", 0},
		{"cgroup:/system.slice/app.service", 287},
		{"user:alice", 287},
		{"user:1000", 287},
		{"user:0", 224},
		{"user:bob", 0},
		{"all", 511},
	};
	struct query query = ask_all(QUERY_BY_FUNCTION);
	struct target target, two[2];

	query.targets = &target;
	query.n_targets = 1;
	for (size_t i = 0; i < array_length(cases); i++) {
		_cleanup_(result_done) struct result result = {0};
		char why[128];

		cr_assert_eq(target_parse(cases[i].target, &target), 0);
		cr_assert_eq(run(&query, &result, why), 0);
		cr_expect_eq(result.samples, cases[i].samples, "%s: %lu", cases[i].target,
			     result.samples);
	}
	target_parse("pid:7", &two[0]);
	target_parse("user:root", &two[1]);
	query.targets = two;
	query.n_targets = 2;
	expect_answer(query, {"kthread(kernel)", 128, 128}, {"main(app)", 0, 96},
		      {"a;b(__main__)", 64, 64}, {"[unknown](libz.so)", 32, 32});
}

/* A process that is nobody's own, as a set-uid program, is not for its user to see; a user is told
 * the losses of the own sessions and the time of the own processes. */
Test(engine, shows_a_user_what_was_own_at_the_sample)
{
	struct query query = ask_all(QUERY_BY_PROCESS);
	_cleanup_(result_done) struct result result = {0};
	char why[128];

	add_process_of(300, 1000, UINT32_MAX, "su", "alice", "", "");
	tasks[LATER] =
		add_task(add_process_of(300, 1000, UINT32_MAX, "su", "alice", "", ""), 300, "su");
	add_sample(5, LATER, nodes[MAIN], 512);
	query.only_uid = query.range.owner = 1000;
	expect_answer(query, {"app[100]", 287, 287});
	cr_assert_eq(run(&query, &result, why), 0);
	cr_expect_eq(result.n_lost, 0, "the session is root's");
	cr_expect_eq(result.since_usec, START);
	cr_expect_eq(result.until_usec, START + 3 * WINDOW);
	query = ask_all(QUERY_BY_PROCESS);
	expect_answer(query, {"su[300]", 512, 512}, {"app[100]", 287, 287},
		      {"cron[200]", 224, 224});
}

Test(engine, shows_a_user_own_processes_only)
{
	struct query query = ask_all(QUERY_BY_PROCESS);
	_cleanup_(result_done) struct result result = {0};
	struct target everything;
	char why[128];

	target_parse("all", &everything);
	query.only_uid = query.range.owner = 1000;
	query.targets = &everything;
	query.n_targets = 1;
	expect_answer(query, {"app[100]", 287, 287});
	cr_assert_eq(run(&query, &result, why), 0);
	cr_expect(result.restricted);
	cr_expect_eq(result.samples, 287);
	cr_expect_eq(result.distinct, 5);
	query.by = QUERY_BY_FUNCTION;
	expect_answer(query, {"main(app)", 9, 31}, {"work(app)", 18, 22},
		      {"ksys_read(kernel)", 4, 4});
}

Test(engine, filters_names)
{
	struct query query = ask_all(QUERY_BY_FUNCTION);
	_cleanup_(result_done) struct result result = {0};
	char why[128];

	query.filter = "^w.*\\(app\\)$";
	expect_answer(query, {"work(app)", 18, 22});
	cr_assert_eq(run(&query, &result, why), 0);
	cr_expect_eq(result.samples, 511, "shares are of all samples");
	cr_expect_eq(result.distinct, 8);
	query.filter = "app";
	query.max = 1;
	expect_answer(query, {"main(app)", 9, 127});
	query.by = QUERY_BY_STACK;
	query.filter = "a:b";
	expect_answer(query, {"main(app);a:b(__main__)", 64, 64});
}

Test(engine, says_what_is_wrong_with_a_filter)
{
	struct query query = ask_all(QUERY_BY_FUNCTION);
	_cleanup_(result_done) struct result result = {0};
	char why[128], text[2 * OX_PATTERN_BYTES_MAX];

	query.filter = "(";
	cr_expect_eq(run(&query, &result, why), -EINVAL);
	cr_expect_str_eq(why,
			 "not a regular expression: missing closing parenthesis, at position 1");
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	query.filter = text;
	cr_expect_eq(run(&query, &result, why), -EINVAL);
	cr_expect_str_eq(why, "the regular expression is longer than 4096 bytes");
	query.filter = "(*NO_START_OPT)(?R)?z";
	cr_expect_eq(run(&query, &result, why), -EINVAL);
	cr_expect_str_eq(why, "the filter takes too long on these names; use a simpler one");
	cr_expect_eq(result.n_rows, 0);
}

Test(engine, sorts_and_cuts)
{
	struct query query = ask_all(QUERY_BY_FUNCTION);

	query.max = 2;
	expect_answer(query, {"kthread(kernel)", 128, 128}, {"main(app)", 9, 127});
	query.sort = QUERY_SORT_SELF;
	query.max = 3;
	expect_answer(query, {"kthread(kernel)", 128, 128}, {"a;b(__main__)", 64, 64},
		      {"[unknown](libz.so)", 32, 32});
	query.sort = QUERY_SORT_NAME;
	query.max = 4;
	expect_answer(query, {"[unknown](libz.so)", 32, 32}, {"a;b(__main__)", 64, 64},
		      {"ksys_read(kernel)", 4, 4}, {"kthread(kernel)", 128, 128});
}

/* Names decide among equals, also where the last place is cut. */
Test(engine, breaks_ties_by_self_and_name)
{
	static const char *const names[] = {"tie_c", "tie_a", "tie_b"};
	struct query query = ask_all(QUERY_BY_FUNCTION);
	int64_t root, leaf;

	root = add_node(0, FRAME_NATIVE, "tie_root", "", "", 0);
	for (size_t i = 0; i < array_length(names); i++)
		add_sample(3, APP, add_node(0, FRAME_NATIVE, names[i], "", "", 0), 1000);
	leaf = add_node(root, FRAME_NATIVE, "tie_z", "", "", 0);
	add_sample(3, APP, leaf, 1000);
	query.filter = "^tie";
	query.max = 2;
	expect_answer(query, {"tie_a", 1000, 1000}, {"tie_b", 1000, 1000});
	query.max = 0;
	expect_answer(query, {"tie_a", 1000, 1000}, {"tie_b", 1000, 1000}, {"tie_c", 1000, 1000},
		      {"tie_z", 1000, 1000}, {"tie_root", 0, 1000});
}

Test(engine, keeps_to_the_range)
{
	struct query query = ask_all(QUERY_BY_FUNCTION);
	_cleanup_(result_done) struct result result = {0}, nothing = {0};
	char why[128];

	query.range = (struct store_range){START + WINDOW, START + 2 * WINDOW, 0, UINT32_MAX};
	expect_answer(query, {"main(app)", 8, 56}, {"[unknown](libz.so)", 32, 32},
		      {"work(app)", 16, 16});
	cr_assert_eq(run(&query, &result, why), 0);
	cr_expect_eq(result.samples, 56);
	cr_expect_eq(result.since_usec, START + WINDOW);
	cr_expect_eq(result.n_lost, 0);
	query.range = (struct store_range){0, START, 0, UINT32_MAX};
	cr_assert_eq(run(&query, &nothing, why), 0);
	cr_expect(nothing.samples == 0 && nothing.n_rows == 0 && nothing.since_usec == 0);
}

Test(engine, sees_what_came_since)
{
	struct query query = ask_all(QUERY_BY_FUNCTION);
	int64_t node;

	query.filter = "^(late|work)";
	expect_answer(query, {"work(app)", 18, 22});
	tasks[LATER] = add_task(add_process(300, 1, "later", "", "", ""), 300, "later");
	node = add_node(nodes[WORK], FRAME_NATIVE, "late", "libl.so", "", 0);
	add_sample(3, LATER, node, 512);
	expect_answer(query, {"work(app)", 18, 534}, {"late(libl.so)", 512, 512});
	query = ask_all(QUERY_BY_USER);
	query.max = 1;
	expect_answer(query, {"[unknown]", 512, 512});
}

/* A stack is read with its callers, and once; nothing is read of the others. */
Test(engine, reads_only_what_is_asked_for)
{
	struct stacks *stacks = stacks_new(store);
	uint32_t read = 0, again = 0, work = 0, n_functions = stacks_count_functions(stacks);

	cr_expect_eq(calltree_count(stacks_tree(stacks)), 0);
	cr_expect_eq(stacks_find_node(stacks, nodes[READ], &read), 1);
	cr_expect_eq(calltree_count(stacks_tree(stacks)), 3);
	cr_expect_eq(stacks_count_functions(stacks), n_functions + 3);
	cr_expect_eq(stacks_find_node(stacks, nodes[READ], &again), 0);
	cr_expect_eq(again, read);
	cr_expect_eq(stacks_find_node(stacks, nodes[WORK], &work), 0);
	cr_expect_eq(work, calltree_parent(stacks_tree(stacks), read));
	cr_expect_eq(stacks_find_node(stacks, nodes[UNNAMED], &again), 1);
	cr_expect_eq(calltree_count(stacks_tree(stacks)), 5);
	cr_expect_eq(stacks_find_node(stacks, 0, &again), 0);
	cr_expect_eq(again, 0);
	cr_expect_eq(stacks_find_node(stacks, 1000000, &again), 0);
	cr_expect_eq(again, 0, "there is no such node");
	stacks_free(stacks);
}

/* Tasks and nodes beyond the blocks in which they are read. */
Test(engine, reads_across_blocks)
{
	enum { N = 500 };
	struct query query = ask_all(QUERY_BY_THREAD);
	_cleanup_(result_done) struct result threads = {0}, stacks = {0}, own = {0};
	int64_t first = add_process(300, 1, "many", "", "", ""),
		second = add_process(400, 2, "others", "", "", ""), node = 0;
	char why[128], name[32];

	cr_assert_eq(store_begin(store), 0);
	for (unsigned i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		tasks[LATER] = add_task(i % 3 ? first : second, 1000 + i, "thread");
		node = add_node(node, FRAME_NATIVE, name, "deep", "", 0);
		add_sample(3, LATER, node, 1 + i);
	}
	cr_assert_eq(store_commit(store), 0);
	query.range.since_usec = START + 3 * WINDOW;
	cr_assert_eq(run(&query, &threads, why), 0);
	cr_assert_eq(threads.n_rows, N);
	for (unsigned i = 0; i < N; i++) {
		cr_expect_eq(threads.rows[i].tid, 1000 + N - 1 - i);
		cr_expect_eq(threads.rows[i].total, N - i);
	}
	query.by = QUERY_BY_FUNCTION;
	cr_assert_eq(run(&query, &stacks, why), 0);
	cr_assert_eq(stacks.n_rows, N);
	cr_expect_eq(stacks.distinct, N);
	cr_expect_str_eq(stacks.rows[0].name, "f0(deep)");
	cr_expect_eq(stacks.rows[0].total, N * (N + 1) / 2);
	query.only_uid = query.range.owner = 2;
	cr_assert_eq(run(&query, &own, why), 0);
	cr_expect_eq(own.distinct, (N + 2) / 3);
}

/* Adds stacks with n leaves; they have their callers in common. */
static void add_many_stacks(unsigned n)
{
	int64_t above = nodes[READ];
	char name[32];

	cr_assert_eq(store_begin(store), 0);
	for (unsigned i = 0; i < 40; i++)
		above = add_node(above, FRAME_KERNEL, "one_of_the_callers", "kernel", "", i);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		add_sample(3, APP, add_node(above, FRAME_KERNEL, name, "kernel", "", 0), 1 + i);
	}
	cr_assert_eq(store_commit(store), 0);
}

/* The bound is met where stacks are read, or where rows are made of them; what needs less goes
 * well. */
Test(engine, keeps_to_its_memory)
{
	struct query query = ask_all(QUERY_BY_STACK);
	_cleanup_(result_done) struct result result = {0}, few = {0}, one = {0};
	char why[128];

	add_many_stacks(5000);
	cr_assert_eq(query_engine_run(store, &query, UINT64_C(2) << 20, &result, why, sizeof(why)),
		     -EOVERFLOW);
	cr_expect_str_eq(why, "this is about too many stacks for 2 MiB of memory: narrow it by "
			      "--since/--until/--session or a target");
	cr_assert_eq(query_engine_run(store, &query, UINT64_C(6) << 20, &result, why, sizeof(why)),
		     -EOVERFLOW);
	query.max = 10;
	cr_assert_eq(query_engine_run(store, &query, UINT64_C(6) << 20, &few, why, sizeof(why)), 0);
	cr_expect_eq(few.n_rows, 10);
	query.max = 0;
	query.range.until_usec = START + 3 * WINDOW;
	cr_assert_eq(query_engine_run(store, &query, UINT64_C(1) << 20, &one, why, sizeof(why)), 0);
	cr_expect_eq(one.samples, 511);
}

/* The end of a stack is told by the mark at its root, and counted only for the samples that the
 * query is about. */
Test(engine, counts_how_stacks_end)
{
	struct query query = ask_all(QUERY_BY_FUNCTION);
	_cleanup_(result_done) struct result all = {0}, some = {0}, whole = {0};
	struct target target;
	int64_t root, user, kernel;
	char why[128];

	cr_assert_eq(run(&query, &whole, why), 0);
	cr_expect_eq(whole.stops[OX_STOP_ROOT], 1 + 2 + 4 + 8 + 16 + 32 + 64, "no kernel thread");
	for (unsigned end = OX_STOP_CUT; end < OX_N_STOPS; end++) {
		char mark[32];

		cr_expect_eq(whole.stops[end], 0);
		snprintf(mark, sizeof(mark), "[%s]", stop_name(end));
		root = add_node(0, FRAME_NATIVE, mark, "", "", 0);
		user = add_node(root, FRAME_NATIVE, "f", "app", "", 0);
		kernel = add_node(user, FRAME_KERNEL, "k", "kernel", "", 0);
		add_sample(3, APP, user, 1000 * end);
		add_sample(3, CRON, kernel, 1);
		/* Both parts can be cut. */
		kernel = add_node(user, FRAME_NATIVE, "[cut]", "", "", 0);
		kernel = add_node(kernel, FRAME_KERNEL, "k", "kernel", "", 0);
		add_sample(3, CRON, kernel, 1);
		/* The kernel's part alone can be cut. */
		kernel = add_node(root, FRAME_KERNEL, "k", "kernel", "", 0);
		add_sample(3, CRON, kernel, 10000);
		/* Such a name in the middle of a stack, or with a module, is a function's. */
		kernel = add_node(nodes[MAIN], FRAME_NATIVE, mark, "", "", 0);
		add_sample(3, CRON, kernel, 1);
		kernel = add_node(0, FRAME_NATIVE, mark, "app", "", 0);
		add_sample(3, CRON, kernel, 1);
	}
	cr_assert_eq(run(&query, &all, why), 0);
	cr_expect_eq(all.stops[OX_STOP_ROOT], whole.stops[OX_STOP_ROOT] + 2 * (OX_N_STOPS - 1));
	for (unsigned end = OX_STOP_CUT; end < OX_N_STOPS; end++)
		cr_expect_eq(all.stops[end], 1000 * end + 2, "%s", stop_name(end));
	target_parse("pid:100", &target);
	query.targets = &target;
	query.n_targets = 1;
	query.range = (struct store_range){START + 3 * WINDOW, UINT64_MAX, 0, UINT32_MAX};
	cr_assert_eq(run(&query, &some, why), 0);
	cr_expect_eq(some.stops[OX_STOP_ROOT], 0);
	cr_expect_eq(some.stops[OX_STOP_NO_RULE], 1000 * OX_STOP_NO_RULE);
	cr_expect_eq(some.samples, 1000 * OX_N_STOPS * (OX_N_STOPS - 1) / 2);
}

/* Frames of one function and line are one, whatever their addresses, and so are their stacks. */
Test(engine, a_name_that_came_later_makes_stacks_equal)
{
	struct query query = ask_all(QUERY_BY_STACK);
	struct frame frame = {.module = "libx", .file = "/lib/libx", .build_id = "ab"};
	struct frame name = {.function = "named", .module = "libx", .file = "/lib/libx"};
	_cleanup_(result_done) struct result before = {0}, after = {0};
	int64_t ids[2], node;
	char why[128];

	for (unsigned i = 0; i < 2; i++) {
		frame.function = i ? "+0x20" : "+0x10";
		frame.offset = 16 * (i + 1);
		cr_assert_eq(store_add_frame(store, &frame, &ids[i]), 0);
		cr_assert_eq(store_add_node(store, nodes[MAIN], ids[i], &node), 0);
		add_sample(3, APP, node, 5);
		add_sample(3, APP, add_node(node, FRAME_NATIVE, "leaf", "app", "", 0), 7);
	}
	add_sample(3, APP, add_node(nodes[MAIN], FRAME_NATIVE, "last", "libx", "", 0), 1);
	query.filter = "libx";
	expect_answer(query, {"main(app);libx+0x10;leaf(app)", 7, 7},
		      {"main(app);libx+0x20;leaf(app)", 7, 7}, {"main(app);libx+0x10", 5, 5},
		      {"main(app);libx+0x20", 5, 5}, {"main(app);last(libx)", 1, 1});
	cr_assert_eq(run(&query, &before, why), 0);
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(store_rename_frame(store, ids[i], &name), 0);
	expect_answer(query, {"main(app);named(libx);leaf(app)", 14, 14},
		      {"main(app);named(libx)", 10, 10}, {"main(app);last(libx)", 1, 1});
	cr_assert_eq(run(&query, &after, why), 0);
	cr_expect_eq(after.samples, before.samples);
	cr_expect_eq(after.distinct, before.distinct - 2);
}

Test(engine, names_of_what_can_be_asked)
{
	static const char *const by[] = {"function", "module", "file", "line", "stack",
					 "process",  "thread", "unit", "user"};
	static const char *const sort[] = {"total", "self", "name"};
	enum query_by got_by = N_QUERY_BY;
	enum query_sort got_sort;
	enum query_kind kind;

	for (size_t i = 0; i < array_length(by); i++)
		cr_expect(query_by_parse(by[i], &got_by) == 0 && got_by == i, "%s", by[i]);
	for (size_t i = 0; i < array_length(sort); i++)
		cr_expect(query_sort_parse(sort[i], &got_sort) == 0 && got_sort == i);
	cr_expect_eq(query_by_parse("Function", &got_by), -EINVAL);
	cr_expect_eq(query_by_parse("", &got_by), -EINVAL);
	cr_expect_eq(query_sort_parse("hits", &got_sort), -EINVAL);
	cr_expect(query_kind_parse("python", &kind) == 0 && kind == QUERY_KIND_PYTHON);
	cr_expect(query_kind_parse("native", &kind) == 0 && kind == QUERY_KIND_NATIVE);
	cr_expect_eq(query_kind_parse("kernel", &kind), -EINVAL);
	cr_expect_eq(query_kind_parse("", &kind), -EINVAL);
}

Test(engine, writes_json)
{
	struct query query = ask_all(QUERY_BY_FUNCTION);
	_cleanup_(result_done) struct result result = {0};
	_cleanup_free_ char *text = NULL;
	char why[128];
	size_t size;
	FILE *out;

	query.filter = "a;b|^work";
	query.range.until_usec = START + 3 * WINDOW;
	cr_assert_eq(run(&query, &result, why), 0);
	out = open_memstream(&text, &size);
	result.samples = 64; /* for short shares */
	result.state = "paused";
	result.interval_ns = 10101010;
	cr_expect_eq(result_write_json(&result, out), 0);
	fclose(out);
	cr_expect_str_eq(
		text,
		"{\"state\":\"paused\",\"since\":1700000000000000,\"until\":1700000030000000,"
		"\"interval_ns\":10101010,\"samples\":64,\"distinct\":8,"
		"\"stacks\":{\"root\":127,\"cut\":0,\"no-table\":0,\"broken\":0,"
		"\"unreadable\":0,\"no-rule\":0,\"python-broken\":0},"
		"\"lost\":{\"full\":5,\"late\":3},\"restricted\":false,\"without_kernel\":false,"
		"\"session\":null,\"records\":["
		"{\"name\":\"a;b(__main__)\",\"function\":\"a;b\",\"module\":\"__main__\","
		"\"file\":\"/srv/a.py\",\"line\":5,\"kind\":\"python\",\"pid\":null,\"tid\":null,"
		"\"self\":64,\"total\":64,\"self_share\":1,\"total_share\":1},"
		"{\"name\":\"work(app)\",\"function\":\"work\",\"module\":\"app\","
		"\"file\":\"/srv/app.c\",\"line\":20,\"kind\":\"native\",\"pid\":null,"
		"\"tid\":null,\"self\":18,\"total\":22,\"self_share\":0.28125,"
		"\"total_share\":0.34375}]}\n",
		"%s", text);
	out = fopen("/dev/full", "w");
	cr_expect_eq(result_write_json(&result, out), -EIO);
	fclose(out);
}
