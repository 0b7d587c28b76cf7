/* SPDX-License-Identifier: MIT */
/* Hits over time, in at most some hundred slots, however long the time is. */
#pragma once

#include <stdio.h>

#include "client/base/json_tree.h"
#include "client/profile/profile.h"

struct web_timeline;

struct web_timeline *web_timeline_new(void); /* NULL: no memory */
struct web_timeline *web_timeline_free(struct web_timeline *timeline);

/* Returns the length of the slots in microseconds, a multiple of a window of the history, for the
 * part of the given time that the sessions of bus_get_history() cover; session 0: all of them.
 * Returns 0 where they cover none of it. */
uint64_t web_timeline_choose_step(struct json_object *sessions, uint64_t since_usec,
				  uint64_t until_usec, int64_t session, uint64_t now_usec);

/* Adds a hit; a profile_hit_fn. Returns 0 or -ENOMEM. */
int web_timeline_add(void *timeline, const struct profile *profile, const struct profile_hit *hit);

/*
 * Writes {"since","until","samples","restricted","start":[],"end":[],"observed_usec":[],"hits":[],
 * "sessions":[{"id","started","ended"}]}. The arrays are columns with a row for each slot that has
 * hits, by time. Slots do not overlap, and end with a window of the history, so that a query from a
 * start to an end covers exactly the slots between them. profile NULL: nothing was observed, and
 * then since and until are 0. Returns 0 or -ENOMEM.
 */
int web_timeline_write(const struct web_timeline *timeline, const struct profile *profile,
		       FILE *out);
