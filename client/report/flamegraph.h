/* SPDX-License-Identifier: MIT */
/*
 * The flame graph of one window: stacks are folded as they come (graph.h) and drawn at the end
 * (flame.h). The head of an HTML file is written with the first hit, so that an output that cannot
 * be written, or that nobody reads on from, is found before all is counted, and a refused request
 * writes nothing. Where the answer breaks off, a page without an end is left on standard output, as
 * with all formats; the page says that its data are missing.
 */
#pragma once

#include <stdio.h>

#include "client/args/request.h"
#include "client/graph/graph.h"

/* Adds a hit to the graph: a profile_hit_fn whose userdata is the graph. */
int flamegraph_add(void *userdata, const struct profile *profile, const struct profile_hit *hit);
/* Writes what needs no graph, as flame_begin() does. This and the next function return 0 or
 * -ENOMEM; errors of writing stay in the FILE. */
int flamegraph_begin(enum format format, FILE *out);
int flamegraph_draw(const struct graph *graph, const struct profile_summary *summary,
		    const struct request *request, enum format format, FILE *out);
