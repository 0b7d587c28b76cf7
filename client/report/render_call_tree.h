/* SPDX-License-Identifier: MIT */
/*
 * A call tree as text. A function that is called by one other alone stands below it without being
 * indented, so that long chains stay readable; where several are called they are drawn as branches:
 *
 *   TOTAL%   SELF%  HITS  NAME
 *   100.00    0.00    10  main(app)
 *   100.00   10.00    10  work(app)
 *    70.00   70.00     7  ├─inner(app)
 *    20.00    0.00     2  └─outer(app)  + 2 more, 20.00 %
 */
#pragma once

#include <stdio.h>

#include "client/base/screen.h"
#include "client/graph/call_tree.h"

struct call_tree_style {
	uint64_t samples; /* the shares are of these */
	bool callers;     /* from a function to its callers: SELF would be where stacks begin */
	bool utf8;        /* the terminal knows how to draw lines */
};

/* Prints the tree. Returns 0 or -ENOMEM; errors of writing stay in the FILE. */
int render_call_tree(const struct graph *graph, const struct call_tree *tree,
		     const struct call_tree_style *style, const struct screen *screen, FILE *out);
