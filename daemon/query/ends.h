/* SPDX-License-Identifier: MIT */
/*
 * How the user part of a stack ends, found as the stack is followed from its root. The user part
 * stands at the root, before it the mark of a stack that is not whole ("[cut]", loss.h). The
 * kernel's part can be marked, too: what follows a mark says whose it is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/sample.h"
#include "daemon/base/frame.h"
#include "daemon/base/loss.h"

/* The end that a frame tells of, OX_END_ROOT: none. What a program calls its own functions
 * (Python's may have any name, and no module) is no mark. */
static inline enum ox_end ends_mark(enum frame_kind kind, const char *function, const char *module)
{
	return kind == FRAME_NATIVE ? end_of_frame(function, module) : OX_END_ROOT;
}

/* In place of an enum ox_end: the stack has no user frames. */
#define ENDS_NONE OX_N_ENDS
/* Values above it: only the mark so far, of whatever comes. */
#define ENDS_MARKED (ENDS_NONE + 1)
#define ENDS_MAX    (ENDS_MARKED + OX_N_ENDS - 1)

/* What is known at a frame, from what was known at its caller (is_root: it has none) and the end
 * that the frame itself tells of (ends_mark()). */
static inline uint8_t ends_follow(uint8_t above, bool is_root, enum frame_kind kind,
				  enum ox_end mark)
{
	bool is_user = kind != FRAME_KERNEL;

	if (is_root)
		return !is_user ? ENDS_NONE : mark ? ENDS_MARKED + mark : OX_END_ROOT;
	if (above < ENDS_MARKED)
		return above;
	return is_user ? above - ENDS_MARKED : ENDS_NONE;
}

/* Of a whole stack: an enum ox_end or ENDS_NONE. */
static inline unsigned ends_of_leaf(uint8_t end)
{
	return end > ENDS_MARKED ? end - ENDS_MARKED : end;
}
