/* SPDX-License-Identifier: MIT */
/* What the files of the graph share. */
#pragma once

#include <stdbool.h>

#include "client/graph/names.h"

#define GRAPH_NONE UINT32_MAX /* no function, no node */

/* An empty graph of those functions. NULL: no memory. */
struct graph *graph_new_of(struct graph_names *names);
struct graph_names *graph_names_of(const struct graph *graph);
/* The child of that function, made where there is none. 0 or -ENOMEM. */
int graph_find_child(struct graph *graph, uint32_t parent, uint32_t function, uint32_t *ret);
/* Adds hits of the node's own. 0 or -ENOMEM. */
int graph_count_self(struct graph *graph, uint32_t node, const uint64_t n[static N_GRAPH_SIDES]);
