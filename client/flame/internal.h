/* SPDX-License-Identifier: MIT */
/* What the writers of a flame graph share. */
#pragma once

#include "client/flame/flame.h"

/* What of the graph is shown, in preorder. */
struct flame {
	const struct graph *graph;
	const struct flame_about *about;
	uint32_t *nodes;   /* of the graph */
	uint32_t *parents; /* place in this list; of the root 0 */
	size_t nodes_size;
	size_t parents_size;
	uint32_t n_nodes;
	uint32_t n_left_out;
};

int flame_init(struct flame *flame, const struct graph *graph, const struct flame_about *about);
void flame_done(struct flame *flame);

/* As those of the graph (graph.h), by the place in the list. */
static inline uint32_t flame_function_of(const struct flame *flame, uint32_t i)
{
	return graph_function_of(flame->graph, flame->nodes[i]);
}

static inline uint64_t flame_self(const struct flame *flame, uint32_t i, enum graph_side side)
{
	return graph_self(flame->graph, flame->nodes[i], side);
}

static inline uint64_t flame_total(const struct flame *flame, uint32_t i, enum graph_side side)
{
	return graph_total(flame->graph, flame->nodes[i], side);
}

/* "native", "kernel", "python" or "mark" */
const char *flame_kind(const struct graph_function *function);

/* Each 0 or -ENOMEM; errors of writing stay in the FILE. The data never have <, > or & in them, so
 * that they can stand in a page. */
int flame_write_data(const struct flame *flame, FILE *out);
int flame_begin_page(const char *title, FILE *out);         /* NULL: has none */
int flame_write_page(const struct flame *flame, FILE *out); /* the rest */
int flame_write_picture(const struct flame *flame, FILE *out);
