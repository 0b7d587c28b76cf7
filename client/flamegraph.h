/* SPDX-License-Identifier: MIT */
/* The flame graph of one window: stacks folded as they come (graph.h), drawn at the end (flame.h).
 */
#pragma once

#include <stdio.h>

#include "client/graph.h"
#include "client/request.h"

/* A profile_hit_fn: userdata is the graph. */
int flamegraph_add(void *userdata, const struct profile *profile, const struct profile_hit *hit);
/* With all that the window lacks said in it. The graph is finished. 0, -ENOMEM; errors of writing
 * stay in the FILE. */
int flamegraph_draw(const struct graph *graph, const struct profile_summary *summary,
		    const struct request *request, enum format format, FILE *out);
