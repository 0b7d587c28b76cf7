/* SPDX-License-Identifier: MIT */
/*
 * Nodes lie in one array, parents before their children, so that no path needs recursion: sums go
 * from the end of the array to its beginning. There are millions of nodes, so what only one side,
 * or one phase, needs has an array of its own. A node costs 8 bytes and 8 for each side that has
 * hits; while the graph grows also 6 to 11 for its slots in the hash table and 4 in the memo; in a
 * finished graph 8 for its links instead.
 */
#include "client/graph/graph.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "client/graph/names.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

#define SLOTS_MIN  2048
#define GRAPH_NONE UINT32_MAX /* no function */

struct graph_node {
	uint32_t parent;
	uint32_t function;
};

struct graph_links {
	uint32_t child;
	uint32_t next;
};

/* Hits by node: its own while the graph grows, with those of all nodes below once it is
 * finished. */
struct graph_hits {
	uint64_t *n; /* NULL: the side has none */
	size_t size;
	uint32_t n_nodes; /* the nodes that n has numbers for */
};

/* The nodes and functions found already for the profile of a side, by the numbers of the
 * profile. */
struct graph_side_memo {
	uint32_t *nodes; /* 0: not seen yet */
	size_t nodes_size;
	size_t n_nodes;
	struct graph_memo functions;
};

struct graph {
	struct graph_names *names;
	struct graph_node *nodes;
	size_t nodes_size;
	uint32_t n_nodes;
	struct graph_hits hits[N_GRAPH_SIDES];
	struct graph_links *links; /* by node; NULL until the graph is finished */
	uint32_t *slots;           /* node by hash of (parent, function); 0 is free */
	uint32_t n_slots;
	struct graph_side_memo memos[N_GRAPH_SIDES];
	uint32_t *path; /* of a stack, from its leaf; for graph_add() */
	size_t path_size;
};

define_cleanup(struct graph *, graph_free);
define_cleanup(struct graph_names *, graph_names_unref);

/* Makes an empty graph that shares the functions. Returns NULL if there is no memory. */
static struct graph *graph_new_of(struct graph_names *names)
{
	_cleanup_(graph_free_p) struct graph *graph = calloc(1, sizeof(*graph));

	if (!graph)
		return NULL;
	graph->names = graph_names_ref(names);
	graph->n_slots = SLOTS_MIN;
	graph->slots = calloc(graph->n_slots, sizeof(*graph->slots));
	if (!graph->slots || array_extend(graph->nodes, graph->nodes_size, 0, 1) < 0)
		return NULL;
	graph->nodes[0].function = GRAPH_NONE;
	graph->n_nodes = 1;
	return take_ptr(graph);
}

struct graph *graph_new(void)
{
	_cleanup_(graph_names_unref_p) struct graph_names *names = graph_names_new();

	return names ? graph_new_of(names) : NULL;
}

/* Frees what only a growing graph needs. */
static void graph_drop_unfit(struct graph *graph)
{
	for (int side = 0; side < N_GRAPH_SIDES; side++) {
		free(graph->memos[side].nodes);
		graph_memo_done(&graph->memos[side].functions);
		graph->memos[side] = (struct graph_side_memo){0};
	}
	free(graph->slots);
	free(graph->path);
	graph->slots = graph->path = NULL;
	graph->n_slots = 0;
	graph->path_size = 0;
}

struct graph *graph_free(struct graph *graph)
{
	if (graph) {
		graph_drop_unfit(graph);
		graph_names_unref(graph->names);
		for (int side = 0; side < N_GRAPH_SIDES; side++)
			free(graph->hits[side].n);
		free(graph->nodes);
		free(graph->links);
		free(graph);
	}
	return NULL;
}

/* Finds the slot of a node, or the free slot for it. Both numbers are dense and given by this
 * program, so a profiled process cannot aim at collisions but by making functions. */
static uint32_t *find_slot(const struct graph *graph, uint32_t parent, uint32_t function)
{
	uint64_t hash = ((uint64_t)parent << 32 | function) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t mask = graph->n_slots - 1, at = (uint32_t)(hash >> 32) & mask;

	for (;; at = (at + 1) & mask) {
		const struct graph_node *node = graph->nodes + graph->slots[at];

		if (!graph->slots[at] || (node->parent == parent && node->function == function))
			return graph->slots + at;
	}
}

/* Doubles the slots. The old ones are freed first: both together would be the most memory that a
 * graph ever takes. */
static int grow_slots(struct graph *graph)
{
	uint32_t n = graph->n_slots * 2;

	/* find_slot() masks the hash. */
	assert((graph->n_slots & (graph->n_slots - 1)) == 0);
	if (n <= graph->n_slots)
		return -ENOMEM;
	free(take_ptr(graph->slots));
	graph->slots = calloc(n, sizeof(*graph->slots));
	if (!graph->slots)
		return -ENOMEM;
	graph->n_slots = n;
	for (uint32_t i = 1; i < graph->n_nodes; i++)
		*find_slot(graph, graph->nodes[i].parent, graph->nodes[i].function) = i;
	return 0;
}

static int make_room(struct graph *graph)
{
	int r = array_extend(graph->nodes, graph->nodes_size, graph->n_nodes,
			     (size_t)graph->n_nodes + 1);

	if (r < 0)
		return r;
	return graph->n_nodes >= graph->n_slots / 4 * 3 ? grow_slots(graph) : 0;
}

/* Finds the child of that function, and makes it where there is none. Returns 0 or -ENOMEM. */
static int find_child(struct graph *graph, uint32_t parent, uint32_t function, uint32_t *ret)
{
	uint32_t *slot;
	int r = make_room(graph);

	assert(parent < graph->n_nodes && function != GRAPH_NONE);
	if (r < 0)
		return r;
	slot = find_slot(graph, parent, function);
	if (!*slot) {
		*slot = graph->n_nodes++;
		graph->nodes[*slot] = (struct graph_node){parent, function};
	}
	*ret = *slot;
	return 0;
}

/* Puts the part of the stack that was not seen before on the path; *ret_known is the node above
 * that part. */
static int find_path(struct graph *graph, const struct graph_side_memo *memo,
		     const struct profile *profile, uint32_t node, size_t *ret_n,
		     uint32_t *ret_known)
{
	size_t n = 0;

	for (; node && !memo->nodes[node]; node = profile_parent(profile, node)) {
		if (array_reserve(graph->path, graph->path_size, n + 1) < 0)
			return -ENOMEM;
		graph->path[n++] = node;
	}
	*ret_n = n;
	*ret_known = node ? memo->nodes[node] : 0;
	return 0;
}

static int find_node(struct graph *graph, struct graph_side_memo *memo,
		     const struct profile *profile, uint32_t node, uint32_t *ret)
{
	uint32_t at = 0, function;
	size_t n;
	int r = find_path(graph, memo, profile, node, &n, &at);

	if (r < 0)
		return r;
	while (n-- > 0) {
		uint32_t frame = profile_frame_of(profile, graph->path[n]);

		r = graph_names_find(graph->names, &memo->functions, profile,
				     profile_frame(profile, frame), &function);
		if (r < 0)
			return r;
		r = find_child(graph, at, function, &at);
		if (r < 0)
			return r;
		memo->nodes[graph->path[n]] = at;
	}
	*ret = at;
	return 0;
}

static int fit_memo(struct graph_side_memo *memo, size_t n)
{
	int r = array_extend(memo->nodes, memo->nodes_size, memo->n_nodes, n);

	if (r < 0)
		return r;
	if (n > memo->n_nodes)
		memo->n_nodes = n;
	return 0;
}

static int fit_hits(struct graph_hits *hits, uint32_t n)
{
	int r = array_extend(hits->n, hits->size, hits->n_nodes, n);

	if (r < 0)
		return r;
	hits->n_nodes = n;
	return 0;
}

static int count_hits(struct graph *graph, int side, uint32_t node, uint64_t n)
{
	struct graph_hits *hits = graph->hits + side;
	int r = fit_hits(hits, graph->n_nodes);

	assert(node < graph->n_nodes);
	if (r < 0)
		return r;
	hits->n[node] += n;
	return 0;
}

int graph_add(struct graph *graph, enum graph_side side, const struct profile *profile,
	      uint32_t node, uint64_t n)
{
	struct graph_side_memo *memo = graph->memos + side;
	uint32_t at;
	int r = fit_memo(memo, (size_t)node + 1);

	assert(!graph->links && side < N_GRAPH_SIDES);
	if (r < 0)
		return r;
	r = find_node(graph, memo, profile, node, &at);
	return r < 0 ? r : count_hits(graph, side, at, n);
}

/* ---- finishing ---- */

static int sum_totals(struct graph *graph, struct graph_hits *hits)
{
	int r = hits->n ? fit_hits(hits, graph->n_nodes) : 0;

	if (r < 0)
		return r;
	for (uint32_t i = hits->n_nodes; i-- > 1;)
		hits->n[graph->nodes[i].parent] += hits->n[i];
	return 0;
}

/* Sorts all nodes but the root by the rank of their function: by counting, for there are many. */
static int sort_nodes(struct graph *graph, const uint32_t *rank, uint32_t *ret_order)
{
	uint32_t n_ranks = graph_names_count(graph->names);
	_cleanup_free_ uint32_t *first = calloc((size_t)n_ranks + 1, sizeof(*first));

	if (!first)
		return -ENOMEM;
	for (uint32_t i = 1; i < graph->n_nodes; i++)
		first[rank[graph->nodes[i].function] + 1]++;
	for (uint32_t i = 0; i < n_ranks; i++)
		first[i + 1] += first[i];
	for (uint32_t i = 1; i < graph->n_nodes; i++)
		ret_order[first[rank[graph->nodes[i].function]]++] = i;
	return 0;
}

/* Links the nodes, given in the order of ranks, from the last one on: each becomes the first child
 * of its parent. */
static void link_children(struct graph *graph, const uint32_t *order)
{
	for (uint32_t i = graph->n_nodes - 1; i-- > 0;) {
		uint32_t *child = &graph->links[graph->nodes[order[i]].parent].child;

		graph->links[order[i]].next = *child;
		*child = order[i];
	}
}

static int link_nodes(struct graph *graph)
{
	_cleanup_free_ uint32_t *rank =
		calloc((size_t)graph_names_count(graph->names) + 1, sizeof(*rank));
	_cleanup_free_ uint32_t *order = malloc((size_t)graph->n_nodes * sizeof(*order));
	int r;

	graph->links = calloc(graph->n_nodes, sizeof(*graph->links));
	if (!rank || !order || !graph->links)
		return -ENOMEM;
	r = graph_names_rank(graph->names, rank);
	if (r < 0)
		return r;
	r = sort_nodes(graph, rank, order);
	if (r < 0)
		return r;
	link_children(graph, order);
	return 0;
}

int graph_finish(struct graph *graph)
{
	assert(!graph->links);
	graph_drop_unfit(graph);
	for (int side = 0; side < N_GRAPH_SIDES; side++) {
		int r = sum_totals(graph, graph->hits + side);

		if (r < 0)
			return r;
	}
	return link_nodes(graph);
}

/* ---- access ---- */

uint32_t graph_count(const struct graph *graph)
{
	return graph->n_nodes;
}

uint32_t graph_parent(const struct graph *graph, uint32_t node)
{
	assert(node < graph->n_nodes);
	return graph->nodes[node].parent;
}

uint32_t graph_function_of(const struct graph *graph, uint32_t node)
{
	assert(node < graph->n_nodes);
	return graph->nodes[node].function;
}

uint32_t graph_child(const struct graph *graph, uint32_t node)
{
	assert(graph->links && node < graph->n_nodes);
	return graph->links[node].child;
}

uint32_t graph_next(const struct graph *graph, uint32_t node)
{
	assert(graph->links && node < graph->n_nodes);
	return graph->links[node].next;
}

uint64_t graph_total(const struct graph *graph, uint32_t node, enum graph_side side)
{
	const struct graph_hits *hits = graph->hits + side;

	assert(side < N_GRAPH_SIDES);
	assert(!hits->n || node < hits->n_nodes);
	return hits->n ? hits->n[node] : 0;
}

uint64_t graph_self(const struct graph *graph, uint32_t node, enum graph_side side)
{
	uint64_t self = graph_total(graph, node, side);

	for (uint32_t i = graph_child(graph, node); i; i = graph_next(graph, i))
		self -= graph_total(graph, i, side);
	return self;
}

uint32_t graph_count_functions(const struct graph *graph)
{
	return graph_names_count(graph->names);
}

const struct graph_function *graph_function(const struct graph *graph, uint32_t function)
{
	return graph_names_get(graph->names, function);
}

/* ---- callers and callees of functions that have focus ---- */

struct focus_hits {
	uint64_t n[N_GRAPH_SIDES];
};

static bool has_focus(const struct graph *graph, uint32_t node)
{
	return node && graph_function(graph, graph_function_of(graph, node))->focus;
}

/* Gathers for each node that has focus the hits of which it is the innermost such node; the other
 * nodes pass their hits on to their callers. */
static void gather_hits(const struct graph *graph, struct focus_hits *hits)
{
	for (uint32_t i = graph_count(graph); i-- > 1;) {
		for (int side = 0; side < N_GRAPH_SIDES; side++) {
			hits[i].n[side] += graph_self(graph, i, side);
			if (!has_focus(graph, i))
				hits[graph_parent(graph, i)].n[side] += hits[i].n[side];
		}
	}
}

/* Adds to a node's own hits. Returns 0 or -ENOMEM. */
static int count_self(struct graph *graph, uint32_t node, const uint64_t n[static N_GRAPH_SIDES])
{
	for (int side = 0; side < N_GRAPH_SIDES; side++) {
		int r = n[side] ? count_hits(graph, side, node, n[side]) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* Adds the path from the node to its root, the other way round; the hits are those of its last
 * node. Returns 0 or -ENOMEM. */
static int add_callers(const struct graph *graph, uint32_t node, const struct focus_hits *hits,
		       struct graph *callers)
{
	uint32_t at = 0;

	for (; node; node = graph_parent(graph, node)) {
		int r = find_child(callers, at, graph_function_of(graph, node), &at);

		if (r < 0)
			return r;
	}
	return count_self(callers, at, hits->n);
}

int graph_new_callers(const struct graph *graph, struct graph **ret)
{
	_cleanup_(graph_free_p) struct graph *callers = graph_new_of(graph->names);
	_cleanup_free_ struct focus_hits *hits = calloc(graph_count(graph), sizeof(*hits));
	int r;

	if (!callers || !hits)
		return -ENOMEM;
	gather_hits(graph, hits);
	for (uint32_t i = 1; i < graph_count(graph); i++) {
		if (!has_focus(graph, i) || (!hits[i].n[GRAPH_BASE] && !hits[i].n[GRAPH_WITH]))
			continue;
		r = add_callers(graph, i, hits + i, callers);
		if (r < 0)
			return r;
	}
	r = graph_finish(callers);
	if (r < 0)
		return r;
	*ret = take_ptr(callers);
	return 0;
}

/* Copies the node where it or one above it has focus. Parents come before their children, so the
 * outermost node that has focus is met first. Returns 0 or -ENOMEM. */
static int add_callee(const struct graph *graph, uint32_t i, uint32_t *copies,
		      struct graph *callees)
{
	uint32_t parent = graph_parent(graph, i);
	struct focus_hits self;
	int r;

	if (!copies[parent] && !has_focus(graph, i))
		return 0;
	for (int side = 0; side < N_GRAPH_SIDES; side++)
		self.n[side] = graph_self(graph, i, side);
	r = find_child(callees, copies[parent], graph_function_of(graph, i), copies + i);
	return r < 0 ? r : count_self(callees, copies[i], self.n);
}

int graph_new_callees(const struct graph *graph, struct graph **ret)
{
	_cleanup_(graph_free_p) struct graph *callees = graph_new_of(graph->names);
	_cleanup_free_ uint32_t *copies = calloc(graph_count(graph), sizeof(*copies));
	int r;

	if (!callees || !copies)
		return -ENOMEM;
	for (uint32_t i = 1; i < graph_count(graph); i++) {
		r = add_callee(graph, i, copies, callees);
		if (r < 0)
			return r;
	}
	r = graph_finish(callees);
	if (r < 0)
		return r;
	*ret = take_ptr(callees);
	return 0;
}
