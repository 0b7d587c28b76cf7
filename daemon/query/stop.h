/* SPDX-License-Identifier: MIT */
/*
 * How the user part of a stack ends, found as the stack is followed from its root. The user part
 * stands at the root, before it the mark of a stack that is not whole ("[cut]", loss.h). The
 * kernel's part can be marked, too: what follows a mark says whose it is.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/sample.h"
#include "daemon/base/frame.h"
#include "daemon/base/loss.h"

/* The end that a frame tells of, OX_STOP_ROOT: none. What a program calls its own functions
 * (Python's may have any name, and no module) is no mark. */
static inline enum ox_stop stop_of_mark(enum frame_kind kind, const char *function,
					const char *module)
{
	return kind == FRAME_NATIVE ? stop_of_frame(function, module) : OX_STOP_ROOT;
}

/* In place of an enum ox_stop: the stack has no user frames. */
#define STOP_NONE OX_N_STOPS
/* Values above it: only the mark so far, of whatever comes. */
#define STOP_MARKED (STOP_NONE + 1)
#define STOP_MAX    (STOP_MARKED + OX_N_STOPS - 1)

/* What is known at a frame, from what was known at its caller (is_root: it has none) and the end
 * that the frame itself tells of (stop_of_mark()). */
static inline uint8_t stop_follow(uint8_t above, bool is_root, enum frame_kind kind,
				  enum ox_stop mark)
{
	bool is_user = kind != FRAME_KERNEL;

	assert(above <= STOP_MAX && mark < OX_N_STOPS);
	if (is_root)
		return !is_user ? STOP_NONE : mark ? STOP_MARKED + mark : OX_STOP_ROOT;
	if (above < STOP_MARKED)
		return above;
	return is_user ? above - STOP_MARKED : STOP_NONE;
}

/* Of a whole stack: an enum ox_stop or STOP_NONE. */
static inline unsigned stop_of_leaf(uint8_t end)
{
	return end > STOP_MARKED ? end - STOP_MARKED : end;
}
