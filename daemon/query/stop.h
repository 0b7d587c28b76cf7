/* SPDX-License-Identifier: MIT */
/*
 * The end of the user part of a stack, found as the stack is followed from its root. The user part
 * is at the root, and the mark of an incomplete stack ("[cut]", loss.h) comes before it. The
 * kernel's part can have a mark, too: the frame after a mark says which part the mark belongs to.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/sample.h"
#include "daemon/base/frame.h"
#include "daemon/base/loss.h"

/* Returns the end that a frame marks, or OX_STOP_ROOT if the frame is no mark. Only native frames
 * are marks: a Python function may have any name, and no module. */
static inline enum ox_stop stop_of_mark(enum frame_kind kind, const char *function,
					const char *module)
{
	return kind == FRAME_NATIVE ? stop_of_frame(function, module) : OX_STOP_ROOT;
}

/* A value besides those of enum ox_stop: the stack has no user frames. */
#define STOP_NONE OX_N_STOPS
/* STOP_MARKED + stop: a mark was met, and the frame after it will say which part it belongs to. */
#define STOP_MARKED (STOP_NONE + 1)
#define STOP_MAX    (STOP_MARKED + OX_N_STOPS - 1)

/* Returns the state at a frame, which is an enum ox_stop or one of the values above. above: the
 * state at its caller. is_root: the frame has no caller. mark: stop_of_mark() of the frame. */
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

/* Returns the end of a stack, an enum ox_stop or STOP_NONE, from the state at its leaf. */
static inline unsigned stop_of_leaf(uint8_t end)
{
	return end > STOP_MARKED ? end - STOP_MARKED : end;
}
