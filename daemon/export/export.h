/* SPDX-License-Identifier: MIT */
/*
 * The answer to a query as stacks and their hits: a stream of parts (export.proto), written into
 * a pipe by a thread that has a connection of its own to the database, so that the event loop goes
 * on sampling meanwhile. Knows no bus.
 *
 * The thread takes some 13 bytes for each node that the database has, touched or not by blocks, and
 * 24 for each combination of stack, task and time that is told.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/query/query.h"

struct export;

/* What hits are told apart by, and what the summary says of the profiler. */
struct export_options {
	bool stacks;
	bool tasks;
	bool slots;
	uint64_t step_usec; /* of the slots, a multiple of OX_WINDOW_USEC */
	const char *focus;  /* frames of such a name are marked; NULL: none */
	const char *state;
	uint64_t interval_ns;
};

/* Of the query `filter` here chooses stacks with such a frame; `by`, `sort` and `max` are not
 * asked. All is copied. 0; -EINVAL: a pattern, ret_why says which and why; -ENOMEM. */
int export_new(const char *database, const struct query *query,
	       const struct export_options *options, struct export **ret, char *ret_why,
	       size_t size);
/* Stops it and closes its end of the pipe. That takes up to 0.1 s; where it just searches names or
 * sorts, up to a second. */
struct export *export_free(struct export *export);

/* Begins to write; once. *ret_fd, the reading end, is the caller's. 0 or a negative errno. */
int export_start(struct export *export, int *ret_fd);
/* Becomes readable when it has ended, whichever way; borrowed. */
int export_fd(const struct export *export);
