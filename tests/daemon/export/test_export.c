/* SPDX-License-Identifier: MIT */
/* Exports of stores that are made by hand, and of random ones against query_engine_run(). */
#include "daemon/base/cleanup.h"
#include "daemon/export/export.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/table.h"
#include "daemon/query/engine.h"
#include "tests/support/export_world.h"
#include "tests/support/store_world.h"

static struct store *store;

static void world_start(void)
{
	store_world_set_up();
	store = store_world_open();
}

static void world_stop(void)
{
	store = store_free(store);
	store_world_tear_down();
}

TestSuite(export, .init = world_start, .fini = world_stop, .timeout = 1000);

static const struct export_options stacks_only = {
	.stacks = true, .state = "paused", .interval_ns = 10101010};

static struct query everything(void)
{
	return (struct query){.range = {.until_usec = UINT64_MAX, .owner = UINT32_MAX},
			      .only_uid = UINT32_MAX};
}

static void read_export(const struct query *query, const struct export_options *options,
			struct told *told)
{
	struct export *export;
	char why[256];
	int fd = -1;

	cr_assert_eq(export_new(store_world.path, query, options, &export, why, sizeof(why)), 0,
		     "%s", why);
	cr_assert_eq(export_start(export, &fd), 0);
	told_read(told, fd);
	export_free(export);
	cr_assert_not_null(told->end);
	cr_assert_str_eq(told->end->failure, "");
}

static void expect_failure_of(const char *database, const struct query *query, const char *words)
{
	_cleanup_(told_done) struct told told = {0};
	struct export *export;
	char why[256];
	int fd;

	cr_assert_eq(export_new(database, query, &stacks_only, &export, why, sizeof(why)), 0);
	cr_assert_eq(export_start(export, &fd), 0);
	told_slurp(&told, fd);
	export_free(export);
	cr_expect(told_mentions(&told, words), "%.*s", (int)told.n_bytes, (char *)told.bytes);
}

static void expect_failure(const struct query *query, const char *words)
{
	expect_failure_of(store_world.path, query, words);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Returns "stack n/tid/seconds" for each hit, sorted, with '|' between them; the caller frees the
 * text. */
static char *hits_text(const struct told *told)
{
	char **lines = calloc(told->n_hits + 1, sizeof(*lines)), *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < told->n_hits; i++) {
		const struct told_hit *hit = &told->hits[i];
		char *stack = told_stack(told, hit->node);

		cr_assert_gt(
			asprintf(&lines[i], "%s %lu/%u/%lu", stack, hit->n,
				 hit->task ? told->tasks[hit->task]->tid : 0,
				 hit->slot ? (told->slots[hit->slot]->start - START) / 1000000 : 0),
			0);
		free(stack);
	}
	qsort(lines, told->n_hits, sizeof(*lines), compare_texts);
	for (size_t i = 0; i < told->n_hits; i++) {
		fprintf(out, "%s%s", i ? "|" : "", lines[i]);
		free(lines[i]);
	}
	free(lines);
	fclose(out);
	return text;
}

static void expect_export(const struct query *query, const struct export_options *options,
			  const char *wanted)
{
	_cleanup_(told_done) struct told told;
	_cleanup_free_ char *text = NULL;

	read_export(query, options, &told);
	text = hits_text(&told);
	cr_expect_str_eq(text, wanted, "\n%s\n%s", text, wanted);
}

static uint64_t count_of(Oxprof__Count **counts, size_t n, const char *reason)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(counts[i]->reason, reason))
			return counts[i]->n;
	return 0;
}

Test(export, a_world_is_told)
{
	_cleanup_(told_done) struct told told;
	struct query query = everything();
	int64_t session = store_world_fill(store);
	const Oxprof__Frame *frame;

	cr_assert_eq(store_end_session(store, session, START + 15000000), 0);
	read_export(&query, &stacks_only, &told);
	cr_expect_str_eq(told.summary->state, "paused");
	cr_expect_eq(told.summary->since, START);
	cr_expect_eq(told.summary->until, START + 15000000);
	cr_expect_eq(told.summary->interval_ns, 10101010);
	cr_expect(!told.summary->restricted && !told.summary->without_kernel);
	cr_expect_eq(count_of(told.summary->lost, told.summary->n_lost, "late"), 6);
	cr_expect_eq(told.summary->n_lost, 2);
	cr_assert_eq(told.summary->n_sessions, 1);
	cr_expect_eq(told.summary->sessions[0]->id, session);
	cr_expect_eq(told.summary->sessions[0]->started, START);
	cr_expect_eq(told.summary->sessions[0]->ended, START + 15000000);
	cr_expect_eq(told.summary->sessions[0]->observed_usec, 15000000);
	cr_expect_eq(told.summary->observed_usec, 15000000);
	cr_expect_eq(told.end->samples, 11);
	cr_expect_eq(told.end->n_stacks, OX_N_STOPS);
	cr_expect_eq(count_of(told.end->stacks, told.end->n_stacks, "root"), 10);
	cr_expect_eq(told.parts[told.n_parts - 1]->permille, 1000);
	cr_assert_eq(told.n_nodes, 1 + 4);
	frame = told.frames[told.frame[1]];
	cr_expect_str_eq(told.texts[frame->function], "main");
	cr_expect_str_eq(told.texts[frame->module], "app");
	cr_expect_str_eq(told.texts[frame->file], "/srv/app");
	cr_expect_str_eq(told.texts[frame->build_id], "00ff");
	cr_expect_eq(frame->line, 7);
	cr_expect_eq(frame->offset, UINT64_MAX - 1);
	cr_expect_eq(frame->kind, FRAME_NATIVE);
	cr_expect_eq(told.n_frames, 1 + 3, "main comes twice, and is one frame");
}

Test(export, hits_are_told_apart_as_is_asked)
{
	struct query query = everything();
	struct export_options options = stacks_only;

	cr_assert_eq(store_end_session(store, store_world_fill(store), START + 15000000), 0);
	expect_export(&query, &options,
		      "[no stack] 1/0/0|main(app);work(app) 2/0/0|"
		      "main(app);work(app);main(app) 3/0/0|"
		      "main(app);work(app);main(app);leaf(kernel) 5/0/0");
	options.tasks = true;
	options.stacks = false;
	expect_export(&query, &options, "[no stack] 11/42/0");
	options.slots = true;
	expect_export(&query, &options, "[no stack] 4/42/10|[no stack] 7/42/0");
	options.tasks = false;
	options.step_usec = 2 * OX_WINDOW_USEC;
	expect_export(&query, &options, "[no stack] 11/0/0");
	options.slots = false;
	expect_export(&query, &options, "[no stack] 11/0/0");
	options = stacks_only;
	options.slots = options.tasks = true;
	expect_export(&query, &options,
		      "[no stack] 1/42/10|main(app);work(app) 2/42/0|"
		      "main(app);work(app);main(app) 3/42/10|"
		      "main(app);work(app);main(app);leaf(kernel) 5/42/0");
}

Test(export, an_empty_store_has_a_beginning_and_an_end)
{
	_cleanup_(told_done) struct told told;
	struct query query = everything();

	read_export(&query, &stacks_only, &told);
	cr_expect_eq(told.summary->since, 0);
	cr_expect_eq(told.summary->n_sessions, 0);
	cr_expect_eq(told.n_hits, 0);
	cr_expect_eq(told.n_nodes, 1);
	cr_expect_eq(told.n_texts, 1);
	cr_expect_eq(told.end->samples, 0);
}

Test(export, frames_are_marked_and_stacks_chosen_by_name)
{
	_cleanup_(told_done) struct told told;
	struct query query = everything();
	struct export_options options = stacks_only;

	store_world_fill(store);
	options.focus = "^main\\(app\\)$";
	query.filter = "^leaf";
	read_export(&query, &options, &told);
	cr_assert_eq(told.n_hits, 1);
	cr_expect_eq(told.hits[0].n, 5);
	cr_expect_eq(told.end->samples, 11, "before the filter");
	for (size_t i = 1; i < told.n_frames; i++)
		cr_expect_eq(told.frames[i]->focus,
			     !strcmp(told.texts[told.frames[i]->function], "main"));
	/* "[no stack]" is no frame, so that no filter finds it. */
	query.filter = "stack";
	expect_export(&query, &stacks_only, "");
	/* A frame that is left out cannot be found. */
	query.filter = "^leaf";
	query.without_kernel = true;
	expect_export(&query, &stacks_only, "");
	query.filter = "^main";
	expect_export(&query, &stacks_only,
		      "main(app);work(app) 2/0/0|main(app);work(app);main(app) 8/0/0");
}

Test(export, patterns_are_checked_at_once)
{
	struct query query = everything();
	struct export_options options = stacks_only;
	struct export *export = NULL;
	char why[256], text[2 * OX_PATTERN_BYTES_MAX] = "";

	query.filter = "(";
	cr_assert_eq(export_new(store_world.path, &query, &options, &export, why, sizeof(why)),
		     -EINVAL);
	cr_expect_not_null(strstr(why, "--filter: not a regular expression"), "%s", why);
	query.filter = NULL;
	options.focus = "[";
	cr_assert_eq(export_new(store_world.path, &query, &options, &export, why, sizeof(why)),
		     -EINVAL);
	cr_expect_not_null(strstr(why, "--focus: "), "%s", why);
	memset(text, 'a', sizeof(text) - 1);
	options.focus = text;
	cr_assert_eq(export_new(store_world.path, &query, &options, &export, why, sizeof(why)),
		     -EINVAL);
	cr_expect_str_eq(why, "--focus: the regular expression is longer than 4096 bytes");
	cr_expect_null(export);
}

/* ---- marks and kinds: pruning_judge(), as in test_pruning.c ---- */

static void add_stack(int64_t session, int64_t task, const char *stack, uint64_t n)
{
	static const char *const modules[] = {
		[FRAME_NATIVE] = "app", [FRAME_KERNEL] = "kernel", [FRAME_PYTHON] = "web"};
	_cleanup_free_ char *copy = strdup(stack);
	char *rest = copy, *one;
	int64_t node = 0, id;

	while (*stack && (one = strsep(&rest, ";"))) {
		struct frame frame = {.function = one + 2, .file = "", .build_id = ""};

		frame.kind = one[0] == 'p'   ? FRAME_PYTHON
			     : one[0] == 'k' ? FRAME_KERNEL
					     : FRAME_NATIVE;
		frame.module = one[0] == 'm' ? "" : modules[frame.kind];
		cr_assert_eq(store_add_frame(store, &frame, &id), 0);
		cr_assert_eq(store_add_node(store, node, id, &node), 0);
	}
	store_world_add_sample(store, session, 0, task, node, n);
}

Test(export, a_mark_stays_with_what_is_left)
{
	struct query query = everything();
	int64_t session = store_world_add_session(store, START),
		task = store_world_add_task(store, 42, 1);

	add_stack(session, task, "m:[no-table];n:mid;p:main", 1);
	add_stack(session, task, "m:[no-table];p:main", 2);
	add_stack(session, task, "m:[no-table]", 4);
	add_stack(session, task, "m:[cut];k:deep", 8);
	add_stack(session, task, "m:[cut];n:f;m:[cut];k:deep", 16);
	query.kind = QUERY_KIND_PYTHON;
	expect_export(&query, &stacks_only,
		      "[no-table];main(web) 1/0/0|[no-table];main(web) 2/0/0");
	query.filter = "no-table";
	expect_export(&query, &stacks_only,
		      "[no-table];main(web) 1/0/0|[no-table];main(web) 2/0/0");
	query.filter = NULL;
	query.kind = QUERY_KIND_NATIVE;
	expect_export(&query, &stacks_only, "[cut];f(app) 16/0/0|[no-table];mid(app) 1/0/0");
	query.kind = QUERY_KIND_ALL;
	query.without_kernel = true;
	expect_export(&query, &stacks_only,
		      "[cut];f(app) 16/0/0|[no stack] 8/0/0|[no-table] 4/0/0|"
		      "[no-table];main(web) 2/0/0|[no-table];mid(app);main(web) 1/0/0");
}

/* ---- whose samples, of when ---- */

Test(export, nothing_of_others_is_told)
{
	_cleanup_(told_done) struct told told;
	struct query query = everything();
	struct export_options options = stacks_only;
	int64_t session = store_world_add_session_of(store, START, 1001),
		others = store_world_add_session(store, START + 60000000);
	int64_t own = store_world_add_task(store, 42, 1001),
		other = store_world_add_task(store, 43, 1002);

	add_stack(session, own, "n:common;n:mine;k:entry", 1);
	add_stack(session, other, "n:common;n:secret;n:mine", 2);
	add_stack(others, other, "n:hidden", 4);
	options.tasks = options.slots = true;
	query.only_uid = query.range.owner = 1001;
	query.without_kernel = true;
	read_export(&query, &options, &told);
	cr_expect(told.summary->restricted && told.summary->without_kernel);
	cr_expect_eq(told.end->samples, 1);
	cr_expect(told_mentions(&told, "common") && told_mentions(&told, "mine"));
	cr_expect(!told_mentions(&told, "secret") && !told_mentions(&told, "hidden"));
	cr_expect(!told_mentions(&told, "entry"));
	cr_expect_eq(told.n_tasks, 1 + 1);
	cr_expect_eq(told.n_slots, 1 + 1);
	cr_expect_eq(told.n_nodes, 1 + 2);
	cr_expect_eq(told.summary->n_sessions, 1, "the other's is none of his");
}

/* The names of frames that are left out are not disclosed by a search that fails on them either. */
Test(export, names_that_are_left_out_are_not_searched)
{
	struct query query = everything();
	int64_t session = store_world_add_session(store, START),
		task = store_world_add_task(store, 42, 1001);
	char name[30001] = "k:";

	memset(name + 2, 'a', sizeof(name) - 3);
	memcpy(name + 2, "secret", 6);
	add_stack(session, task, "n:mine", 1);
	add_stack(session, task, name, 2);
	query.filter = "(secret(a|aa)+$)|mine";
	expect_failure(&query, "take too long on these names");
	query.without_kernel = true;
	query.only_uid = query.range.owner = 1001;
	expect_export(&query, &stacks_only, "mine(app) 1/0/0");
}

/* In a damaged store a missing task is unknown, and the other tasks keep their names. */
Test(export, a_task_that_is_not_there_is_unknown)
{
	_cleanup_(told_done) struct told told;
	struct query query = everything();
	struct export_options options = {.tasks = true, .state = ""};
	int64_t session = store_world_add_session(store, START);

	for (uint32_t i = 0; i < 3; i++)
		store_world_add_sample(store, session, 0, store_world_add_task(store, 42 + i, 1), 0,
				       10 + i);
	store_world_execute("DELETE FROM task WHERE id = 2");
	read_export(&query, &options, &told);
	cr_assert_eq(told.n_hits, 3);
	for (size_t i = 0; i < told.n_hits; i++) {
		uint64_t n = told.hits[i].n;

		cr_expect_eq(told.tasks[told.hits[i].task]->tid, n == 11 ? 0 : 32 + n, "%lu", n);
	}
}

Test(export, targets_choose)
{
	struct query query = everything();
	int64_t session = store_world_add_session(store, START),
		task = store_world_add_task(store, 42, 1);
	struct target target;

	add_stack(session, task, "n:a", 1);
	add_stack(session, store_world_add_task(store, 43, 1), "n:b", 2);
	cr_assert_eq(target_parse("pid:43", &target), 0);
	query.targets = &target;
	query.n_targets = 1;
	expect_export(&query, &stacks_only, "b(app) 2/0/0");
}

/* Adds three sessions, the last of which still runs. */
static void add_sessions(int64_t ret[static 3])
{
	int64_t task = store_world_add_task(store, 42, 1),
		node = store_world_add_node(store, 0, "f");

	for (unsigned i = 0; i < 3; i++) {
		ret[i] = store_world_add_session(store, START + i * UINT64_C(100000000));
		for (unsigned window = 0; window < 4; window++)
			store_world_add_sample(store, ret[i], window, task, node,
					       1 << (4 * i + window));
		if (i < 2)
			cr_assert_eq(store_end_session(store, ret[i],
						       START + i * UINT64_C(100000000) + 35000000),
				     0);
	}
}

Test(export, sessions_and_ranges)
{
	_cleanup_(told_done) struct told told;
	struct query query = everything();
	struct export_options options = stacks_only;
	int64_t sessions[3];

	add_sessions(sessions);
	options.slots = true;
	query.range.session = sessions[1];
	expect_export(&query, &options,
		      "f(app) 128/0/130|f(app) 16/0/100|f(app) 32/0/110|f(app) 64/0/120");
	query.range.session = 0;
	query.range.since_usec = START + 22000000;
	query.range.until_usec = START + 115000000;
	expect_export(&query, &options,
		      "f(app) 16/0/100|f(app) 32/0/110|f(app) 4/0/20|f(app) 8/0/30");
	options.step_usec = 3 * OX_WINDOW_USEC;
	read_export(&query, &options, &told);
	cr_assert_eq(told.summary->n_sessions, 2);
	cr_expect_eq(told.summary->sessions[0]->id, sessions[0], "oldest first");
	cr_expect_eq(told.summary->sessions[0]->observed_usec, 15000000);
	cr_expect_eq(told.summary->sessions[1]->observed_usec, 20000000);
	cr_expect_eq(told.summary->observed_usec, 35000000);
	/* Slots of 30 s begin at START - 20 s, + 10 s, ... */
	cr_assert_eq(told.n_hits, 2);
	for (size_t i = 0; i < told.n_hits; i++) {
		const Oxprof__Slot *slot = told.slots[told.hits[i].slot];
		uint64_t n = told.hits[i].n;

		cr_expect(n == 12 || n == 48);
		cr_expect_eq(slot->start, START + (n == 12 ? 20 : 100) * 1000000);
		cr_expect_eq(slot->usec, n == 12 ? 15000000 : 20000000);
	}
}

/* Time in which sessions ran side by side counts once, and a hit that both took is told once. */
Test(export, sessions_side_by_side)
{
	_cleanup_(told_done) struct told told;
	struct query query = everything();
	struct export_options options = {.slots = true, .state = ""};
	int64_t ids[3], task = store_world_add_task(store, 42, 1000), both;

	for (uint32_t i = 0; i < 3; i++)
		ids[i] = store_world_add_session_of(store, START + i * 12000000, 1000 + i);
	cr_assert_eq(store_add_set(store, ids, 2, &both), 0);
	store_world_add_sample(store, ids[0], 0, task, 0, 1);
	cr_assert_eq(store_add_sample(store, both, store_world_window(ids[1], 0), task, 0, 2), 0);
	store_world_add_sample(store, ids[2], 0, task, 0, 4);
	store_world_add_sample(store, ids[2], 10, task, 0, 8);
	cr_assert_eq(store_end_session(store, ids[0], START + 18000000), 0);
	cr_assert_eq(store_end_session(store, ids[1], START + 15000000), 0);
	cr_assert_eq(store_end_session(store, ids[2], START + 26000000), 0);
	read_export(&query, &options, &told);
	cr_expect_eq(told.summary->observed_usec, 20000000);
	cr_expect_eq(told.summary->sessions[1]->observed_usec, 3000000);
	cr_assert_eq(told.n_hits, 4);
	for (size_t i = 0; i < told.n_hits; i++) {
		const Oxprof__Slot *slot = told.slots[told.hits[i].slot];
		/* The clock was set while the last one was sampled: its slot has its length. */
		uint64_t start[] = {0, 10, 24, 120}, length[] = {10, 8, 2, 10};
		int bit = __builtin_ctzll(told.hits[i].n);

		cr_expect_eq(slot->start, START + start[bit] * 1000000, "%d: %lu", bit,
			     slot->start);
		cr_expect_eq(slot->usec, length[bit] * 1000000, "%d: %lu", bit, slot->usec);
		cr_expect_eq(slot->end, slot->start + slot->usec);
	}
	told_done(&told);
	/* 18 to 24 s is a gap. */
	options.step_usec = 60 * OX_WINDOW_USEC;
	query.range.until_usec = START + 100000000;
	read_export(&query, &options, &told);
	cr_assert_eq(told.n_slots, 1 + 1);
	cr_expect_eq(told.slots[1]->start, START);
	cr_expect_eq(told.slots[1]->usec, 20000000);
	cr_expect_eq(told.slots[1]->end, START + 26000000);
	query.range.until_usec = UINT64_MAX;
	options.step_usec = 0;
	told_done(&told);
	query.range.session = ids[1];
	expect_export(&query, &options, "[no stack] 2/0/12");
	/* One who began no session has samples in another's: the time is that of the samples. */
	query.range.session = 0;
	query.only_uid = query.range.owner = 1007;
	store_world_add_sample(store, ids[0], 0, store_world_add_task(store, 43, 1007), 0, 16);
	read_export(&query, &options, &told);
	cr_expect_eq(told.summary->n_sessions, 0);
	cr_expect_eq(told.end->samples, 16);
	cr_expect_eq(told.summary->observed_usec, 10000000);
}

/* Rolled-up hours and windows give the same hits, whatever the step. */
Test(export, hours_are_as_good_as_windows)
{
	static const uint64_t steps[] = {1, 7, 360, 720, 1000, 36000};
	struct query query = everything();
	struct export_options options = {.slots = true, .state = ""};
	int64_t session = store_world_add_session(store, START),
		task = store_world_add_task(store, 42, 1);
	uint64_t sums[1200] = {0}, total = 0;

	srandom(3);
	cr_assert_eq(store_begin(store), 0);
	for (uint32_t window = 0; window < array_length(sums); window++) {
		sums[window] = 1 + (uint64_t)random() % 9;
		store_world_add_sample(store, session, window, task, 0, sums[window]);
	}
	cr_assert_eq(store_commit(store), 0);
	cr_assert_eq(store_end_session(store, session, START + 12000000000), 0);
	query.range.since_usec = START + 3000000000;
	query.range.until_usec = START + 11000000000;
	for (unsigned i = 300; i < 1100; i++)
		total += sums[i];
	for (size_t i = 0; i < array_length(steps); i++) {
		_cleanup_(told_done) struct told told;
		uint64_t covered = 0;

		options.step_usec = steps[i] * OX_WINDOW_USEC;
		read_export(&query, &options, &told);
		cr_expect_eq(told.end->samples, total);
		for (size_t h = 0; h < told.n_hits; h++) {
			const Oxprof__Slot *slot = told.slots[told.hits[h].slot];
			uint64_t first = (slot->start - START) / OX_WINDOW_USEC, sum = 0;

			for (uint64_t w = first; w < first + slot->usec / OX_WINDOW_USEC; w++)
				sum += sums[w];
			cr_expect_eq(told.hits[h].n, sum, "step %lu: %lu", steps[i], first);
			covered += slot->usec;
		}
		cr_expect_eq(covered, UINT64_C(8000000000));
	}
}

/* ---- against query_engine_run() ---- */

struct sums {
	struct table *names;
	uint64_t n[4096];
};

static void sums_add(struct sums *sums, const char *name, uint64_t n)
{
	uint32_t index;

	cr_assert_geq(table_intern(sums->names, name, strlen(name) + 1, &index), 0);
	cr_assert_lt(index, array_length(sums->n));
	sums->n[index] += n;
}

static void add_random_stack(int64_t session, const int64_t *tasks)
{
	static const char *const marks[] = {"m:[cut]", "m:[broken]", "m:[no-table]"};
	unsigned depth = (unsigned)random() % 8, n_kernel = (unsigned)random() % 3;
	char stack[256] = "";

	if (random() % 4 == 0)
		strcat(stack, marks[random() % 3]);
	for (unsigned i = 0; i < depth; i++)
		sprintf(stack + strlen(stack), "%s%c:%c", *stack ? ";" : "",
			random() % 2 ? 'p' : 'n', (char)('a' + random() % 3));
	if (n_kernel && *stack && random() % 8 == 0)
		strcat(stack, ";m:[cut]");
	for (unsigned i = 0; i < n_kernel; i++)
		sprintf(stack + strlen(stack), "%sk:%c", *stack ? ";" : "",
			(char)('x' + random() % 2));
	add_stack(session, tasks[random() % 4], stack, 1 + (uint64_t)random() % 50);
}

static void check_against_query(struct query *query)
{
	static struct sums sums;
	_cleanup_(result_done) struct result result = {0};
	_cleanup_(told_done) struct told told;
	char why[128];

	memset(&sums, 0, sizeof(sums));
	sums.names = table_new();
	query->by = QUERY_BY_STACK;
	cr_assert_eq(query_engine_run(store, query, QUERY_BYTES_MAX, &result, why, sizeof(why)), 0,
		     "%s", why);
	read_export(query, &stacks_only, &told);
	for (size_t i = 0; i < told.n_hits; i++) {
		char *stack = told_stack(&told, told.hits[i].node);

		sums_add(&sums, stack, told.hits[i].n);
		free(stack);
	}
	cr_expect_eq(told.end->samples, result.samples);
	for (unsigned end = 0; end < OX_N_STOPS; end++)
		cr_expect_eq(told.end->stacks[end]->n, result.stops[end], "%u", end);
	cr_expect_eq(table_count(sums.names), result.n_rows, "%u, %zu", table_count(sums.names),
		     result.n_rows);
	for (size_t i = 0; i < result.n_rows; i++) {
		const struct result_row *row = &result.rows[i];
		uint32_t index;

		cr_assert_eq(table_find(sums.names, row->name, strlen(row->name) + 1, &index), 0,
			     "%s", row->name);
		cr_expect_eq(sums.n[index], row->self, "%s", row->name);
	}
	table_free(sums.names);
}

/* A program may give its own functions any name, that of a mark included. */
Test(export, a_name_is_no_mark)
{
	struct query query = everything();
	int64_t session = store_world_add_session(store, START),
		task = store_world_add_task(store, 42, 1), id, node;
	struct frame frame = {.kind = FRAME_PYTHON,
			      .function = "[cut]",
			      .module = "",
			      .file = "",
			      .build_id = ""};
	_cleanup_(told_done) struct told told;

	cr_assert_eq(store_add_frame(store, &frame, &id), 0);
	cr_assert_eq(store_add_node(store, 0, id, &node), 0);
	store_world_add_sample(store, session, 0, task, node, 3);
	read_export(&query, &stacks_only, &told);
	cr_expect_eq(count_of(told.end->stacks, told.end->n_stacks, "root"), 3);
	cr_expect_eq(count_of(told.end->stacks, told.end->n_stacks, "cut"), 0);
	check_against_query(&query);
}

Test(export, agrees_with_query)
{
	static const char *const filters[] = {NULL, "b\\(app", "c\\(web|\\[cut"};
	int64_t tasks[4], session = store_world_add_session(store, START);
	unsigned n = 0;

	srandom(5);
	for (unsigned i = 0; i < 4; i++)
		tasks[i] = store_world_add_task(store, 42 + i, i % 2);
	for (unsigned round = 0; round < 3; round++) {
		cr_assert_eq(store_begin(store), 0);
		for (unsigned i = 0; i < 200; i++)
			add_random_stack(session, tasks);
		cr_assert_eq(store_commit(store), 0);
		for (unsigned i = 0; i < 36; i++) {
			struct query query = everything();

			query.kind = i % 3;
			query.without_kernel = i / 3 % 2;
			query.filter = filters[i / 6 % 3];
			query.only_uid = query.range.owner = i / 18 ? 1 : UINT32_MAX;
			check_against_query(&query);
			n++;
		}
	}
	cr_assert_eq(n, 108);
}

Test(export, depth_is_no_matter)
{
	enum { DEPTH = 20000 };
	_cleanup_(told_done) struct told told;
	struct query query = everything();
	int64_t session = store_world_add_session(store, START),
		task = store_world_add_task(store, 42, 1), node = 0;

	cr_assert_eq(store_begin(store), 0);
	for (unsigned i = 0; i < DEPTH; i++)
		node = store_world_add_node(store, node, "f");
	store_world_add_sample(store, session, 0, task, node, 5);
	cr_assert_eq(store_commit(store), 0);
	read_export(&query, &stacks_only, &told);
	cr_expect_eq(told.n_nodes, 1 + DEPTH);
	cr_expect_eq(told.n_hits, 1);
	query.kind = QUERY_KIND_PYTHON;
	told_done(&told);
	read_export(&query, &stacks_only, &told);
	cr_expect_eq(told.n_nodes, 1);
}

/* ---- a stream of many parts ---- */

static void add_many(unsigned n)
{
	int64_t session = store_world_add_session(store, START),
		task = store_world_add_task(store, 42, 1);
	char name[1000];

	memset(name, 'x', sizeof(name));
	cr_assert_eq(store_begin(store), 0);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name + sizeof(name) - 11, 11, "%u", i);
		store_world_add_sample(store, session, 0, task,
				       store_world_add_node(store, 0, name), i + 1);
	}
	cr_assert_eq(store_commit(store), 0);
}

Test(export, parts_are_small)
{
	_cleanup_(told_done) struct told told;
	struct query query = everything();

	add_many(2000);
	read_export(&query, &stacks_only, &told);
	cr_expect_eq(told.n_hits, 2000);
	cr_expect_eq(told.end->samples, 2000 * 2001 / 2);
	cr_expect_gt(told.n_parts, 20);
	cr_expect_lt(told.largest, 100000);
	for (size_t i = 0; i < told.n_hits; i++)
		cr_expect_eq(told.hits[i].node, told.hits[i].n, "numbers are in order of id");
}

static void wait_ended(struct export *export)
{
	struct pollfd wait = {.fd = export_fd(export), .events = POLLIN};

	cr_assert_eq(poll(&wait, 1, -1), 1);
}

Test(export, a_reader_who_leaves_ends_it)
{
	struct query query = everything();
	struct export *export;
	char why[256];
	int fd;

	add_many(2000);
	cr_assert_eq(export_new(store_world.path, &query, &stacks_only, &export, why, sizeof(why)),
		     0);
	cr_assert_eq(export_start(export, &fd), 0);
	cr_assert_gt(read(fd, why, 100), 0);
	close(fd);
	wait_ended(export);
	export_free(export);
}

static unsigned count_fds(void)
{
	_cleanup_closedir_ DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	return n;
}

/* An export whose pipe is full and whose reader does not read can be stopped. */
Test(export, it_can_be_stopped)
{
	_cleanup_(told_done) struct told told;
	struct query query = everything();
	struct export *export;
	unsigned n_fds;
	char why[256];
	int fd;

	add_many(2000);
	/* sqlite keeps the descriptor of a reader for the next one. */
	read_export(&query, &stacks_only, &told);
	told_done(&told);
	n_fds = count_fds();
	cr_assert_eq(export_new(store_world.path, &query, &stacks_only, &export, why, sizeof(why)),
		     0);
	cr_assert_eq(export_start(export, &fd), 0);
	cr_assert_eq(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1), 1);
	export_free(export);
	told_read(&told, fd);
	cr_expect_null(told.end, "it broke off");
	cr_expect_not_null(told.summary);
	cr_expect_eq(count_fds(), n_fds);
	/* An export that was never started can be freed. */
	cr_assert_eq(export_new(store_world.path, &query, &stacks_only, &export, why, sizeof(why)),
		     0);
	export_free(export);
}

Test(export, a_failure_is_told)
{
	struct query query = everything();
	char other[320];

	snprintf(other, sizeof(other), "%s.not-there", store_world.path);
	expect_failure_of(other, &query, "not-there");
	store_world_fill(store);
	store_world_execute("DROP TABLE node");
	expect_failure(&query, "no such table");
}

/* Rows that are written while an export runs are not in it, and writing is not held up. */
Test(export, the_writer_goes_on)
{
	_cleanup_(told_done) struct told told;
	struct query query = everything();
	struct export *export;
	char why[256];
	int fd;

	add_many(2000);
	cr_assert_eq(export_new(store_world.path, &query, &stacks_only, &export, why, sizeof(why)),
		     0);
	cr_assert_eq(export_start(export, &fd), 0);
	/* When the first part is there, the export has its snapshot of the database. */
	cr_assert_eq(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1), 1);
	store_world_fill(store);
	told_read(&told, fd);
	export_free(export);
	cr_expect_eq(told.n_hits, 2000);
	cr_expect_str_eq(told.end->failure, "");
}
