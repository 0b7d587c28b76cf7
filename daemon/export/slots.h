/* SPDX-License-Identifier: MIT */
/*
 * The sessions of a range, and the time in which they sampled, cut into the slots of
 * store_foreach_slot_hits(). Where sessions ran side by side, their time counts once. Slots are
 * numbered from 1, in the order in which they are found.
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
	uint64_t observed_usec; /* of it in the windows of the range, up to its end or to now */
	uint64_t end_usec;      /* ended_usec, or now while the session runs */
	uint64_t samples;       /* of the whole session */
};

/* Reads the sessions of store_foreach_session(). windows: of a slot, at least 1. Returns 0, -ENOMEM
 * or the store's error. */
int export_slots_new(struct store *store, const struct store_range *range, uint64_t windows,
		     uint64_t now_usec, struct export_slots **ret);
struct export_slots *export_slots_free(struct export_slots *slots);

/* Returns the sessions, the oldest one first. Borrowed. */
const struct export_session *export_slots_sessions(const struct export_slots *slots, size_t *ret_n);
/* Returns how long at least one of the sessions sampled in the range. */
uint64_t export_slots_observed_usec(const struct export_slots *slots);
/* Finds the number of a slot of store_foreach_slot_hits(). Returns 0 or -ENOMEM. */
int export_slots_find(struct export_slots *slots, uint64_t slot, uint32_t *ret_number);
uint32_t export_slots_count(const struct export_slots *slots);
/* Gets the part of a slot that lies in the range, from the first time that was observed to the
 * last, and how much of it was. A slot outside of all sessions (the clock was set while one ran, or
 * the rows are another user's session's) counts as observed from end to end. */
void export_slots_get(const struct export_slots *slots, uint32_t number, uint64_t *ret_start_usec,
		      uint64_t *ret_end_usec, uint64_t *ret_usec);
