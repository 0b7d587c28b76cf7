/* SPDX-License-Identifier: MIT */
/*
 * Counts of each function in an export: self, total, and total in each slot of time. Functions have
 * the numbers of graph_names, which two tallies may share.
 */
#pragma once

#include "client/graph/names.h"
#include "client/profile/profile.h"

struct tally;

struct tally *tally_new(struct graph_names *names); /* NULL: no memory */
struct tally *tally_free(struct tally *tally);

/* Counts a hit: a profile_hit_fn whose userdata is the tally. All hits are of one profile, which
 * has slots. Returns 0 or -ENOMEM. */
int tally_add(void *userdata, const struct profile *profile, const struct profile_hit *hit);
/*
 * Ends the counting when the profile is complete: sorts the slots and merges short ones with their
 * neighbours, until each is at least step_usec / 2 long and there are no more than 64. Time that
 * was observed and is in no slot had no samples. The profile may be freed then. Returns 0 or
 * -ENOMEM.
 */
int tally_finish(struct tally *tally, const struct profile *profile, uint64_t step_usec);

/* Returns the number of samples that had a stack. */
uint64_t tally_hits(const struct tally *tally);
/* Returns the samples in which the function was the innermost one; any function of the names is
 * good. */
uint64_t tally_self(const struct tally *tally, uint32_t function);
uint64_t tally_total(const struct tally *tally, uint32_t function); /* recursion counts once */
/* Returns the number of slots, at least 1, after tally_finish(). */
size_t tally_count_slots(const struct tally *tally);
uint64_t tally_slot_usec(const struct tally *tally, size_t slot); /* above 0 */
uint64_t tally_slot_total(const struct tally *tally, size_t slot, uint32_t function);
