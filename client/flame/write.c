/* SPDX-License-Identifier: MIT */
/* From a call graph to the list of the nodes that are shown, and to one of the writers. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "client/flame/internal.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

struct walk {
	struct flame *flame;
	double least[N_GRAPH_SIDES]; /* hits */
	uint32_t *path;              /* places of the callers in the list, by depth */
	size_t path_size;
	uint32_t depth;
};

static bool is_shown(const struct walk *walk, uint32_t node)
{
	for (int side = 0; side < N_GRAPH_SIDES; side++) {
		uint64_t total = graph_total(walk->flame->graph, node, side);

		if (total > 0 && (double)total >= walk->least[side])
			return true;
	}
	return false;
}

static int show(struct walk *walk, uint32_t node)
{
	struct flame *flame = walk->flame;
	uint32_t at = flame->n_nodes;

	/* The root comes first, and callers before their callees. */
	assert(walk->depth == 0 ? at == 0 : walk->depth <= walk->path_size);
	if (array_extend(flame->nodes, flame->nodes_size, at, (size_t)at + 1) < 0 ||
	    array_extend(flame->parents, flame->parents_size, at, (size_t)at + 1) < 0 ||
	    array_reserve(walk->path, walk->path_size, walk->depth + 1) < 0)
		return -ENOMEM;
	flame->nodes[at] = node;
	flame->parents[at] = walk->depth ? walk->path[walk->depth - 1] : 0;
	walk->path[walk->depth] = at;
	flame->n_nodes++;
	return 0;
}

/* Leaves the subtree of the node. Returns the next node, or 0 where there is none. */
static uint32_t leave(struct walk *walk, uint32_t node)
{
	const struct graph *graph = walk->flame->graph;

	while (node && !graph_next(graph, node)) {
		assert(walk->depth > 0);
		node = graph_parent(graph, node);
		walk->depth--;
	}
	return node ? graph_next(graph, node) : 0;
}

static int walk_graph(struct walk *walk)
{
	const struct graph *graph = walk->flame->graph;
	uint32_t node = graph_child(graph, 0);
	int r = show(walk, 0);

	if (r < 0)
		return r;
	for (walk->depth = 1; node;) {
		bool shown = is_shown(walk, node);

		r = shown ? show(walk, node) : 0;
		if (r < 0)
			return r;
		if (shown && graph_child(graph, node)) {
			node = graph_child(graph, node);
			walk->depth++;
		} else {
			node = leave(walk, node);
		}
	}
	return 0;
}

static void flame_done(struct flame *flame)
{
	free(flame->nodes);
	free(flame->parents);
	flame->nodes = flame->parents = NULL;
}

static int flame_init(struct flame *flame, const struct graph *graph,
		      const struct flame_about *about)
{
	struct walk walk = {.flame = flame};
	int r;

	*flame = (struct flame){.graph = graph, .about = about};
	for (int side = 0; side < N_GRAPH_SIDES; side++)
		walk.least[side] = about->threshold / 100 * (double)graph_total(graph, 0, side);
	r = walk_graph(&walk);
	free(walk.path);
	if (r < 0) {
		flame_done(flame);
		return r;
	}
	flame->n_left_out = graph_count(graph) - flame->n_nodes;
	return 0;
}

int flame_begin(const char *title, enum format format, FILE *out)
{
	return format == FORMAT_FLAMEGRAPH ? flame_begin_page(title, out) : 0;
}

int flame_write(const struct graph *graph, const struct flame_about *about, enum format format,
		FILE *out)
{
	static int (*const writers[N_FORMATS])(const struct flame *flame, FILE *out) = {
		[FORMAT_JSON] = flame_write_data,
		[FORMAT_FLAMEGRAPH] = flame_write_page,
		[FORMAT_SVG] = flame_write_picture,
	};
	struct flame flame;
	int r;

	assert(format < N_FORMATS);
	if (!writers[format])
		return -EINVAL;
	r = flame_init(&flame, graph, about);
	if (r < 0)
		return r;
	r = writers[format](&flame, out);
	flame_done(&flame);
	return r;
}
