/* SPDX-License-Identifier: MIT */
/*
 * A flame graph of a call graph: its data (JSON), one HTML file that shows them and needs nothing
 * else, or a picture (SVG). Names are the profiled processes' own choice, and never anything but
 * text there.
 *
 * The data, also what the page of `oxprofctl web` gets:
 *   {"version": 1, "title", "filters", "note": texts or null, "restricted", "without_kernel": bool,
 *    "sides": [{"name", "samples", "hits", "since_usec", "until_usec", "interval_ns",
 *               "observed_usec"}],                       one, or two: the base comes first
 *    "functions": [{"name", "function", "module", "file", "line", "kind"}],
 *    "nodes": {"parent": [], "function": [], "self": [], "total": []
 *              [, "base_self": [], "base_total": []]},   columns, in preorder
 *    "left_out": {"nodes", "threshold"}}
 * samples: of all that was asked about; hits: those in this graph. kind is native, kernel, python
 * or mark: not a function but a word about callers that are missing, as "[cut]". The first node is
 * the root, which is no function (null); a parent is the number of a node, that of the root is
 * null. Of two sides self and total are of the second one. What is unknown is null. Nodes below the
 * threshold (percent of all hits, on either side) are left out, and what is below them; they were
 * counted in their callers' totals all the same.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "client/args/request.h"
#include "client/graph/graph.h"

#define FLAME_THRESHOLD 0.01 /* percent, without --threshold */

struct flame_side {
	const char *name; /* as "session 12"; NULL: none */
	uint64_t samples;
	uint64_t since_usec; /* 0: unknown */
	uint64_t until_usec;
	uint64_t interval_ns; /* time that a hit stands for, in this window; 0: unknown */
	uint64_t observed_usec;
};

/* Texts may be NULL. */
struct flame_about {
	const char *title;
	const char *filters; /* what was asked for, in words */
	const char *note;    /* what else must be known: losses */
	double threshold;    /* percent */
	bool diff;           /* there are two sides */
	bool restricted;
	bool without_kernel;
	struct flame_side sides[N_GRAPH_SIDES];
};

/* Describes the targets and the filters of a request in words, and the session that its answer is
 * about (0: it is not one); "" where there is none of these. Returns a text that the caller frees,
 * or NULL if there is no memory. */
char *flame_describe_filters(const struct request *request, int64_t session);
void flame_set_side(struct flame_side *side, const struct profile_summary *summary);

/* Writes what needs no graph: of HTML (FORMAT_FLAMEGRAPH) all that stands before the data, of
 * FORMAT_SVG and FORMAT_JSON nothing. Returns 0 or -ENOMEM; errors of writing stay in the FILE. */
int flame_begin(const char *title, enum format format, FILE *out);
/* Writes the rest, of a finished graph. Returns as flame_begin() does, and -EINVAL for another
 * format. */
int flame_write(const struct graph *graph, const struct flame_about *about, enum format format,
		FILE *out);
