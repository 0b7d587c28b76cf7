/* SPDX-License-Identifier: MIT */
/*
 * What the store knows of stacks and of the names in them, read once and kept: these tables only
 * grow, so that each query reads what is new. Indexes are dense; the store's ids have gaps.
 *
 * Frames of one function and line are one here, whatever their addresses, and so are stacks of such
 * frames: several nodes of the store may be one of the tree. A frame that is given its name later
 * changes that: then all has to be read anew, by new stacks.
 */
#pragma once

#include <stdint.h>

#include "daemon/base/frame.h"
#include "daemon/query/calltree.h"
#include "daemon/query/stop.h"
#include "db/store.h"

struct stacks;

/* One function of one module and file; texts are borrowed from the stacks, "" unknown. */
struct stacks_function {
	const char *function;
	const char *module;
	const char *file;
	uint32_t module_text; /* the same module, the same number, below stacks_count_texts() */
	uint32_t file_text;
	uint32_t line; /* the smallest that was seen; 0: unknown */
	enum frame_kind kind;
};

/* What a frame of the tree stands for. No padding: it is compared byte by byte. */
struct stacks_frame {
	uint32_t function;
	uint32_t line;
};

struct stacks *stacks_new(void);
struct stacks *stacks_free(struct stacks *stacks);

/* Reads what came since the last time; not while a transaction is open, for its ids may go back.
 * 0 or the store's error. */
int stacks_read(struct stacks *stacks, struct store *store);

const struct calltree *stacks_tree(const struct stacks *stacks);
/* The tree's index of the store's node; 0, "no stack", where there is none. */
uint32_t stacks_find_node(const struct stacks *stacks, int64_t id);
/* How the user part of the stack ends, an enum ox_stop or STOP_NONE; of a node of the tree. */
unsigned stacks_get_end(const struct stacks *stacks, uint32_t node);
uint32_t stacks_count_frames(const struct stacks *stacks);
uint32_t stacks_count_functions(const struct stacks *stacks);
uint32_t stacks_count_texts(const struct stacks *stacks);
struct stacks_frame stacks_get_frame(const struct stacks *stacks, uint32_t frame);
/* Borrowed until the next stacks_read(). */
const struct stacks_function *stacks_get_function(const struct stacks *stacks, uint32_t function);
const char *stacks_get_text(const struct stacks *stacks, uint32_t text);
