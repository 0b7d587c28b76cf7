/* SPDX-License-Identifier: MIT */
#include "daemon/query/grouping.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "daemon/query/naming.h"

struct grouping {
	enum query_by by;
	const struct stacks *stacks;
	const struct calltree *tree;
	const struct tasks *tasks;
	uint32_t n;
	uint64_t *self;
	uint64_t *total;
	struct table *pairs;  /* by line: struct line_key; by stack: struct step */
	struct naming naming; /* name of the group that was described last */
};

/* A line of a function; a key of `pairs`. */
struct line_key {
	uint32_t function;
	uint32_t line;
};

/* A stack of functions, as a key of `pairs`: nodes that differ only in lines and offsets are one.
 * Group i + 1 is pair i, so that group 0 is the empty stack; a caller comes before its callees. */
struct step {
	uint32_t caller;
	uint32_t function;
};

define_cleanup(struct grouping *, grouping_free);

struct grouping *grouping_free(struct grouping *grouping)
{
	if (!grouping)
		return NULL;
	table_free(grouping->pairs);
	free(grouping->self);
	free(grouping->total);
	naming_done(&grouping->naming);
	free(grouping);
	return NULL;
}

static int make_sums(struct grouping *grouping, uint32_t n)
{
	grouping->n = n;
	grouping->self = calloc((size_t)n + 1, sizeof(*grouping->self));
	grouping->total = calloc((size_t)n + 1, sizeof(*grouping->total));
	return grouping->self && grouping->total ? 0 : -ENOMEM;
}

/* ---- by function, line, module or file ---- */

static int find_frame_group(struct grouping *grouping, struct stacks_frame frame, uint32_t *ret)
{
	const struct stacks_function *function =
		stacks_get_function(grouping->stacks, frame.function);
	struct line_key line = {frame.function, frame.line};

	if (grouping->by == QUERY_BY_LINE)
		return table_intern(grouping->pairs, &line, sizeof(line), ret);
	*ret = grouping->by == QUERY_BY_MODULE ? function->module_text
	       : grouping->by == QUERY_BY_FILE ? function->file_text
					       : frame.function;
	return 0;
}

/* Makes an array with the group of each frame, or its function if the query is by stack. */
static int find_frame_groups(struct grouping *grouping, uint32_t **ret)
{
	const struct stacks *stacks = grouping->stacks;
	uint32_t n = stacks_count_frames(stacks);
	_cleanup_free_ uint32_t *groups = malloc(n * sizeof(*groups));
	int r;

	if (!groups)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		r = find_frame_group(grouping, stacks_get_frame(stacks, i), &groups[i]);
		if (r < 0)
			return r;
	}
	*ret = take_ptr(groups);
	return 0;
}

static uint32_t count_frame_groups(const struct grouping *grouping)
{
	if (grouping->by == QUERY_BY_LINE)
		return table_count(grouping->pairs);
	return grouping->by == QUERY_BY_FUNCTION ? stacks_count_functions(grouping->stacks)
						 : stacks_count_texts(grouping->stacks);
}

static int group_frames(struct grouping *grouping, const uint32_t *group_of,
			const uint64_t *node_hits)
{
	int r = make_sums(grouping, count_frame_groups(grouping));

	if (r < 0)
		return r;
	return calltree_fold(grouping->tree, node_hits, group_of, grouping->n, grouping->self,
			     grouping->total);
}

/* ---- by stack ---- */

/* Marks the nodes from which a hit can be reached: only their stacks get a group. */
static void mark_ways(const struct calltree *tree, const uint64_t *node_hits, bool *ret_marks)
{
	for (uint32_t i = calltree_count(tree); i > 0; i--) {
		ret_marks[i] |= node_hits[i] != 0;
		ret_marks[calltree_parent(tree, i)] |= ret_marks[i];
	}
}

static int find_node_groups(struct grouping *grouping, const uint32_t *function_of,
			    const bool *marks, uint32_t *ret_groups)
{
	const struct calltree *tree = grouping->tree;

	for (uint32_t i = 1; i <= calltree_count(tree); i++) {
		struct step step = {ret_groups[calltree_parent(tree, i)],
				    function_of[calltree_frame(tree, i)]};
		uint32_t pair;

		if (!marks[i])
			continue;
		if (table_intern(grouping->pairs, &step, sizeof(step), &pair) < 0)
			return -ENOMEM;
		ret_groups[i] = pair + 1;
	}
	return 0;
}

static int group_stacks(struct grouping *grouping, const uint32_t *function_of,
			const uint64_t *node_hits)
{
	const struct calltree *tree = grouping->tree;
	size_t n = (size_t)calltree_count(tree) + 1;
	_cleanup_free_ bool *marks = calloc(n, sizeof(*marks));
	_cleanup_free_ uint32_t *groups = calloc(n, sizeof(*groups));
	int r;

	if (!marks || !groups)
		return -ENOMEM;
	mark_ways(tree, node_hits, marks);
	r = find_node_groups(grouping, function_of, marks, groups);
	if (r < 0)
		return r;
	r = make_sums(grouping, table_count(grouping->pairs) + 1);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		grouping->self[groups[i]] += node_hits[i];
	memcpy(grouping->total, grouping->self, grouping->n * sizeof(*grouping->self));
	return 0;
}

static int group_nodes(struct grouping *grouping, const uint64_t *node_hits)
{
	_cleanup_free_ uint32_t *group_of = NULL;
	int r = find_frame_groups(grouping, &group_of);

	if (r < 0)
		return r;
	return grouping->by == QUERY_BY_STACK ? group_stacks(grouping, group_of, node_hits)
					      : group_frames(grouping, group_of, node_hits);
}

/* ---- by task ---- */

static int group_tasks(struct grouping *grouping, const uint64_t *task_hits)
{
	uint32_t n = tasks_count_groups(grouping->tasks);
	int r = make_sums(grouping, n);

	if (r < 0)
		return r;
	memcpy(grouping->self, task_hits, n * sizeof(*grouping->self));
	memcpy(grouping->total, task_hits, n * sizeof(*grouping->total));
	return 0;
}

int grouping_new(const struct query *query, const struct stacks *stacks,
		 const struct calltree *tree, const struct tasks *tasks, const uint64_t *node_hits,
		 const uint64_t *task_hits, struct grouping **ret)
{
	_cleanup_(grouping_free_p) struct grouping *grouping = calloc(1, sizeof(*grouping));
	int r;

	assert(query->by < N_QUERY_BY);
	assert(query->by >= QUERY_BY_PROCESS ? tasks && task_hits : tree && node_hits);
	if (!grouping)
		return -ENOMEM;
	grouping->by = query->by;
	grouping->stacks = stacks;
	grouping->tree = tree;
	grouping->tasks = tasks;
	grouping->pairs = table_new();
	if (!grouping->pairs)
		return -ENOMEM;
	r = query->by >= QUERY_BY_PROCESS ? group_tasks(grouping, task_hits)
					  : group_nodes(grouping, node_hits);
	if (r < 0)
		return r;
	*ret = take_ptr(grouping);
	return 0;
}

size_t grouping_bytes(const struct grouping *grouping)
{
	return table_bytes(grouping->pairs) + grouping->naming.size +
	       2 * grouping->n * sizeof(*grouping->self);
}

uint32_t grouping_count(const struct grouping *grouping)
{
	return grouping->n;
}

uint64_t grouping_self(const struct grouping *grouping, uint32_t group)
{
	assert(group < grouping->n);
	return grouping->self[group];
}

uint64_t grouping_total(const struct grouping *grouping, uint32_t group)
{
	assert(group < grouping->n);
	return grouping->total[group];
}

/* ---- names ---- */

static int name_append_function(struct grouping *grouping, const struct stacks_function *function)
{
	return naming_append_function(&grouping->naming, function->function, function->module);
}

static int describe_function(struct grouping *grouping, uint32_t index, struct result_row *ret)
{
	const struct stacks_function *function = stacks_get_function(grouping->stacks, index);

	ret->function = function->function;
	ret->module = function->module;
	ret->file = function->file;
	ret->line = function->line;
	ret->kind = frame_kind_name(function->kind);
	return name_append_function(grouping, function);
}

static int describe_line(struct grouping *grouping, uint32_t group, struct result_row *ret)
{
	const struct line_key *line = table_get_key(grouping->pairs, group, NULL);
	int r = describe_function(grouping, line->function, ret);
	char number[16];

	ret->line = line->line;
	if (r < 0 || !line->line)
		return r;
	snprintf(number, sizeof(number), ":%" PRIu32, line->line);
	return naming_append_texts(&grouping->naming, " ", *ret->file ? ret->file : NAMING_UNKNOWN,
				   number);
}

/* Lists the functions of a stack, callers first; the caller frees the list. */
static int list_stack(const struct grouping *grouping, uint32_t group, uint32_t **ret,
		      uint32_t *ret_depth)
{
	const struct step *step;
	uint32_t depth = 0, *functions;

	assert(group > 0);
	for (uint32_t at = group; at; at = step->caller, depth++)
		step = table_get_key(grouping->pairs, at - 1, NULL);
	functions = malloc(depth * sizeof(*functions));
	if (!functions)
		return -ENOMEM;
	*ret = functions;
	*ret_depth = depth;
	for (uint32_t at = group; at; at = step->caller) {
		step = table_get_key(grouping->pairs, at - 1, NULL);
		functions[--depth] = step->function;
	}
	return 0;
}

static int describe_stack(struct grouping *grouping, uint32_t group)
{
	_cleanup_free_ uint32_t *functions = NULL;
	uint32_t depth;

	if (!group)
		return naming_append(&grouping->naming, "[no stack]");
	if (list_stack(grouping, group, &functions, &depth) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < depth; i++) {
		size_t start = grouping->naming.length + (i > 0);

		if ((i > 0 && naming_append(&grouping->naming, ";") < 0) ||
		    name_append_function(grouping,
					 stacks_get_function(grouping->stacks, functions[i])) < 0)
			return -ENOMEM;
		for (char *c = grouping->naming.text + start; (c = strchr(c, ';'));)
			*c = ':';
	}
	return 0;
}

static int describe_text(struct grouping *grouping, const char *text, const char **ret)
{
	*ret = text;
	return naming_append(&grouping->naming, *text ? text : NAMING_UNKNOWN);
}

static int describe_task(struct grouping *grouping, uint32_t group, struct result_row *ret)
{
	struct tasks_group task = tasks_get_group(grouping->tasks, group);

	ret->pid = task.pid;
	ret->tid = task.tid;
	return naming_append(&grouping->naming, task.name);
}

int grouping_describe(struct grouping *grouping, uint32_t group, struct result_row *ret)
{
	struct result_row row = {.function = "", .module = "", .file = "", .kind = ""};
	int r;

	assert(group < grouping->n);
	naming_clear(&grouping->naming);
	if (grouping->by == QUERY_BY_FUNCTION)
		r = describe_function(grouping, group, &row);
	else if (grouping->by == QUERY_BY_LINE)
		r = describe_line(grouping, group, &row);
	else if (grouping->by == QUERY_BY_MODULE)
		r = describe_text(grouping, stacks_get_text(grouping->stacks, group), &row.module);
	else if (grouping->by == QUERY_BY_FILE)
		r = describe_text(grouping, stacks_get_text(grouping->stacks, group), &row.file);
	else if (grouping->by == QUERY_BY_STACK)
		r = describe_stack(grouping, group);
	else
		r = describe_task(grouping, group, &row);
	if (r < 0)
		return r;
	assert(grouping->naming.length > 0);
	row.name = grouping->naming.text;
	row.self = grouping->self[group];
	row.total = grouping->total[group];
	*ret = row;
	return 0;
}
