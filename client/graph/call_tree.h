/* SPDX-License-Identifier: MIT */
/*
 * A call graph as a list of lines, callers before callees. Children come by total, most first;
 * those with too few hits are cut, and counted at their caller.
 */
#pragma once

#include "client/graph/graph.h"

struct call_line {
	uint32_t node;
	uint32_t depth;   /* roots have 0 */
	uint32_t n_shown; /* children that have a line */
	uint32_t n_cut;   /* children that have none */
	uint64_t cut;     /* their hits */
	bool last;        /* no sibling has a line behind it */
};

struct call_tree {
	struct call_line *lines;
	size_t n_lines;
	uint32_t n_cut; /* of all lines and of the roots; nodes below those are not counted */
	uint64_t cut;
};

/* Lists the base side of a finished graph; nodes with fewer hits than `least` have no line. Returns
 * 0 or -ENOMEM. */
int call_tree_make(const struct graph *graph, double least, struct call_tree *ret);
void call_tree_done(struct call_tree *tree);
