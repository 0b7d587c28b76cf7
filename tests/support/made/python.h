/* SPDX-License-Identifier: MIT */
/*
 * An interpreter that the test lays out itself, as a version of CPython does (struct ox_layout), in
 * memory that it shares with a process that spins: what the kernel side reads of it is known to the
 * last byte, and may be wrong in any way that a test wants. All are addresses; 0 is NULL.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/python/layout.h"

#define MADE_NOWHERE UINT64_C(0x1000) /* nothing is mapped there */

extern const struct ox_layout *made_layout;
extern uint64_t made_code_type, made_runtime, made_interpreter, made_thread;
extern uint64_t made_entered_from; /* the caller of what C code began to run last */

/* Lays out one interpreter, whose thread is this one; a child has the same pthread_self(). */
void made_start(const struct ox_layout *layout);

/* Touches all of the memory, in the process that is sampled: what was never touched there could not
 * be read. */
void made_touch(void);

/* True if the layout has one of these flags. */
bool made_has(unsigned flags);

/* ---- memory ---- */

/* Returns room for so many bytes, which are 0. */
uint64_t made_alloc(uint64_t bytes);

/* Writes 8 bytes at an offset of an object. */
void made_put(uint64_t object, unsigned offset, uint64_t value);

/* Writes 4 bytes. */
void made_put_u32(uint64_t object, unsigned offset, uint32_t value);

/* Writes one byte. */
void made_put_byte(uint64_t object, unsigned offset, uint8_t value);

/* Reads 8 bytes. */
uint64_t made_get(uint64_t object, unsigned offset);

/* ---- objects ---- */

/* Makes a string of n characters of `width` bytes. */
uint64_t made_string_of(const void *characters, uint64_t n, uint32_t width);

/* Makes a string of characters of one byte, up to a 0. */
uint64_t made_string(const char *text);

/* Makes an object of bytes. */
uint64_t made_bytes(const void *data, uint64_t n);

/* Makes a tuple. */
uint64_t made_tuple(const uint64_t *items, uint64_t n);

struct made_entry {
	uint64_t key, value;
};

/* Makes a dictionary with room for 2^log2 keys; is_general: with their hashes (from 3.11 on there
 * are both). */
uint64_t made_dict(const struct made_entry *entries, uint64_t n, unsigned log2, bool is_general);

/* Makes the globals of a module: its name is what comes first in them. */
uint64_t made_module(const char *name);

struct made_code {
	uint64_t name, file, lines, variables;
	int32_t first_line;
};

/* Makes a code object. */
uint64_t made_code(const struct made_code *code);

/* ---- classes, up to 3.10 ---- */

/* Makes a class, which comes first in the order of its classes; then base, where that is not 0. */
uint64_t made_class(const char *name, const struct made_entry *entries, uint64_t n, uint64_t base);

/* Makes a function of that code, or what is wrapped around a function. */
uint64_t made_holder(uint64_t held);

/* Makes an object of a class. */
uint64_t made_object(uint64_t class);

/* ---- frames, threads, interpreters ---- */

/* Puts a frame at a place in its code. */
void made_place(uint64_t frame, uint64_t code, int32_t position);

/* Makes the frame that C code has from 3.12 on; it runs nothing yet. */
uint64_t made_begin(uint64_t back);

/* Makes a frame called by `back`, 0: by nobody; is_entry: through C code. */
uint64_t made_call(uint64_t back, uint64_t code, int32_t position, uint64_t globals, bool is_entry);

/* Makes what a call of the interpreter leaves on the stack of C. */
uint64_t made_c_frame(uint64_t frame, uint64_t previous);

/* Has the thread run that frame; 0: nothing. */
void made_run(uint64_t thread, uint64_t frame);

/* Makes a thread, in front of the interpreter's others. */
uint64_t made_add_thread(uint64_t interpreter, uint64_t thread_id);

/* Makes an interpreter, in front of the others. */
uint64_t made_add_interpreter(void);
