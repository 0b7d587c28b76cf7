/* SPDX-License-Identifier: MIT */
/* Hits over time, in at most some hundred slots, whatever the time is. */
#pragma once

#include <stdio.h>

#include "client/base/json_tree.h"
#include "client/profile/profile.h"

struct web_timeline;

struct web_timeline *web_timeline_new(void); /* NULL: no memory */
struct web_timeline *web_timeline_free(struct web_timeline *timeline);

/* How long its slots should be, a multiple of a window of the history, for all that these sessions
 * (bus_get_history()) have of the time that is asked about; session 0: all of them. 0: nothing of
 * it was observed. */
uint64_t web_timeline_choose_step(struct json_object *sessions, uint64_t since_usec,
				  uint64_t until_usec, int64_t session, uint64_t now_usec);

/* A profile_hit_fn. 0 or -ENOMEM. */
int web_timeline_add(void *timeline, const struct profile *profile, const struct profile_hit *hit);

/* {"since","until","samples","restricted","start":[],"end":[],"observed_usec":[],"hits":[],
 * "sessions":[{"id","started","ended"}]}: columns, a row for each slot that has hits, by time. They
 * do not overlap, and end with a window of the history, so that a question from a start to an end
 * is about those slots and nothing else. since and until 0: there is nothing. profile NULL: nothing
 * was observed. 0 or -ENOMEM. */
int web_timeline_write(const struct web_timeline *timeline, const struct profile *profile,
		       FILE *out);
