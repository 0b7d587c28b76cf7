/* SPDX-License-Identifier: MIT */
/*
 * Python as the kernel side alone sees it: a process with an interpreter that the test made up
 * (made_python.h) is sampled, and its definitions are put together as the daemon does. For the
 * tests named test_python_*.c that are about the kernel side.
 */
#pragma once

#include "daemon/base/cleanup.h"
#include "daemon/python/definitions.h"
#include "daemon/sampler/blocks.h"
#include "daemon/sampler/events.h"
#include "tests/support/made_python.h"
#include "tests/support/sampling.h"

#define SHORT_MS 8

#define DEFINE_MAX       64           /* definitions of one sample ... */
#define DEFINE_BYTES_MAX (128u << 10) /* ... and their bytes */

static struct definitions *definitions;
static struct {
	uint64_t parts, heads, bytes;
	uint32_t largest; /* part */
} sent;

/* What a test samples: the child says when it has touched its memory. */
static struct busy_process busy;
static volatile bool *is_ready;
static uint64_t in_register; /* what a callee-saved register of the child has while it spins */

static inline void set_up_python(void)
{
	set_up();
	definitions = definitions_new();
	in_register = 0;
	is_ready = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(definitions && is_ready != MAP_FAILED);
}

static inline void tear_down_python(void)
{
	definitions_free(definitions);
	tear_down();
}

static inline void take_part(void *userdata, const struct ox_fragment *part, size_t size)
{
	cr_assert_leq(part->bytes, OX_FRAGMENT_BYTES_MAX);
	cr_assert_leq(sizeof(*part) + part->bytes, size);
	sent.parts++;
	sent.heads += part->kind == OX_FRAGMENT_HEAD;
	sent.bytes += part->bytes;
	if (part->bytes > sent.largest)
		sent.largest = part->bytes;
	cr_assert_eq(definitions_add(definitions, part, size), 0);
}

static inline void spin(void)
{
	made_touch();
	*is_ready = true;
	__asm__ volatile("1: jmp 1b" : : "b"(in_register));
}

/* run: never ends, and says is_ready. */
static inline void begin_with(void (*run)(void))
{
	struct ox_process process = {
		.interpreter = {.runtime = made_runtime, .code_type = made_code_type},
	};
	struct sampler_target target;
	size_t n;

	process.interpreter.layout = made_layout - python_layouts(&n) + 1;
	*is_ready = false;
	busy = busy_start(&(struct busy){.run = run});
	while (!*is_ready)
		busy_let(busy.pid, 1);
	cr_assert_eq(sampler_add_process(sampler, busy.pid, &process), 0);
	target = by_pid(busy.pid, 0);
	choose(&target, 1);
}

static inline void begin(void)
{
	begin_with(spin);
}

static inline void end(void)
{
	sampler_drop_process(sampler, busy.pid);
	busy_stop(&busy);
}

/* No sample brings more definitions than it may. */
static inline void check_budget(void)
{
	cr_assert_leq(sent.heads, counted() * DEFINE_MAX);
	cr_assert_leq(sent.bytes, counted() * DEFINE_BYTES_MAX);
}

static inline const struct seen *look_for(uint64_t cpu_ms)
{
	memset(&sent, 0, sizeof(sent));
	sample(busy.pid, cpu_ms);
	sampler_read_definitions(sampler, take_part, NULL);
	cr_assert_gt(counted(), 0);
	check_budget();
	return main_sample();
}

/* Of what was laid out. */
static inline const struct seen *look_once(void)
{
	const struct seen *most;

	begin();
	most = look_for(SHORT_MS);
	end();
	return most;
}

#define foreach_layout(layout)                                                                  \
	for (const struct ox_layout *first_of = python_layouts(&n_layouts), *layout = first_of; \
	     layout < first_of + n_layouts; layout++)

static size_t n_layouts;

static inline bool begins_itself(void)
{
	return !made_has(OX_LAYOUT_ENTRY | OX_LAYOUT_OWNER);
}

/* The same in every test that does not say otherwise. */
static inline uint64_t code_new(const char *name)
{
	return made_code(&(struct made_code){.name = made_string(name),
					     .file = made_string("/srv/app.py"),
					     .lines = made_bytes("", 0),
					     .first_line = 7});
}

static inline struct definition find_definition(uint64_t word)
{
	struct definition found;
	uint32_t index;

	cr_assert_neq(OX_PYTHON_ID(word), 0, "%x: it has no name", made_layout->version);
	cr_assert_eq(definitions_find(definitions, OX_PYTHON_ID(word), &index), 0);
	cr_assert_eq(definitions_get(definitions, index, OX_PYTHON_POSITION(word), &found), 0);
	return found;
}

static inline void check_name(uint64_t word, const char *name)
{
	struct definition found = find_definition(word);

	cr_expect_str_eq(found.name, name, "%x: %s, not %s", made_layout->version, found.name,
			 name);
}

static inline void check_module(uint64_t word, const char *module)
{
	struct definition found = find_definition(word);

	cr_expect_str_eq(found.module, module, "%x: %s, not %s", made_layout->version, found.module,
			 module);
}

static inline void check_end(const struct seen *most, enum ox_python_end python_end, uint32_t n)
{
	cr_expect(most->has_python);
	cr_expect_eq(most->python_end, python_end, "%x: end %u, not %u", made_layout->version,
		     most->python_end, python_end);
	cr_assert_eq(most->n_python, n, "%x: %u words, not %u", made_layout->version,
		     most->n_python, n);
}

/* Leaf: "leaf" 20, "middle" 40 (which C code began), "root" 60 (likewise). */
static uint64_t frames[3], codes[3], globals;

static inline void make_three(void)
{
	static const char *const names[] = {"leaf", "middle", "root"};

	globals = made_module("app.worker");
	for (int i = 0; i < 3; i++)
		codes[i] = code_new(names[i]);
	frames[2] = made_call(0, codes[2], 60, globals, true);
	frames[1] = made_call(frames[2], codes[1], 40, globals, true);
	frames[0] = made_call(frames[1], codes[0], 20, globals, false);
	made_run(made_thread, frames[0]);
}

static inline void check_three(const struct seen *most, uint32_t from)
{
	static const char *const names[] = {"leaf", "middle", "root"};

	for (uint32_t i = 0; i < 3; i++) {
		uint64_t word = most->python[from + i];

		check_name(word, names[i]);
		check_module(word, "app.worker");
		cr_expect_str_eq(find_definition(word).file, "/srv/app.py");
		cr_expect_eq(find_definition(word).line, 7);
		cr_expect_eq(OX_PYTHON_POSITION(word), 20 * (i + 1), "%x", made_layout->version);
		cr_expect_eq(word & OX_PYTHON_ENTRY, begins_itself() || i > 0, "%x",
			     made_layout->version);
	}
}

static inline void set_first_variable(int i, const char *name, uint64_t value)
{
	uint64_t variables[] = {made_string(name), made_string("other")};

	made_put(codes[i], made_layout->code_variables, made_tuple(variables, 2));
	made_put(frames[i], made_layout->frame_locals, value);
}

/* Under the very string that is the name of codes[i]. */
static inline uint64_t class_of(const char *name, int i, uint64_t value, uint64_t base)
{
	struct made_entry entries[] = {
		{made_string("__module__"), made_string("m")},
		{made_get(codes[i], made_layout->code_name), value},
		{made_string("last"), made_holder(0)},
	};

	return made_class(name, entries, 3, base);
}

static inline const struct seen *look_at_three(void)
{
	const struct seen *most = look_once();

	check_end(most, OX_PYTHON_WHOLE, 3);
	return most;
}
