/* SPDX-License-Identifier: MIT */
/*
 * A call graph as people look at it: stacks folded into one tree in which the children of a node
 * are different functions (lines and addresses told apart no more), with hits of one or two
 * profiles. Flame graphs, the tree and the differential ones are made of it.
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

/* Adds hits of a stack of that profile (whole, from root to leaf; node 0, no stack: they are the
 * root's own). All hits of one side come from
 * one profile, which may be freed afterwards: what is needed is copied. 0 or -ENOMEM. */
int graph_add(struct graph *graph, enum graph_side side, const struct profile *profile,
	      uint32_t node, uint64_t n);
/* Sums up the totals and sorts siblings by name. Nothing may be added after it. 0 or -ENOMEM. */
int graph_finish(struct graph *graph);

uint32_t graph_count(const struct graph *graph); /* nodes, the root among them */
/* 0: the root of all, which is node 0 and no function: UINT32_MAX. */
uint32_t graph_parent(const struct graph *graph, uint32_t node);
uint32_t graph_function_of(const struct graph *graph, uint32_t node);
/* The rest is known after graph_finish(). The first child, and the next sibling: by name; 0: none.
 */
uint32_t graph_child(const struct graph *graph, uint32_t node);
uint32_t graph_next(const struct graph *graph, uint32_t node);
uint64_t graph_total(const struct graph *graph, uint32_t node, enum graph_side side);
/* The total less those of all children, which it goes through. */
uint64_t graph_self(const struct graph *graph, uint32_t node, enum graph_side side);
uint32_t graph_count_functions(const struct graph *graph);
const struct graph_function *graph_function(const struct graph *graph, uint32_t function);
/* A new graph, finished, of the callers of what has focus: from each such function towards its
 * root, where its hits end and are self; or of its callees. A hit is counted once, however many of
 * its frames have focus: at the outermost (callers: the innermost) of them. The functions have the
 * same numbers. Both are of a finished graph. 0, -ENOMEM. */
int graph_new_callers(const struct graph *graph, struct graph **ret);
int graph_new_callees(const struct graph *graph, struct graph **ret);
