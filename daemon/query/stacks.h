/* SPDX-License-Identifier: MIT */
/*
 * The stacks of the store and the names in them, read once and kept: these tables of the store only
 * grow, so that each query reads only the new rows. Indexes are dense; the store's ids have gaps.
 *
 * Frames of one function and line are one here, whatever their addresses, and so are stacks of such
 * frames: several nodes of the store may be one of the tree. A frame that gets its name later may
 * become equal to another one: then all has to be read again, by a new struct stacks.
 */
#pragma once

#include <stdint.h>

#include "daemon/base/frame.h"
#include "daemon/query/calltree.h"
#include "daemon/query/stop.h"
#include "db/store.h"

struct stacks;

/* One function of one module and file. Texts are borrowed from the stacks, and "" if unknown. */
struct stacks_function {
	const char *function;
	const char *module;
	const char *file;
	uint32_t module_text; /* equal for equal modules; below stacks_count_texts() */
	uint32_t file_text;
	uint32_t line; /* the smallest one that was seen; 0: unknown */
	enum frame_kind kind;
};

/* A function and a line in it. There is no padding, since frames are compared byte by byte. */
struct stacks_frame {
	uint32_t function;
	uint32_t line;
};

struct stacks *stacks_new(void);
struct stacks *stacks_free(struct stacks *stacks);

/* Reads the rows that are new since the last call. Must not be called while a transaction is open,
 * since a rollback would free ids that were read. Returns 0 or the store's error. */
int stacks_read(struct stacks *stacks, struct store *store);

const struct calltree *stacks_tree(const struct stacks *stacks);
/* Returns the tree's index of a node of the store, or 0 ("no stack") if there is no such node. */
uint32_t stacks_find_node(const struct stacks *stacks, int64_t id);
/* Returns the end of the user part of the stack of a node of the tree: an enum ox_stop or
 * STOP_NONE. */
unsigned stacks_get_end(const struct stacks *stacks, uint32_t node);
uint32_t stacks_count_frames(const struct stacks *stacks);
uint32_t stacks_count_functions(const struct stacks *stacks);
uint32_t stacks_count_texts(const struct stacks *stacks);
struct stacks_frame stacks_get_frame(const struct stacks *stacks, uint32_t frame);
/* Returns a function, or a text, that is borrowed until the next stacks_read(). */
const struct stacks_function *stacks_get_function(const struct stacks *stacks, uint32_t function);
const char *stacks_get_text(const struct stacks *stacks, uint32_t text);
