/* SPDX-License-Identifier: MIT */
/*
 * Hits added up by what they are told apart by. As large as what is distinct, however many rows
 * they come from: a sorted array, and a short one behind it that is sorted into it when it is full.
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

struct export_hits *export_hits_new(void);
struct export_hits *export_hits_free(struct export_hits *hits);
int export_hits_add(struct export_hits *hits, const struct export_hit *hit); /* 0, -ENOMEM */
/* All of them, in order of node, task and slot, each combination once; borrowed until the next
 * export_hits_add(). 0, -ENOMEM. */
int export_hits_get(struct export_hits *hits, const struct export_hit **ret, size_t *ret_n);
