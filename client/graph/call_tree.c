/* SPDX-License-Identifier: MIT */
#include "client/graph/call_tree.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

/* A node that still has to be shown. The waiting nodes are a stack, the next one last; recursion
 * would follow a thousand frames. */
struct waiting_node {
	uint32_t node;
	uint32_t place; /* among its siblings, by name */
	uint32_t depth;
	bool last;
};

struct making {
	const struct graph *graph;
	double least;
	struct call_tree tree;
	size_t lines_size;
	struct waiting_node *waiting;
	size_t n_waiting;
	size_t waiting_size;
};

static uint64_t total_of(const struct graph *graph, uint32_t node)
{
	return graph_total(graph, node, GRAPH_BASE);
}

/* Sorts the node with the fewest hits first: the next one to be shown has to be the last. */
static int compare_waiting(const void *a, const void *b, void *userdata)
{
	const struct waiting_node *left = a, *right = b;
	uint64_t x = total_of(userdata, left->node), y = total_of(userdata, right->node);

	return x != y ? (x > y) - (x < y)
		      : (left->place < right->place) - (left->place > right->place);
}

/* Adds the children to the waiting nodes and counts in *line those that are cut. */
static int add_children(struct making *making, uint32_t parent, uint32_t depth,
			struct call_line *line)
{
	size_t first = making->n_waiting;
	uint32_t place = 0;

	for (uint32_t child = graph_child(making->graph, parent); child;
	     child = graph_next(making->graph, child)) {
		uint64_t total = total_of(making->graph, child);

		if (total == 0 || (double)total < making->least) {
			line->n_cut += total > 0;
			line->cut += total;
			continue;
		}
		if (array_reserve(making->waiting, making->waiting_size, making->n_waiting + 1) < 0)
			return -ENOMEM;
		making->waiting[making->n_waiting++] =
			(struct waiting_node){child, place++, depth, false};
	}
	line->n_shown = place;
	if (place > 0) {
		qsort_r(making->waiting + first, place, sizeof(*making->waiting), compare_waiting,
			(void *)making->graph);
		making->waiting[first].last = true;
	}
	making->tree.n_cut += line->n_cut;
	making->tree.cut += line->cut;
	return 0;
}

static int add_line(struct making *making)
{
	struct waiting_node next = making->waiting[--making->n_waiting];
	struct call_tree *tree = &making->tree;
	struct call_line *line;

	assert(next.node > 0 && next.node < graph_count(making->graph));
	if (array_reserve(tree->lines, making->lines_size, tree->n_lines + 1) < 0)
		return -ENOMEM;
	line = &tree->lines[tree->n_lines++];
	*line = (struct call_line){.node = next.node, .depth = next.depth, .last = next.last};
	return add_children(making, next.node, next.depth + 1, line);
}

static int add_lines(struct making *making)
{
	int r = add_children(making, 0, 0, &(struct call_line){0});

	if (r < 0)
		return r;
	while (making->n_waiting > 0) {
		r = add_line(making);
		if (r < 0)
			return r;
	}
	return 0;
}

int call_tree_make(const struct graph *graph, double least, struct call_tree *ret)
{
	struct making making = {.graph = graph, .least = least};
	int r = add_lines(&making);

	free(making.waiting);
	if (r < 0) {
		call_tree_done(&making.tree);
		return r;
	}
	*ret = making.tree;
	return 0;
}

void call_tree_done(struct call_tree *tree)
{
	free(tree->lines);
	*tree = (struct call_tree){0};
}
