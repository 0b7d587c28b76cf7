/* SPDX-License-Identifier: MIT */
#include "daemon/query/pruning.h"

#include <assert.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"

/* Key of a node of the pruned tree, in which equal stacks are one. */
struct pruned_key {
	uint32_t parent;
	uint32_t frame;
};

/* The rest of the path from the root to a node, after pruning. */
struct left {
	bool known;
	uint32_t node;
	uint32_t mark; /* the frame of a mark at the root, + 1, until a frame behind it is kept */
};

struct pruning {
	const struct query *query;
	const struct stacks *stacks;
	struct calltree *tree; /* NULL: nothing is left out */
	struct table *nodes;   /* struct pruned_key, of the nodes 1, 2, ... of the tree */
	struct left *left;     /* by node of the stacks' tree, filled when a node is asked for */
	size_t n_left;         /* elements in use */
	size_t left_size;
	uint32_t *way; /* nodes from the one that is asked for up to a known one */
	size_t way_size;
};

define_cleanup(struct pruning *, pruning_free);

/* ---- the rule ---- */

enum pruning_fate pruning_judge(const struct query *query, const struct pruning_frame *frame,
				const struct pruning_frame *caller)
{
	if (query->kind && !caller && frame->mark)
		return PRUNING_KEEP_BEFORE_OTHERS;
	if (query_wants_kind(query, frame->kind))
		return PRUNING_KEEP;
	if (frame->kind == FRAME_KERNEL && caller && caller->mark)
		return PRUNING_DROP_WITH_CALLER;
	return PRUNING_DROP;
}

bool pruning_may_keep(const struct query *query, const struct pruning_frame *frame)
{
	enum pruning_fate at_root = pruning_judge(query, frame, NULL);

	return at_root == PRUNING_KEEP || at_root == PRUNING_KEEP_BEFORE_OTHERS;
}

bool pruning_keeps_sample(const struct query *query, bool has_frames)
{
	return has_frames || !query->kind;
}

/* ---- the tree of what is left ---- */

/* Makes room for the nodes by which the stacks' tree has grown. */
static int extend_left(struct pruning *pruning)
{
	size_t n = (size_t)calltree_count(stacks_tree(pruning->stacks)) + 1;
	int r = array_extend(pruning->left, pruning->left_size, pruning->n_left, n);

	if (r >= 0)
		pruning->n_left = n;
	return r;
}

int pruning_new(const struct query *query, const struct stacks *stacks, struct pruning **ret)
{
	_cleanup_(pruning_free_p) struct pruning *pruning = calloc(1, sizeof(*pruning));

	if (!pruning)
		return -ENOMEM;
	pruning->query = query;
	pruning->stacks = stacks;
	if (query_prunes(query)) {
		pruning->tree = calltree_new();
		pruning->nodes = table_new();
		if (!pruning->tree || !pruning->nodes || extend_left(pruning) < 0)
			return -ENOMEM;
		pruning->left[0].known = true;
	}
	*ret = take_ptr(pruning);
	return 0;
}

struct pruning *pruning_free(struct pruning *pruning)
{
	if (!pruning)
		return NULL;
	calltree_free(pruning->tree);
	table_free(pruning->nodes);
	free(pruning->left);
	free(pruning->way);
	free(pruning);
	return NULL;
}

size_t pruning_bytes(const struct pruning *pruning)
{
	size_t tree =
		pruning->tree ? calltree_bytes(pruning->tree) + table_bytes(pruning->nodes) : 0;

	return tree + pruning->left_size * sizeof(*pruning->left) +
	       pruning->way_size * sizeof(*pruning->way);
}

static struct pruning_frame get_frame(const struct pruning *pruning, uint32_t node)
{
	uint32_t frame = calltree_frame(stacks_tree(pruning->stacks), node);
	const struct stacks_function *function = stacks_get_function(
		pruning->stacks, stacks_get_frame(pruning->stacks, frame).function);

	return (struct pruning_frame){
		function->kind, stop_of_mark(function->kind, function->function, function->module)};
}

static int keep_frame(struct pruning *pruning, uint32_t frame, uint32_t *node)
{
	struct pruned_key key = {*node, frame};
	uint32_t index;
	int r = table_intern(pruning->nodes, &key, sizeof(key), &index);

	if (r < 0)
		return r;
	if (r > 0) {
		r = calltree_add_node(pruning->tree, key.parent, frame);
		if (r < 0)
			return r;
	}
	*node = index + 1;
	return 0;
}

static int keep_node(struct pruning *pruning, uint32_t frame, struct left *left)
{
	int r;

	if (left->mark) {
		r = keep_frame(pruning, left->mark - 1, &left->node);
		if (r < 0)
			return r;
		left->mark = 0;
	}
	return keep_frame(pruning, frame, &left->node);
}

static enum pruning_fate judge_node(const struct pruning *pruning, uint32_t node)
{
	uint32_t parent = calltree_parent(stacks_tree(pruning->stacks), node);
	struct pruning_frame frame = get_frame(pruning, node), caller;

	if (parent)
		caller = get_frame(pruning, parent);
	return pruning_judge(pruning->query, &frame, parent ? &caller : NULL);
}

/* Finds what is left of a node from what is left of its parent, which is known. */
static int follow_node(struct pruning *pruning, uint32_t node)
{
	const struct calltree *tree = stacks_tree(pruning->stacks);
	uint32_t parent = calltree_parent(tree, node), frame = calltree_frame(tree, node);
	struct left left = pruning->left[parent];
	int r;

	assert(left.known);
	switch (judge_node(pruning, node)) {
	case PRUNING_KEEP:
		r = keep_node(pruning, frame, &left);
		if (r < 0)
			return r;
		break;
	case PRUNING_KEEP_BEFORE_OTHERS:
		left.mark = frame + 1;
		break;
	case PRUNING_DROP:
		break;
	case PRUNING_DROP_WITH_CALLER:
		left = pruning->left[calltree_parent(tree, parent)];
		break;
	}
	pruning->left[node] = left;
	return 0;
}

int pruning_find(struct pruning *pruning, uint32_t node, uint32_t *ret)
{
	size_t n = 0;
	int r;

	assert(node <= calltree_count(stacks_tree(pruning->stacks)));
	*ret = node;
	if (!pruning->tree)
		return 0;
	r = extend_left(pruning);
	if (r < 0)
		return r;
	for (uint32_t at = node; !pruning->left[at].known;
	     at = calltree_parent(stacks_tree(pruning->stacks), at)) {
		r = array_reserve(pruning->way, pruning->way_size, n + 1);
		if (r < 0)
			return r;
		pruning->way[n++] = at;
	}
	while (n > 0) {
		r = follow_node(pruning, pruning->way[--n]);
		if (r < 0)
			return r;
	}
	*ret = pruning->left[node].node;
	assert(*ret <= calltree_count(pruning->tree) &&
	       calltree_count(pruning->tree) < pruning->n_left);
	return 0;
}

const struct calltree *pruning_tree(const struct pruning *pruning)
{
	return pruning->tree ? pruning->tree : stacks_tree(pruning->stacks);
}
