/* SPDX-License-Identifier: MIT */
/*
 * Hits added up by node, task and slot. The memory goes with the number of distinct combinations,
 * however many rows are added: a sorted array, and behind it a short one of fresh hits, which is
 * merged into the first one when it is full.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct export_hits;

struct export_hit {
	uint32_t node;
	uint32_t task;
	uint32_t slot;
	uint64_t n;
};

/* Returns NULL where there is no memory. */
struct export_hits *export_hits_new(void);
struct export_hits *export_hits_free(struct export_hits *hits);
/* Returns 0 or -ENOMEM. */
int export_hits_add(struct export_hits *hits, const struct export_hit *hit);
/* Gets all hits in order of node, task and slot, each combination once, borrowed until the next
 * export_hits_add(). Returns 0 or -ENOMEM. */
int export_hits_get(struct export_hits *hits, const struct export_hit **ret, size_t *ret_n);
