/* SPDX-License-Identifier: MIT */
/*
 * The flame graph of one window: stacks folded as they come (graph.h), drawn at the end (flame.h).
 * The head of an HTML file is written with the first hit: so what cannot be written, or is read by
 * nobody any more, is known before all is counted, and what is refused writes nothing. On standard
 * output a page without an end is left where the answer breaks off, as of all formats; it says what
 * it lacks.
 */
#pragma once

#include <stdio.h>

#include "client/args/request.h"
#include "client/graph/graph.h"

/* A profile_hit_fn: userdata is the graph. */
int flamegraph_add(void *userdata, const struct profile *profile, const struct profile_hit *hit);
/* flame_begin(), then the rest, of a finished graph: with all that the window lacks said in it.
 * Both 0, -ENOMEM; errors of writing stay in the FILE. */
int flamegraph_begin(enum format format, FILE *out);
int flamegraph_draw(const struct graph *graph, const struct profile_summary *summary,
		    const struct request *request, enum format format, FILE *out);
