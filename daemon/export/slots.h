/* SPDX-License-Identifier: MIT */
/*
 * The sessions of a range and the time of them that was observed, cut into slots. Slots are
 * numbered from 1, by session and time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "db/store.h"

struct export_slots;

struct export_session {
	int64_t id;
	uint64_t started_usec;
	uint64_t ended_usec; /* 0: it runs */
	uint64_t interval_ns;
	uint64_t observed_usec; /* of its windows in the range, up to its end or to now */
	/* The rest is for the slots. */
	uint64_t end_usec; /* ended, or now */
	uint64_t first;    /* window; and the one behind the last */
	uint64_t last;
	uint64_t base; /* number of the slot before its first one */
	uint64_t samples;
};

/* windows: in a slot. only_uid as of store_foreach_session(). 0, the store's error, -EOVERFLOW: so
 * many slots cannot be numbered. */
int export_slots_new(struct store *store, const struct store_range *range, uint32_t only_uid,
		     uint64_t windows, uint64_t now_usec, struct export_slots **ret);
struct export_slots *export_slots_free(struct export_slots *slots);

/* Oldest first; borrowed. */
const struct export_session *export_slots_sessions(const struct export_slots *slots, size_t *ret_n);
uint32_t export_slots_count(const struct export_slots *slots);
/* The number of a slot of store_foreach_slot_hits(); 0: of a session that is not among them. */
uint32_t export_slots_find(struct export_slots *slots, int64_t session, uint64_t slot);
/* What of it lies in the range and was observed. */
void export_slots_get(const struct export_slots *slots, uint32_t number, uint64_t *ret_start_usec,
		      uint64_t *ret_usec);
