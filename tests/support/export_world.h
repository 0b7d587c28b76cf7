/* SPDX-License-Identifier: MIT */
/* Reads the stream of an export to its end, and checks what export.proto promises. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/export.pb-c.h"

struct told_hit {
	uint32_t node;
	uint32_t task;
	uint32_t slot;
	uint64_t n;
};

/* All numbers are from 1; what stands at 0 is the unknown one. */
struct told {
	Oxprof__Part **parts; /* own all that is below */
	size_t n_parts, parts_size;
	char **texts;
	size_t n_texts, texts_size;
	Oxprof__Frame **frames;
	size_t n_frames, frames_size;
	Oxprof__Task **tasks;
	size_t n_tasks, tasks_size;
	Oxprof__Slot **slots;
	size_t n_slots, slots_size;
	uint32_t *parent, *frame;
	size_t n_nodes, parent_size, frame_size;
	struct told_hit *hits;
	size_t n_hits, hits_size;
	Oxprof__Summary *summary;
	Oxprof__End *end; /* NULL: it broke off */
	uint8_t *bytes;
	size_t n_bytes, bytes_size;
	size_t largest; /* part */
};

/* Reads a stream to its end and closes the descriptor; told_done() frees the result. */
void told_read(struct told *told, int fd);

/* Reads the bytes alone, all that comes until the other end is closed. Closes the descriptor. */
void told_slurp(struct told *told, int fd);

/* Frees all of it. */
void told_done(struct told *told);

/* Returns a stack as a record of Query by stack has it: root first, ';' between; "[no stack]". The
 * caller frees it. */
char *told_stack(const struct told *told, uint32_t node);

/* True if these bytes are anywhere in the stream. */
bool told_mentions(const struct told *told, const char *text);
