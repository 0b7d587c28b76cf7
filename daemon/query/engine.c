/* SPDX-License-Identifier: MIT */
#include "daemon/query/engine.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/query/grouping.h"
#include "daemon/query/pattern.h"
#include "daemon/query/pruning.h"
#include "daemon/query/stacks.h"
#include "daemon/query/tasks.h"

struct query_engine {
	struct store *store;
	struct stacks *stacks;
};

/* One query while it runs. */
struct query_tally {
	const struct query *query;
	const struct stacks *stacks;
	struct tasks *tasks; /* NULL: all samples count, whatever their task */
	struct pattern *pattern;
	struct pruning *pruning;
	struct grouping *grouping;
	struct result result;
	uint64_t *node_hits;
	uint64_t *task_hits; /* by group of tasks; NULL if tasks is */
	size_t task_hits_size;
};

define_cleanup(struct query_engine *, query_engine_free);

struct query_engine *query_engine_new(struct store *store)
{
	_cleanup_(query_engine_free_p) struct query_engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return NULL;
	engine->store = store;
	engine->stacks = stacks_new();
	if (!engine->stacks)
		return NULL;
	return take_ptr(engine);
}

struct query_engine *query_engine_free(struct query_engine *engine)
{
	if (engine)
		stacks_free(engine->stacks);
	free(engine);
	return NULL;
}

int query_engine_forget(struct query_engine *engine)
{
	struct stacks *stacks = stacks_new();

	if (!stacks)
		return -ENOMEM;
	stacks_free(engine->stacks);
	engine->stacks = stacks;
	return 0;
}

static void tally_done(struct query_tally *tally)
{
	grouping_free(tally->grouping);
	pruning_free(tally->pruning);
	pattern_free(tally->pattern);
	tasks_free(tally->tasks);
	free(tally->node_hits);
	free(tally->task_hits);
	result_done(&tally->result);
}

/* ---- counting ---- */

/* Returns 1 and the group of a task, 0 if the query is not about it, or a negative errno. */
static int tally_find_group(struct query_tally *tally, int64_t task, uint32_t *ret)
{
	int r = tasks_find_group(tally->tasks, task, ret);

	if (r <= 0)
		return r;
	r = array_reserve(tally->task_hits, tally->task_hits_size, (size_t)*ret + 1);
	return r < 0 ? r : 1;
}

static int on_hits(void *userdata, int64_t task, int64_t node, uint64_t n)
{
	struct query_tally *tally = userdata;
	uint32_t group = 0, index, left;
	unsigned end;
	int r = tally->tasks ? tally_find_group(tally, task, &group) : 1;

	if (r <= 0)
		return r;
	index = stacks_find_node(tally->stacks, node);
	end = stacks_get_end(tally->stacks, index);
	assert(end <= STOP_NONE);
	if (end != STOP_NONE)
		tally->result.stops[end] += n;
	tally->result.samples += n;
	r = pruning_find(tally->pruning, index, &left);
	if (r < 0 || !pruning_keeps_sample(tally->query, left != 0))
		return r;
	tally->node_hits[left] += n;
	if (tally->tasks)
		tally->task_hits[group] += n;
	return 0;
}

static int on_loss(void *userdata, const char *reason, uint64_t n)
{
	result_add_loss(userdata, reason, n);
	return 0;
}

static int tally_read_tasks(struct query_tally *tally, struct store *store)
{
	int r;

	tally->tasks = tasks_new(store, tally->query);
	if (!tally->tasks)
		return -ENOMEM;
	r = tasks_read_all(tally->tasks);
	if (r < 0)
		return r;
	return array_reserve(tally->task_hits, tally->task_hits_size,
			     (size_t)tasks_count_groups(tally->tasks) + 1);
}

static int tally_prepare(struct query_tally *tally, struct store *store, uint32_t n_nodes)
{
	int r;

	tally->node_hits = calloc((size_t)n_nodes + 1, sizeof(*tally->node_hits));
	if (!tally->node_hits)
		return -ENOMEM;
	r = pruning_new(tally->query, tally->stacks, &tally->pruning);
	if (r < 0)
		return r;
	return query_needs_tasks(tally->query) ? tally_read_tasks(tally, store) : 0;
}

static int tally_count(struct query_tally *tally, struct store *store)
{
	const struct store_range *range = &tally->query->range;
	uint32_t n_nodes = calltree_count(stacks_tree(tally->stacks));
	struct result *result = &tally->result;
	int r = tally_prepare(tally, store, n_nodes);

	if (r < 0)
		return r;
	r = store_foreach_hits(store, range, on_hits, tally, &result->since_usec,
			       &result->until_usec);
	if (r < 0)
		return r;
	r = store_foreach_loss(store, range, on_loss, result);
	if (r < 0)
		return r;
	for (uint32_t i = 1; i <= n_nodes; i++)
		result->distinct += tally->node_hits[i] != 0;
	result->restricted = tally->query->only_uid != UINT32_MAX;
	result->without_kernel = tally->query->without_kernel;
	return 0;
}

/* ---- choosing and sorting ---- */

struct rank {
	uint64_t first; /* the number that is sorted by, total or self */
	uint64_t second;
	uint32_t group;
};

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_ranks(const void *a, const void *b)
{
	const struct rank *left = a, *right = b;
	int r = compare_u64(right->first, left->first);

	if (!r)
		r = compare_u64(right->second, left->second);
	return r ? r : compare_u64(left->group, right->group);
}

/* Compares names, and the other texts where names are equal, as of functions in two files. */
static int compare_names(const struct result_row *left, const struct result_row *right)
{
	int r = strcmp(left->name, right->name);

	if (!r)
		r = strcmp(left->file, right->file);
	if (!r)
		r = strcmp(left->kind, right->kind);
	if (!r)
		r = strcmp(left->function, right->function);
	if (!r)
		r = compare_u64(left->pid, right->pid);
	return r ? r : compare_u64(left->tid, right->tid);
}

static int compare_by_name(const void *a, const void *b)
{
	return compare_names(a, b);
}

static int compare_by_total(const void *a, const void *b)
{
	const struct result_row *left = a, *right = b;
	int r = compare_u64(right->total, left->total);

	if (!r)
		r = compare_u64(right->self, left->self);
	return r ? r : compare_names(left, right);
}

static int compare_by_self(const void *a, const void *b)
{
	const struct result_row *left = a, *right = b;
	int r = compare_u64(right->self, left->self);

	return r ? r : compare_by_total(a, b);
}

/* Lists the groups with hits, sorted by numbers. Names are made later, for the rows that need
 * one. */
static int make_ranks(const struct grouping *grouping, enum query_sort sort, struct rank **ret,
		      uint32_t *ret_n)
{
	_cleanup_free_ struct rank *ranks = NULL;
	uint32_t n = 0;

	ranks = calloc((size_t)grouping_count(grouping) + 1, sizeof(*ranks));
	if (!ranks)
		return -ENOMEM;
	for (uint32_t i = 0; i < grouping_count(grouping); i++) {
		uint64_t self = grouping_self(grouping, i), total = grouping_total(grouping, i);

		if (total)
			ranks[n++] = sort == QUERY_SORT_SELF ? (struct rank){self, total, i}
							     : (struct rank){total, self, i};
	}
	if (sort != QUERY_SORT_NAME)
		qsort(ranks, n, sizeof(*ranks), compare_ranks);
	*ret = take_ptr(ranks);
	*ret_n = n;
	return 0;
}

/* Adds the row of a group to the result. Returns 1, 0 if the filter refuses the row, or a negative
 * errno. */
static int tally_add_record(struct query_tally *tally, uint32_t group, char *ret_why, size_t size)
{
	struct result_row row;
	int r = grouping_describe(tally->grouping, group, &row);

	if (r < 0)
		return r;
	r = tally->pattern ? pattern_search(tally->pattern, row.name) : 1;
	if (r == -ELOOP) {
		snprintf(ret_why, size,
			 "the filter takes too long on these names; use a simpler one");
		return -EINVAL;
	}
	if (r <= 0)
		return r;
	r = result_add_row(&tally->result, &row);
	return r < 0 ? r : 1;
}

/* Adds the first `max` rows by numbers, and all that are equal to the last of them, among which
 * the names decide. */
static int tally_choose(struct query_tally *tally, char *ret_why, size_t size)
{
	const struct query *query = tally->query;
	uint32_t max = query->sort == QUERY_SORT_NAME ? 0 : query->max;
	_cleanup_free_ struct rank *ranks = NULL;
	const struct rank *last = NULL;
	uint32_t n;
	int r = make_ranks(tally->grouping, query->sort, &ranks, &n);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++) {
		const struct rank *rank = &ranks[i];

		assert(last || !tally->result.n_rows);
		if (max && tally->result.n_rows >= max &&
		    (rank->first != last->first || rank->second != last->second))
			break;
		r = tally_add_record(tally, rank->group, ret_why, size);
		if (r < 0)
			return r;
		if (r > 0)
			last = rank;
	}
	return 0;
}

static void result_sort(struct result *result, enum query_sort sort, uint32_t max)
{
	static int (*const compare[])(const void *, const void *) = {
		[QUERY_SORT_TOTAL] = compare_by_total,
		[QUERY_SORT_SELF] = compare_by_self,
		[QUERY_SORT_NAME] = compare_by_name,
	};

	assert(sort < array_length(compare));
	if (result->n_rows)
		qsort(result->rows, result->n_rows, sizeof(*result->rows), compare[sort]);
	if (max && result->n_rows > max)
		result->n_rows = max;
}

static int tally_compile(struct query_tally *tally, char *ret_why, size_t size)
{
	int r;

	if (!tally->query->filter)
		return 0;
	r = pattern_new(tally->query->filter, &tally->pattern, ret_why, size);
	return r == -E2BIG ? -EINVAL : r;
}

int query_engine_run(struct query_engine *engine, const struct query *query, struct result *ret,
		     char *ret_why, size_t size)
{
	_cleanup_(tally_done) struct query_tally tally = {.query = query, .stacks = engine->stacks};
	int r;

	assert(ret_why || !size);
	assert(query->targets || !query->n_targets);
	if (size)
		*ret_why = '\0';
	r = tally_compile(&tally, ret_why, size);
	if (r < 0)
		return r;
	r = stacks_read(engine->stacks, engine->store);
	if (r < 0)
		return r;
	r = tally_count(&tally, engine->store);
	if (r < 0)
		return r;
	r = grouping_new(query, engine->stacks, pruning_tree(tally.pruning), tally.tasks,
			 tally.node_hits, tally.task_hits, &tally.grouping);
	if (r < 0)
		return r;
	r = tally_choose(&tally, ret_why, size);
	if (r < 0)
		return r;
	result_sort(&tally.result, query->sort, query->max);
	*ret = tally.result;
	tally.result = (struct result){0};
	return 0;
}
