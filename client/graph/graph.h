/* SPDX-License-Identifier: MIT */
/*
 * A call graph: stacks folded into one tree in which the children of a node are different functions
 * (lines and addresses are not told apart), with hits of one or two profiles. Flame graphs, the
 * tree and the differential flame graphs are made of it.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "client/graph/names.h"
#include "client/profile/profile.h"

enum graph_side { GRAPH_BASE, GRAPH_WITH, N_GRAPH_SIDES }; /* one profile alone is the base */

struct graph;

struct graph *graph_new(void); /* NULL: no memory */
struct graph *graph_free(struct graph *graph);

/* Adds hits to the stack of a node of that profile, from root to leaf; hits of node 0, no stack,
 * are the root's own. All hits of one side come from one profile, which may be freed afterwards:
 * the graph has copies. Returns 0 or -ENOMEM. */
int graph_add(struct graph *graph, enum graph_side side, const struct profile *profile,
	      uint32_t node, uint64_t n);
/* Sums up the totals and sorts siblings by name. Nothing may be added afterwards. Returns 0 or
 * -ENOMEM. */
int graph_finish(struct graph *graph);

uint32_t graph_count(const struct graph *graph); /* nodes, the root among them */
/* Returns the parent; 0 is the root of all. */
uint32_t graph_parent(const struct graph *graph, uint32_t node);
/* Returns the function of a node; UINT32_MAX for the root of all, which is no function. */
uint32_t graph_function_of(const struct graph *graph, uint32_t node);
/* Returns the first child, or 0. Siblings are in the order of their names. This and what follows
 * need a finished graph. */
uint32_t graph_child(const struct graph *graph, uint32_t node);
uint32_t graph_next(const struct graph *graph, uint32_t node);
uint64_t graph_total(const struct graph *graph, uint32_t node, enum graph_side side);
/* Returns the total less the totals of all children, through which it goes. */
uint64_t graph_self(const struct graph *graph, uint32_t node, enum graph_side side);
uint32_t graph_count_functions(const struct graph *graph);
const struct graph_function *graph_function(const struct graph *graph, uint32_t function);
/*
 * Makes a new, finished graph of the callers of the functions that have focus: from each such
 * function towards its root, where its hits end and are self; or of their callees. A hit is counted
 * once, however many of its frames have focus: at the outermost (callers: the innermost) of them.
 * Functions keep their numbers. The given graph is finished. Returns 0 or -ENOMEM.
 */
int graph_new_callers(const struct graph *graph, struct graph **ret);
int graph_new_callees(const struct graph *graph, struct graph **ret);
