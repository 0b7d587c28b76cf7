/* SPDX-License-Identifier: MIT */
/* The nodes of a flame graph, for those who write it. */
#pragma once

#include <assert.h>

#include "client/flame/flame.h"

/* The nodes of a graph that are shown, in preorder. */
struct flame {
	const struct graph *graph;
	const struct flame_about *about;
	uint32_t *nodes;   /* of the graph */
	uint32_t *parents; /* places in this list; the root's is 0 */
	size_t nodes_size;
	size_t parents_size;
	uint32_t n_nodes;
	uint32_t n_left_out;
};

/* Returns the function of the node at a place of the list, as graph_function_of() does. */
static inline uint32_t flame_function_of(const struct flame *flame, uint32_t i)
{
	assert(i < flame->n_nodes);
	return graph_function_of(flame->graph, flame->nodes[i]);
}

static inline uint64_t flame_self(const struct flame *flame, uint32_t i, enum graph_side side)
{
	assert(i < flame->n_nodes);
	return graph_self(flame->graph, flame->nodes[i], side);
}

static inline uint64_t flame_total(const struct flame *flame, uint32_t i, enum graph_side side)
{
	assert(i < flame->n_nodes);
	return graph_total(flame->graph, flame->nodes[i], side);
}

/* Returns "native", "kernel", "python" or "mark". */
const char *flame_kind(const struct graph_function *function);

/* Writes the data without <, > and &, so that they can stand in a page. This and the functions
 * below return 0 or -ENOMEM; errors of writing stay in the FILE. */
int flame_write_data(const struct flame *flame, FILE *out);
int flame_begin_page(const char *title, FILE *out);         /* title NULL: none */
int flame_write_page(const struct flame *flame, FILE *out); /* the rest */
int flame_write_picture(const struct flame *flame, FILE *out);
