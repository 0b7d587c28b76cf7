/* SPDX-License-Identifier: MIT */
/*
 * The sessions of a range, and the time in which they sampled, cut into slots. Slots are numbered
 * from 1, by session and time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "db/store.h"

struct export_slots;

struct export_session {
	int64_t id;
	uint64_t started_usec;
	uint64_t ended_usec; /* 0: the session still runs */
	uint64_t interval_ns;
	uint64_t observed_usec; /* of the session's windows in the range, up to its end or to now */
	uint64_t end_usec;      /* ended_usec, or now while the session runs */
	uint64_t first;         /* first window in the range */
	uint64_t last;          /* the window after the last one in the range */
	uint64_t base;          /* number of the slot before the session's first one */
	uint64_t samples;       /* of the whole session */
};

/* Reads the sessions. windows: of a slot, at least 1. only_uid: see store_foreach_session().
 * Returns 0, the store's error, or -EOVERFLOW if there are more slots than can be numbered. */
int export_slots_new(struct store *store, const struct store_range *range, uint32_t only_uid,
		     uint64_t windows, uint64_t now_usec, struct export_slots **ret);
struct export_slots *export_slots_free(struct export_slots *slots);

/* Returns the sessions, the oldest one first. Borrowed. */
const struct export_session *export_slots_sessions(const struct export_slots *slots, size_t *ret_n);
uint32_t export_slots_count(const struct export_slots *slots);
/* Returns the number of a slot of store_foreach_slot_hits(), or 0 if its session is not one of the
 * range. */
uint32_t export_slots_find(struct export_slots *slots, int64_t session, uint64_t slot);
/* Gets the part of a slot that lies in the range and was observed. */
void export_slots_get(const struct export_slots *slots, uint32_t number, uint64_t *ret_start_usec,
		      uint64_t *ret_usec);
