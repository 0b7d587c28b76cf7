/* SPDX-License-Identifier: MIT */
/*
 * The functions of a call graph, each once, by a number. Graphs that are made of one another, and
 * tallies that are compared, share the list, so that their functions have the same numbers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/profile/profile.h"

struct graph_function {
	const char *name; /* "function(module)" */
	const char *function;
	const char *module;
	const char *file;
	uint32_t line; /* smallest that was seen; 0: unknown */
	enum frame_kind kind;
	bool focus;
};

struct graph_names;

struct graph_names *graph_names_new(void); /* NULL: no memory */
struct graph_names *graph_names_ref(struct graph_names *names);
struct graph_names *graph_names_unref(struct graph_names *names);

/* The functions that were found already for the names of one profile. Begins as {0}. */
struct graph_memo {
	uint32_t *functions; /* by profile_frame.name, + 1; 0: not seen yet */
	size_t size;
};

void graph_memo_done(struct graph_memo *memo);
/* Finds the number of the frame's function, or adds the function with copies of its texts; keeps
 * the smallest line that was seen. Returns 0 or -ENOMEM. */
int graph_names_find(struct graph_names *names, struct graph_memo *memo,
		     const struct profile *profile, const struct profile_frame *frame,
		     uint32_t *ret);
uint32_t graph_names_count(const struct graph_names *names);
const struct graph_function *graph_names_get(const struct graph_names *names, uint32_t function);
/* Ranks the functions: ret[function] is its place in the order of names. Returns 0 or -ENOMEM. */
int graph_names_rank(const struct graph_names *names, uint32_t *ret);
