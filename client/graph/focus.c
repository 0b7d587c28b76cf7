/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "client/graph/internal.h"
#include "daemon/base/cleanup.h"

struct hits {
	uint64_t n[N_GRAPH_SIDES];
};

define_cleanup(struct graph *, graph_free);

static bool has_focus(const struct graph *graph, uint32_t node)
{
	return node && graph_function(graph, graph_function_of(graph, node))->focus;
}

/* Hits of which each node is the innermost one with focus; those of the others are their callers'.
 */
static void gather_hits(const struct graph *graph, struct hits *hits)
{
	for (uint32_t i = graph_count(graph); i-- > 1;) {
		for (int side = 0; side < N_GRAPH_SIDES; side++) {
			hits[i].n[side] += graph_self(graph, i, side);
			if (!has_focus(graph, i))
				hits[graph_parent(graph, i)].n[side] += hits[i].n[side];
		}
	}
}

/* The path from the node to its root, upside down. The hits end where it ends. */
static int add_callers(const struct graph *graph, uint32_t node, const struct hits *hits,
		       struct graph *callers)
{
	uint32_t at = 0;
	int r = 0;

	for (; node && r >= 0; node = graph_parent(graph, node))
		r = graph_find_child(callers, at, graph_function_of(graph, node), &at);
	return r < 0 ? r : graph_count_self(callers, at, hits->n);
}

int graph_new_callers(const struct graph *graph, struct graph **ret)
{
	_cleanup_(graph_free_p) struct graph *callers = graph_new_of(graph_names_of(graph));
	_cleanup_free_ struct hits *hits = calloc(graph_count(graph), sizeof(*hits));
	int r = callers && hits ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	gather_hits(graph, hits);
	for (uint32_t i = 1; i < graph_count(graph) && r >= 0; i++)
		if (has_focus(graph, i) && (hits[i].n[GRAPH_BASE] || hits[i].n[GRAPH_WITH]))
			r = add_callers(graph, i, hits + i, callers);
	if (r >= 0)
		r = graph_finish(callers);
	if (r >= 0)
		*ret = take_ptr(callers);
	return r;
}

/* Parents come before their children, so the outermost with focus is met first. */
static int add_callee(const struct graph *graph, uint32_t i, uint32_t *copies,
		      struct graph *callees)
{
	uint32_t parent = graph_parent(graph, i);
	struct hits self;
	int r;

	if (!copies[parent] && !has_focus(graph, i))
		return 0;
	for (int side = 0; side < N_GRAPH_SIDES; side++)
		self.n[side] = graph_self(graph, i, side);
	r = graph_find_child(callees, copies[parent], graph_function_of(graph, i), copies + i);
	return r < 0 ? r : graph_count_self(callees, copies[i], self.n);
}

int graph_new_callees(const struct graph *graph, struct graph **ret)
{
	_cleanup_(graph_free_p) struct graph *callees = graph_new_of(graph_names_of(graph));
	_cleanup_free_ uint32_t *copies = calloc(graph_count(graph), sizeof(*copies));
	int r = callees && copies ? 0 : -ENOMEM;

	for (uint32_t i = 1; r >= 0 && i < graph_count(graph); i++)
		r = add_callee(graph, i, copies, callees);
	if (r >= 0)
		r = graph_finish(callees);
	if (r >= 0)
		*ret = take_ptr(callees);
	return r;
}
