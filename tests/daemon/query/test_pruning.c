/* SPDX-License-Identifier: MIT */
/* Frames that a query leaves out, over a database of stacks that are written as text. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "daemon/query/engine.h"
#include "daemon/query/stacks.h"
#include "tests/support/store_world.h"

#define N_KINDS 3 /* of enum query_kind */

static struct store *store;
static int64_t session;

static void world_start(void)
{
	store_world_set_up();
	store = store_world_open();
	session = store_world_add_session(store, START);
}

static void world_stop(void)
{
	store_free(store);
	store_world_tear_down();
}

TestSuite(pruning, .init = world_start, .fini = world_stop);

/* Adds a frame: "p:f" is of Python, "n:f" native, "k:f" of the kernel, "m:[cut]" a mark, "q:f" of
 * Python without a module, and "p:f@3" has a line. Returns its node. */
static int64_t add_one(int64_t parent, char *text)
{
	static const char *const modules[] = {
		[FRAME_NATIVE] = "app", [FRAME_KERNEL] = "kernel", [FRAME_PYTHON] = "web"};
	struct frame frame = {.function = text + 2, .file = "", .build_id = ""};
	char *line = strchr(text, '@');
	int64_t id, node;

	frame.kind = strchr("pq", text[0]) ? FRAME_PYTHON
		     : text[0] == 'k'      ? FRAME_KERNEL
					   : FRAME_NATIVE;
	frame.module = strchr("mq", text[0]) ? "" : modules[frame.kind];
	if (line) {
		*line = '\0';
		frame.line = (uint32_t)atoi(line + 1);
	}
	cr_assert_eq(store_add_frame(store, &frame, &id), 0);
	cr_assert_eq(store_add_node(store, parent, id, &node), 0);
	return node;
}

static void add(const char *stack, uint32_t pid, uint64_t n)
{
	_cleanup_free_ char *copy = strdup(stack);
	char *rest = copy;
	int64_t node = 0;

	while (*stack && rest)
		node = add_one(node, strsep(&rest, ";"));
	store_world_add_sample(store, session, 0, store_world_add_task(store, pid, pid), node, n);
}

static struct query about(enum query_kind kind, enum query_by by)
{
	return (struct query){.kind = kind,
			      .by = by,
			      .range = {.until_usec = UINT64_MAX, .owner = UINT32_MAX},
			      .only_uid = UINT32_MAX};
}

/* Returns "samples/distinct", then "|name self/total" for each row; the caller frees the text. */
static char *ask(const struct query *query)
{
	_cleanup_(result_done) struct result result = {0};
	char *text = NULL, why[128];
	size_t size;
	FILE *out;

	cr_assert_eq(query_engine_run(store, query, QUERY_BYTES_MAX, &result, why, sizeof(why)), 0,
		     "%s", why);
	out = open_memstream(&text, &size);
	fprintf(out, "%lu/%lu", result.samples, result.distinct);
	for (size_t i = 0; i < result.n_rows; i++)
		fprintf(out, "|%s %lu/%lu", result.rows[i].name, result.rows[i].self,
			result.rows[i].total);
	fclose(out);
	return text;
}

static void expect(const struct query *query, const char *wanted)
{
	_cleanup_free_ char *got = ask(query);

	cr_expect_str_eq(got, wanted, "\n%s\n%s", got, wanted);
}

static void expect_of(enum query_kind kind, enum query_by by, const char *wanted)
{
	struct query query = about(kind, by);

	expect(&query, wanted);
}

static void add_stacks(void)
{
	add("n:_start;p:main@1;n:call;p:work@5", 42, 1);
	add("n:_start;p:main@1;p:work@5;n:list_sort;p:key", 42, 2);
	add("n:_start;p:main@1;p:work@6;n:deflate;k:copy", 42, 4);
	add("n:_start;n:spin", 43, 8);
	add("k:kthread;k:worker", 2, 16);
	add("", 43, 32);
}

/* Time in C counts for the Python function that called it; shares are of all samples. */
Test(pruning, python_only)
{
	add_stacks();
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_FUNCTION,
		  "63/3|work(web) 5/7|main(web) 0/7|key(web) 2/2");
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_LINE,
		  "63/3|main(web) [unknown]:1 0/7|work(web) [unknown]:6 4/4|"
		  "work(web) [unknown]:5 1/3|key(web) 2/2");
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_MODULE, "63/3|web 7/7");
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_FILE, "63/3|[unknown] 7/7");
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_STACK,
		  "63/3|main(web);work(web) 5/5|main(web);work(web);key(web) 2/2");
}

Test(pruning, native_only)
{
	add_stacks();
	expect_of(QUERY_KIND_NATIVE, QUERY_BY_FUNCTION,
		  "63/4|_start(app) 0/15|spin(app) 8/8|deflate(app) 4/4|list_sort(app) 2/2|"
		  "call(app) 1/1");
	expect_of(QUERY_KIND_NATIVE, QUERY_BY_STACK,
		  "63/4|_start(app);spin(app) 8/8|_start(app);deflate(app) 4/4|"
		  "_start(app);list_sort(app) 2/2|_start(app);call(app) 1/1");
}

Test(pruning, nothing_is_left_out_unless_asked)
{
	add_stacks();
	expect_of(QUERY_KIND_ALL, QUERY_BY_STACK,
		  "63/5|[no stack] 32/32|kthread(kernel);worker(kernel) 16/16|"
		  "_start(app);spin(app) 8/8|"
		  "_start(app);main(web);work(web);deflate(app);copy(kernel) 4/4|"
		  "_start(app);main(web);work(web);list_sort(app);key(web) 2/2|"
		  "_start(app);main(web);call(app);work(web) 1/1");
}

/* A process counts for the samples in which it has such a frame. */
Test(pruning, of_processes_samples_with_such_a_frame_count)
{
	add_stacks();
	expect_of(QUERY_KIND_ALL, QUERY_BY_PROCESS, "63/5|app[43] 40/40|app[2] 16/16|app[42] 7/7");
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_PROCESS, "63/3|app[42] 7/7");
	expect_of(QUERY_KIND_NATIVE, QUERY_BY_PROCESS, "63/4|app[43] 8/8|app[42] 7/7");
	expect_of(QUERY_KIND_NATIVE, QUERY_BY_THREAD, "63/4|app[43] 8/8|app[42] 7/7");
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_USER, "63/3|[unknown] 7/7");
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_UNIT, "63/3|[unknown] 7/7");
}

Test(pruning, works_with_filters_targets_and_rights)
{
	struct query query = about(QUERY_KIND_PYTHON, QUERY_BY_FUNCTION);
	struct target target;

	add_stacks();
	query.filter = "^(work|deflate)";
	query.max = 1;
	expect(&query, "63/3|work(web) 5/7");
	query = about(QUERY_KIND_NATIVE, QUERY_BY_FUNCTION);
	cr_assert_eq(target_parse("pid:43", &target), 0);
	query.targets = &target;
	query.n_targets = 1;
	expect(&query, "40/1|spin(app) 8/8|_start(app) 0/8");
	query = about(QUERY_KIND_NATIVE, QUERY_BY_FUNCTION);
	query.only_uid = query.range.owner = 43;
	query.without_kernel = true;
	expect(&query, "40/1|spin(app) 8/8|_start(app) 0/8");
	query.kind = QUERY_KIND_PYTHON;
	expect(&query, "40/0");
	query = about(QUERY_KIND_ALL, QUERY_BY_FUNCTION);
	query.without_kernel = true;
	expect(&query, "63/4|_start(app) 0/15|spin(app) 8/8|work(web) 1/7|main(web) 0/7|"
		       "deflate(app) 4/4|key(web) 2/2|list_sort(app) 0/2|"
		       "call(app) 0/1");
}

/* A mark stands for missing callers, so it stays only where a frame that they called is left. */
Test(pruning, a_mark_stays_at_the_root)
{
	struct query query = about(QUERY_KIND_ALL, QUERY_BY_STACK);

	add("m:[no-table];n:mid;p:main", 42, 1);
	add("m:[no-table];p:main", 42, 2);
	add("m:[python-broken];n:a;n:b", 42, 4);
	add("m:[no-table]", 42, 8);
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_STACK, "15/1|[no-table];main(web) 3/3");
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_FUNCTION, "15/1|main(web) 3/3|[no-table] 0/3");
	expect_of(QUERY_KIND_NATIVE, QUERY_BY_STACK,
		  "15/2|[python-broken];a(app);b(app) 4/4|[no-table];mid(app) 1/1");
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_PROCESS, "15/1|app[42] 3/3");
	/* Without a kind a stack is shown even if only its mark is left. */
	query.without_kernel = true;
	expect(&query, "15/4|[no-table] 8/8|[python-broken];a(app);b(app) 4/4|"
		       "[no-table];main(web) 2/2|[no-table];mid(app);main(web) 1/1");
}

Test(pruning, the_mark_of_the_kernels_part_goes_with_it)
{
	struct query query = about(QUERY_KIND_ALL, QUERY_BY_STACK);

	add("m:[cut];k:deep;k:er", 42, 1);
	add("m:[cut];n:f;m:[cut];k:deep", 42, 2);
	add("m:[cut];n:f;p:g;m:[cut];k:deep", 42, 4);
	add("m:[cut];n:f", 42, 8);
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_STACK, "15/1|[cut];g(web) 4/4");
	expect_of(QUERY_KIND_NATIVE, QUERY_BY_STACK, "15/1|[cut];f(app) 14/14");
	query.without_kernel = true;
	expect(&query, "15/2|[cut];f(app) 10/10|[cut];f(app);g(web) 4/4|[no stack] 1/1");
}

/* A function that has such a name is no mark, be it at the root. */
Test(pruning, a_name_like_a_mark_is_a_function)
{
	add("n:[cut];p:f", 42, 1);
	add("p:[no-table];p:f;m:[cut];p:g", 42, 2);
	add("q:[cut]", 42, 4);
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_STACK,
		  "7/3|[cut] 4/4|[no-table](web);f(web);g(web) 2/2|f(web) 1/1");
}

Test(pruning, stacks_that_are_read_later_are_pruned_too)
{
	add("n:_start;p:f", 42, 1);
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_STACK, "1/1|f(web) 1/1");
	add("n:_start;p:f;n:x;p:g", 42, 2);
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_STACK, "3/2|f(web);g(web) 2/2|f(web) 1/1");
}

Test(pruning, depth_is_no_matter)
{
	enum { DEPTH = 20000 };
	int64_t node = 0;

	cr_assert_eq(store_begin(store), 0);
	for (int i = 0; i < DEPTH; i++)
		node = add_one(node, (char[]){i % 2 ? 'p' : 'n', ':', 'f', '\0'});
	store_world_add_sample(store, session, 0, store_world_add_task(store, 42, 0), node, 5);
	cr_assert_eq(store_commit(store), 0);
	expect_of(QUERY_KIND_PYTHON, QUERY_BY_FUNCTION, "5/1|f(web) 5/5");
	expect_of(QUERY_KIND_NATIVE, QUERY_BY_FUNCTION, "5/1|f(app) 5/5");
}

/* ---- against the plain way: each stack as a text by itself ---- */

struct stack_sums {
	struct table *names;
	uint64_t n[1000];
};

static void sums_add(struct stack_sums *sums, const char *name, uint64_t n)
{
	uint32_t index;

	cr_assert_geq(table_intern(sums->names, name, strlen(name) + 1, &index), 0);
	cr_assert_lt(index, array_length(sums->n));
	sums->n[index] += n;
}

/* Adds a stack of random kinds, and to the sums the stack that must be left under each query. */
static void add_random(struct stack_sums sums[N_KINDS], uint64_t n)
{
	char stack[256] = "", left[N_KINDS][256] = {"", "", ""};
	unsigned depth = (unsigned)random() % 7;

	for (unsigned i = 0; i < depth; i++) {
		bool is_python = random() % 2;
		char function = (char)('a' + random() % 2), one[32];

		sprintf(stack + strlen(stack), "%s%c:%c", *stack ? ";" : "", is_python ? 'p' : 'n',
			function);
		for (unsigned kind = 0; kind < N_KINDS; kind++) {
			if (kind == (is_python ? QUERY_KIND_NATIVE : QUERY_KIND_PYTHON))
				continue;
			sprintf(one, "%s%c(%s)", *left[kind] ? ";" : "", function,
				is_python ? "web" : "app");
			strcat(left[kind], one);
		}
	}
	add(stack, 42, n);
	for (unsigned kind = 0; kind < N_KINDS; kind++)
		if (*left[kind] || !kind)
			sums_add(&sums[kind], *left[kind] ? left[kind] : "[no stack]", n);
}

static void expect_sums(enum query_kind kind, const struct stack_sums *sums)
{
	struct query query = about(kind, QUERY_BY_STACK);
	_cleanup_(result_done) struct result result = {0};
	char why[128];

	cr_assert_eq(query_engine_run(store, &query, QUERY_BYTES_MAX, &result, why, sizeof(why)),
		     0);
	cr_expect_eq(result.n_rows, table_count(sums->names));
	for (size_t i = 0; i < result.n_rows; i++) {
		const struct result_row *row = &result.rows[i];
		uint32_t index;

		cr_assert_eq(table_find(sums->names, row->name, strlen(row->name) + 1, &index), 0,
			     "%s", row->name);
		cr_expect_eq(row->self, sums->n[index], "%s", row->name);
	}
}

Test(pruning, agrees_with_the_plain_way)
{
	static struct stack_sums sums[N_KINDS];

	srandom(1);
	for (unsigned kind = 0; kind < N_KINDS; kind++)
		sums[kind].names = table_new();
	cr_assert_eq(store_begin(store), 0);
	for (unsigned i = 0; i < 300; i++)
		add_random(sums, 1 + (uint64_t)random() % 100);
	cr_assert_eq(store_commit(store), 0);
	for (unsigned kind = 0; kind < N_KINDS; kind++) {
		expect_sums(kind, &sums[kind]);
		table_free(sums[kind].names);
	}
}
