/* SPDX-License-Identifier: MIT */
/*
 * Which value holds at an address, of ranges that were told one after the other: where they
 * overlap, the later one holds. Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX  4000000
#define RANGES_NONE UINT32_MAX /* a value that says: nothing is here (any more) */

struct ranges;

struct ranges *ranges_new(void); /* NULL: no memory */
struct ranges *ranges_free(struct ranges *ranges);

/* 0, also where it is empty or wraps around and is left out; -E2BIG; -ENOMEM. */
int ranges_add(struct ranges *ranges, uint64_t start, uint64_t size, uint32_t value);
/* Once, after the last ranges_add() and before the first ranges_find(). 0 or -ENOMEM. */
int ranges_sort(struct ranges *ranges);
/* RANGES_NONE: none. */
uint32_t ranges_find(const struct ranges *ranges, uint64_t address);
size_t ranges_bytes(const struct ranges *ranges);
