/* SPDX-License-Identifier: MIT */
/*
 * Stacks as a query sees them: the frames that it leaves out are taken from each stack. Which these
 * are is decided by pruning_judge() alone, for results and for exports.
 *
 * A mark of missing callers ("[cut]", "[no-table]", ...) stays at the root of a stack, whatever
 * kind of frames the query wants, if one of them is left behind the mark. The mark before the
 * kernel's part is left out with that part.
 */
#pragma once

#include <stdint.h>

#include "daemon/query/query.h"
#include "daemon/query/stacks.h"

/* A frame as the rule sees it. */
struct pruning_frame {
	enum frame_kind kind;
	enum ox_stop mark; /* stop_of_mark() of the frame */
};

enum pruning_fate {
	PRUNING_KEEP,
	PRUNING_KEEP_BEFORE_OTHERS, /* a mark at the root: kept once a frame behind it is kept */
	PRUNING_DROP,
	PRUNING_DROP_WITH_CALLER, /* the caller is a mark, which is dropped for this stack, too */
};

/* Returns what becomes of a frame of a stack. caller: the frame before it, NULL at the root. */
enum pruning_fate pruning_judge(const struct query *query, const struct pruning_frame *frame,
				const struct pruning_frame *caller);
/* True if such a frame is kept in some stack. */
bool pruning_may_keep(const struct query *query, const struct pruning_frame *frame);
/* True if a sample counts in rows. has_frames: a frame of its stack is left. */
bool pruning_keeps_sample(const struct query *query, bool has_frames);

/* The stacks of struct stacks after pruning, as a tree in which equal stacks are one. */
struct pruning;

/* Borrows both. Returns 0 or -ENOMEM. */
int pruning_new(const struct query *query, const struct stacks *stacks, struct pruning **ret);
struct pruning *pruning_free(struct pruning *pruning);

/* Returns the bytes held. */
size_t pruning_bytes(const struct pruning *pruning);

/* Finds what is left of the stack of a node of the stacks' tree: a node of pruning_tree(), 0 if
 * nothing is left. It is at most the largest node of the stacks' tree, which may have grown since
 * the last call. Returns 0 or -ENOMEM. */
int pruning_find(struct pruning *pruning, uint32_t node, uint32_t *ret);
/* Returns the tree of what was found so far, or the stacks' own tree if nothing is left out. Frames
 * are those of the stacks. Borrowed. */
const struct calltree *pruning_tree(const struct pruning *pruning);
