/* SPDX-License-Identifier: MIT */
/*
 * How often each user may change something: OX_CHANGES_AT_ONCE times, and then once in
 * OX_CHANGE_USEC. Whoever rests for as long as all of these take has them all again.
 */
#pragma once

#include <stdint.h>

struct changes;

struct changes *changes_new(void); /* NULL: no memory */
struct changes *changes_free(struct changes *changes);

/* Counts a change of the user. now_usec: of a clock that never goes back. Returns 0 where the user
 * may make it, else the time after which one may be made. */
uint64_t changes_add(struct changes *changes, uint32_t uid, uint64_t now_usec);
