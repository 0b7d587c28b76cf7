/* SPDX-License-Identifier: MIT */
/*
 * Python as the kernel side alone sees it: a process with an interpreter that the test made up
 * (made_python.h) is sampled, and its definitions are put together as the daemon does. For the
 * tests named test_python_*.c that are about the kernel side.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/python/definitions.h"
#include "daemon/sampler/blocks.h"
#include "daemon/sampler/events.h"
#include "tests/support/made/python.h"
#include "tests/support/sampling.h"

#define SHORT_MS 8

#define DEFINE_MAX       64           /* definitions of one sample ... */
#define DEFINE_BYTES_MAX (128u << 10) /* ... and their bytes */

extern struct python_world {
	struct definitions *definitions;
	struct {
		uint64_t parts, heads, bytes;
		uint32_t largest; /* part */
	} sent;
	/* The child that a test samples; it sets *is_ready when it has touched its memory. */
	struct busy_process busy;
	volatile bool *is_ready;
	uint64_t in_register; /* what a callee-saved register of the child has while it spins */
	/* Leaf: "leaf" 20, "middle" 40 (which C code began), "root" 60 (likewise). */
	uint64_t frames[3], codes[3], globals;
	size_t n_layouts;
} python_world;

#define foreach_layout(layout)                                                           \
	for (const struct ox_layout *first_of = python_layouts(&python_world.n_layouts), \
				    *layout = first_of;                                  \
	     layout < first_of + python_world.n_layouts; layout++)

/* Opens the sampler, or skips the test. */
void python_world_set_up(void);

/* Frees it. */
void python_world_tear_down(void);

/* ---- the process ---- */

/* Spins for good as a child does, when it has said that it is ready. */
void python_world_spin(void);

/* Starts the child with that, which never ends and says is_ready, and has it sampled. */
void python_world_begin_with(void (*run)(void));

/* Starts the child that spins. */
void python_world_begin(void);

/* Ends it. */
void python_world_end(void);

/* ---- looks ---- */

/* Adds a part of a definition; a function for sampler_read_definitions(). */
void python_world_take_part(void *userdata, const struct ox_fragment *part, size_t size);

/* Samples the child for so long. Returns what was hit most. */
const struct listed *python_world_look_for(uint64_t cpu_ms);

/* Samples a child with what was laid out, and ends it. Returns what was hit most. */
const struct listed *python_world_look_once(void);

/* Samples a child with what was laid out, ends it, and expects all three frames. Returns what was
 * hit most. */
const struct listed *python_world_look_at_three(void);

/* ---- what is laid out ---- */

/* True if a frame of this layout says nothing of C code that began it. */
bool python_world_begins_itself(void);

/* Makes a code object of that name, the same in every test that does not say otherwise. */
uint64_t python_world_code_new(const char *name);

/* Makes the three frames and has the thread run them. */
void python_world_make_three(void);

/* Gives the function of a frame a first variable of that name and value, and a second one. */
void python_world_set_first_variable(int i, const char *name, uint64_t value);

/* Makes a class that has the value under the very string that is the name of codes[i]. */
uint64_t python_world_class_of(const char *name, int i, uint64_t value, uint64_t base);

/* ---- what is expected ---- */

/* Returns the definition of a word of a stack, which must be there. */
struct definition python_world_find_definition(uint64_t word);

/* Expects that name of a word's function. */
void python_world_check_name(uint64_t word, const char *name);

/* Expects that module of it. */
void python_world_check_module(uint64_t word, const char *module);

/* Expects that end of a stack and number of words. */
void python_world_check_end(const struct listed *most, enum ox_python_end python_end, uint32_t n);

/* Expects the three frames, from that word on. */
void python_world_check_three(const struct listed *most, uint32_t from);
