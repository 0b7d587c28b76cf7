/* SPDX-License-Identifier: MIT */
/*
 * The stacks that a query meets and the names in them, read from the store when they are first
 * asked for; of others nothing is read.
 *
 * Frames of one function and line are one here, whatever their addresses, and so are stacks of such
 * frames: several nodes of the store may be one of the tree.
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
	uint32_t line; /* the smallest one in these stacks; 0: unknown */
	enum frame_kind kind;
};

/* A function and a line in it. There is no padding, since frames are compared byte by byte. */
struct stacks_frame {
	uint32_t function;
	uint32_t line;
};

/* Borrows the store. Returns NULL where there is no memory. */
struct stacks *stacks_new(struct store *store);
struct stacks *stacks_free(struct stacks *stacks);
/* Returns the bytes held. */
size_t stacks_bytes(const struct stacks *stacks);

const struct calltree *stacks_tree(const struct stacks *stacks);
/* Finds the tree's index of a node of the store, 0 ("no stack") if there is no such node. Returns 1
 * where something was read for that, 0 where it was known, or the store's error. */
int stacks_find_node(struct stacks *stacks, int64_t id, uint32_t *ret);
/* Returns the end of the user part of the stack of a node of the tree: an enum ox_stop or
 * STOP_NONE. */
unsigned stacks_get_end(const struct stacks *stacks, uint32_t node);
uint32_t stacks_count_frames(const struct stacks *stacks);
uint32_t stacks_count_functions(const struct stacks *stacks);
uint32_t stacks_count_texts(const struct stacks *stacks);
struct stacks_frame stacks_get_frame(const struct stacks *stacks, uint32_t frame);
/* Returns a function, or a text, that is borrowed until the next stacks_find_node(). */
const struct stacks_function *stacks_get_function(const struct stacks *stacks, uint32_t function);
const char *stacks_get_text(const struct stacks *stacks, uint32_t text);
