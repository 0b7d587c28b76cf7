/* SPDX-License-Identifier: MIT */
/*
 * Finds the value that holds at an address, of ranges that were added one after the other: where
 * they overlap, the later one holds. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX  4000000
#define RANGES_NONE UINT32_MAX /* the value of an address without a range (any more) */

struct ranges;

struct ranges *ranges_new(void); /* returns NULL if there is no memory */
struct ranges *ranges_free(struct ranges *ranges);

/* Adds a range; one that is empty or wraps around is left out. Returns 0, -E2BIG or -ENOMEM. */
int ranges_add(struct ranges *ranges, uint64_t start, uint64_t size, uint32_t value);
/* Sorts the ranges; to be called once, after the last ranges_add() and before the first
 * ranges_find(). Returns 0 or -ENOMEM. */
int ranges_sort(struct ranges *ranges);
/* Returns the value at the address, or RANGES_NONE. */
uint32_t ranges_find(const struct ranges *ranges, uint64_t address);
size_t ranges_bytes(const struct ranges *ranges);
