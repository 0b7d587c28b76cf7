/* SPDX-License-Identifier: MIT */
#include "daemon/query/engine.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/query/grouping.h"
#include "daemon/query/pattern.h"
#include "daemon/query/pruning.h"
#include "daemon/query/stacks.h"
#include "daemon/query/tasks.h"

/* One query while it runs. */
struct query_tally {
	struct store *store;
	const struct query *query;
	struct stacks *stacks;
	struct tasks *tasks; /* NULL: all samples count, whatever their task */
	struct pattern *pattern;
	struct pruning *pruning;
	struct grouping *grouping;
	struct result result;
	uint64_t max_bytes;
	uint64_t *node_hits; /* by node of the tree of what is left */
	size_t n_node_hits, node_hits_size;
	uint64_t *task_hits; /* by group of tasks */
	size_t task_hits_size;
};

static void tally_done(struct query_tally *tally)
{
	grouping_free(tally->grouping);
	pruning_free(tally->pruning);
	pattern_free(tally->pattern);
	tasks_free(tally->tasks);
	stacks_free(tally->stacks);
	free(tally->node_hits);
	free(tally->task_hits);
	result_done(&tally->result);
}

/* ---- counting ---- */

static uint64_t count_bytes(const struct query_tally *tally)
{
	return stacks_bytes(tally->stacks) + pruning_bytes(tally->pruning) +
	       (tally->tasks ? tasks_bytes(tally->tasks) : 0) +
	       tally->node_hits_size * sizeof(*tally->node_hits) +
	       tally->task_hits_size * sizeof(*tally->task_hits);
}

/* Adds to the hits of a group of tasks, and makes room for it. */
static int add_task_hits(struct query_tally *tally, uint32_t group, uint64_t n)
{
	int r = array_reserve(tally->task_hits, tally->task_hits_size, (size_t)group + 1);

	if (r < 0)
		return r;
	tally->task_hits[group] += n;
	return 0;
}

/* Makes room for the hits of the nodes of the tree up to this one. */
static int extend_node_hits(struct query_tally *tally, uint32_t node)
{
	size_t n = (size_t)node + 1;
	int r;

	if (n <= tally->n_node_hits)
		return 0;
	r = array_extend(tally->node_hits, tally->node_hits_size, tally->n_node_hits, n);
	if (r < 0)
		return r;
	tally->n_node_hits = n;
	return 0;
}

/* Adds the hits of a node of the stacks' tree. Returns 1, 0 if they count in no row, or a negative
 * errno. */
static int add_node_hits(struct query_tally *tally, uint32_t node, uint64_t n)
{
	unsigned end = stacks_get_end(tally->stacks, node);
	uint32_t left;
	int r;

	assert(end <= STOP_NONE);
	if (end != STOP_NONE)
		tally->result.stops[end] += n;
	tally->result.samples += n;
	r = pruning_find(tally->pruning, node, &left);
	if (r < 0 || !pruning_keeps_sample(tally->query, left != 0))
		return r;
	r = extend_node_hits(tally, left);
	if (r < 0)
		return r;
	tally->node_hits[left] += n;
	return 1;
}

static int on_hits(void *userdata, const struct store_slot_hits *hits)
{
	struct query_tally *tally = userdata;
	uint32_t group = 0, node;
	int r = tally->tasks ? tasks_find_group(tally->tasks, hits->task, &group) : 1;

	if (r <= 0)
		return r;
	r = stacks_find_node(tally->stacks, hits->node, &node);
	if (r > 0 && count_bytes(tally) > tally->max_bytes / 2)
		return -EOVERFLOW;
	if (r < 0)
		return r;
	r = add_node_hits(tally, node, hits->n);
	return r > 0 && tally->tasks ? add_task_hits(tally, group, hits->n) : r;
}

static int on_loss(void *userdata, const char *reason, uint64_t n)
{
	result_add_loss(userdata, reason, n);
	return 0;
}

static int tally_prepare(struct query_tally *tally)
{
	int r;

	tally->stacks = stacks_new(tally->store);
	if (!tally->stacks)
		return -ENOMEM;
	r = pruning_new(tally->query, tally->stacks, &tally->pruning);
	if (r < 0 || !query_needs_tasks(tally->query))
		return r;
	tally->tasks = tasks_new(tally->store, tally->query);
	return tally->tasks ? 0 : -ENOMEM;
}

static int tally_read(struct query_tally *tally)
{
	struct store *store = tally->store;
	const struct store_range *range = &tally->query->range;
	struct result *result = &tally->result;
	int r = store_foreach_slot_hits(store, range, STORE_ALL_WINDOWS, on_hits, tally);

	if (r < 0)
		return r;
	r = store_find_cover(store, range, &result->since_usec, &result->until_usec);
	return r < 0 ? r : store_foreach_loss(store, range, on_loss, result);
}

/* Makes the sums of all nodes and groups of tasks complete. */
static int tally_complete(struct query_tally *tally)
{
	int r = extend_node_hits(tally, calltree_count(pruning_tree(tally->pruning)));

	if (r < 0 || !tally->tasks)
		return r;
	return array_reserve(tally->task_hits, tally->task_hits_size,
			     (size_t)tasks_count_groups(tally->tasks) + 1);
}

static int tally_count(struct query_tally *tally)
{
	struct result *result = &tally->result;
	int r = tally_prepare(tally);

	if (r < 0)
		return r;
	r = tally_read(tally);
	if (r < 0)
		return r;
	r = tally_complete(tally);
	if (r < 0)
		return r;
	for (size_t i = 1; i < tally->n_node_hits; i++)
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
	int r = store_is_stopped(tally->store) ? -ECANCELED
					       : grouping_describe(tally->grouping, group, &row);

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
	if (r >= 0 &&
	    count_bytes(tally) + grouping_bytes(tally->grouping) + result_bytes(&tally->result) >
		    tally->max_bytes)
		r = -EOVERFLOW;
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

/* Runs a query whose pattern is compiled. */
static int tally_run(struct query_tally *tally, char *ret_why, size_t size)
{
	int r = tally_count(tally);

	if (r < 0)
		return r;
	r = grouping_new(tally->query, tally->stacks, pruning_tree(tally->pruning), tally->tasks,
			 tally->node_hits, tally->task_hits, &tally->grouping);
	if (r < 0)
		return r;
	r = tally_choose(tally, ret_why, size);
	if (r < 0)
		return r;
	result_sort(&tally->result, tally->query->sort, tally->query->max);
	return 0;
}

int query_engine_run(struct store *store, const struct query *query, uint64_t max_bytes,
		     struct result *ret, char *ret_why, size_t size)
{
	_cleanup_(tally_done) struct query_tally tally = {
		.store = store, .query = query, .max_bytes = max_bytes};
	int r;

	assert(ret_why || !size);
	assert(query->targets || !query->n_targets);
	if (size)
		*ret_why = '\0';
	r = tally_compile(&tally, ret_why, size);
	if (r < 0)
		return r;
	r = tally_run(&tally, ret_why, size);
	if (r == -EOVERFLOW)
		snprintf(ret_why, size,
			 "this is about too many stacks for %" PRIu64
			 " MiB of memory: narrow it by "
			 "--since/--until/--session or a target",
			 max_bytes >> 20);
	if (r < 0)
		return r;
	*ret = tally.result;
	tally.result = (struct result){0};
	return 0;
}
