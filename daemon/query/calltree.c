/* SPDX-License-Identifier: MIT */
#include "daemon/query/calltree.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

#define NODES_MIN 1024

/* child and sibling are 0 where there is none: node 0 is no node's child. */
struct node {
	uint32_t parent;
	uint32_t frame;
	uint32_t child;
	uint32_t sibling;
};

/* Invariant: nodes[i].parent < i for each i > 0, so that a loop upwards over the indexes meets each
 * node after its parent, and a loop downwards before its parent. */
struct calltree {
	struct node *nodes; /* [0] is "no stack" */
	uint32_t count;     /* without node 0 */
	size_t size;
};

define_cleanup(struct calltree *, calltree_free);

struct calltree *calltree_new(void)
{
	_cleanup_(calltree_free_p) struct calltree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return NULL;
	if (array_extend(tree->nodes, tree->size, 0, NODES_MIN) < 0)
		return NULL;
	return take_ptr(tree);
}

struct calltree *calltree_free(struct calltree *tree)
{
	if (tree)
		free(tree->nodes);
	free(tree);
	return NULL;
}

int calltree_add_node(struct calltree *tree, uint32_t parent, uint32_t frame)
{
	uint32_t index = tree->count + 1;
	int r;

	if (parent > tree->count)
		return -EINVAL;
	if (!index)
		return -ENOMEM;
	r = array_extend(tree->nodes, tree->size, index, (size_t)index + 1);
	if (r < 0)
		return r;
	tree->nodes[index] = (struct node){
		.parent = parent, .frame = frame, .sibling = tree->nodes[parent].child};
	tree->nodes[parent].child = index;
	tree->count = index;
	assert(tree->count < tree->size && tree->nodes[index].parent < index);
	return 0;
}

uint32_t calltree_count(const struct calltree *tree)
{
	return tree->count;
}

size_t calltree_bytes(const struct calltree *tree)
{
	return tree->size * sizeof(*tree->nodes);
}

uint32_t calltree_parent(const struct calltree *tree, uint32_t node)
{
	assert(node <= tree->count);
	return tree->nodes[node].parent;
}

uint32_t calltree_frame(const struct calltree *tree, uint32_t node)
{
	assert(node > 0 && node <= tree->count);
	return tree->nodes[node].frame;
}

/* Returns the hits of each node and all below it, or NULL; the caller frees them. */
static uint64_t *sum_branches(const struct calltree *tree, const uint64_t *hits)
{
	uint64_t *sums = malloc(((size_t)tree->count + 1) * sizeof(*sums));

	if (!sums)
		return NULL;
	for (uint32_t i = 0; i <= tree->count; i++)
		sums[i] = hits[i];
	for (uint32_t i = tree->count; i > 0; i--)
		sums[tree->nodes[i].parent] += sums[i];
	return sums;
}

/* Walks the branches that were hit. `open` counts how often each group is on the path from the root
 * to the node at hand: only the outermost one counts, so that recursion is not counted twice. */
static void fold_total(const struct calltree *tree, const uint64_t *sums, const uint32_t *group_of,
		       uint32_t *open, uint64_t *ret_total)
{
	uint32_t at = tree->nodes[0].child;

	while (at) {
		uint32_t group = group_of[tree->nodes[at].frame];

		if (sums[at] && open[group]++ == 0)
			ret_total[group] += sums[at];
		if (sums[at] && tree->nodes[at].child) {
			at = tree->nodes[at].child;
			continue;
		}
		for (;; at = tree->nodes[at].parent) { /* go up to a node with a sibling */
			if (at && sums[at])
				open[group_of[tree->nodes[at].frame]]--;
			if (!at || tree->nodes[at].sibling)
				break;
		}
		at = tree->nodes[at].sibling;
	}
}

int calltree_fold(const struct calltree *tree, const uint64_t *hits, const uint32_t *group_of,
		  uint32_t n_groups, uint64_t *ret_self, uint64_t *ret_total)
{
	_cleanup_free_ uint64_t *sums = sum_branches(tree, hits);
	_cleanup_free_ uint32_t *open = calloc((size_t)n_groups + 1, sizeof(*open));

	if (!sums || !open)
		return -ENOMEM;
	for (uint32_t i = 1; i <= tree->count; i++) {
		uint32_t group = group_of[tree->nodes[i].frame];

		assert(group < n_groups);
		ret_self[group] += hits[i];
	}
	fold_total(tree, sums, group_of, open, ret_total);
	return 0;
}
