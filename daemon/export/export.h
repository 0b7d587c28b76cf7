/* SPDX-License-Identifier: MIT */
/*
 * The result of a query as stacks and their hits: a stream of parts (export.proto), written into
 * a pipe by a thread that has a connection of its own to the database, so that the event loop goes
 * on sampling meanwhile. Nothing of the bus is known here.
 *
 * The thread takes some 13 bytes for each node of the database, in blocks of which only those that
 * are used take memory, and 24 for each combination of stack, task and time that is sent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/query/query.h"

struct export;

/* The columns by which hits are divided, and the profiler's state for the summary. */
struct export_options {
	bool stacks;
	bool tasks;
	bool slots;
	uint64_t step_usec; /* of the slots, a multiple of OX_WINDOW_USEC */
	const char *focus;  /* pattern: frames with such a name are marked; NULL: none */
	const char *state;  /* "paused" or "running" */
	uint64_t interval_ns;
};

/* Makes an export that is not started. The query's `filter` chooses the stacks that have such a
 * frame; its `by`, `sort` and `max` are ignored. All arguments are copied. Returns 0, -ENOMEM, or
 * -EINVAL if a pattern is wrong: ret_why says which and why. */
int export_new(const char *database, const struct query *query,
	       const struct export_options *options, struct export **ret, char *ret_why,
	       size_t size);
/* Stops the thread and closes the writing end of the pipe. This takes up to 0.1 s, or up to a
 * second while the thread searches names or sorts. */
struct export *export_free(struct export *export);

/* Starts the thread; may be called once. *ret_fd, the reading end, is the caller's to close.
 * Returns 0 or a negative errno. */
int export_start(struct export *export, int *ret_fd);
/* Returns a descriptor that becomes readable when the thread has ended, with or without success.
 * Borrowed. */
int export_fd(const struct export *export);
