/* SPDX-License-Identifier: MIT */
#include "tests/support/python_world.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

struct python_world python_world;

void python_world_set_up(void)
{
	sampling_set_up();
	python_world.definitions = definitions_new();
	python_world.in_register = 0;
	python_world.is_ready =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(python_world.definitions && python_world.is_ready != MAP_FAILED);
}

void python_world_tear_down(void)
{
	definitions_free(python_world.definitions);
	sampling_tear_down();
}

void python_world_take_part(void *userdata, const struct ox_fragment *part, size_t size)
{
	cr_assert_leq(part->bytes, OX_FRAGMENT_BYTES_MAX);
	cr_assert_leq(sizeof(*part) + part->bytes, size);
	python_world.sent.parts++;
	python_world.sent.heads += part->kind == OX_FRAGMENT_HEAD;
	python_world.sent.bytes += part->bytes;
	if (part->bytes > python_world.sent.largest)
		python_world.sent.largest = part->bytes;
	cr_assert_eq(definitions_add(python_world.definitions, part, size), 0);
}

void python_world_spin(void)
{
	made_touch();
	*python_world.is_ready = true;
	/* This never returns; the value that the test keeps in a register must not look like a
	 * frame. */
	__asm__ volatile("xor %%ebp, %%ebp\n"
			 "xor %%r12d, %%r12d\n"
			 "xor %%r13d, %%r13d\n"
			 "xor %%r14d, %%r14d\n"
			 "xor %%r15d, %%r15d\n"
			 "1: jmp 1b\n"
			 :
			 : "b"(python_world.in_register));
}

void python_world_begin_with(void (*run)(void))
{
	struct ox_process process = {
		.interpreter = {.runtime = made_runtime, .code_type = made_code_type},
	};
	struct sampler_target target;
	size_t n;

	process.interpreter.layout = made_layout - python_layouts(&n) + 1;
	*python_world.is_ready = false;
	python_world.busy = busy_start(&(struct busy){.run = run});
	while (!*python_world.is_ready)
		busy_let(python_world.busy.pid, 1);
	cr_assert_eq(sampler_add_process(sampling.sampler, python_world.busy.pid, &process), 0);
	target = sampling_by_pid(python_world.busy.pid);
	sampling_choose(&target, 1);
}

void python_world_begin(void)
{
	python_world_begin_with(python_world_spin);
}

void python_world_end(void)
{
	sampler_drop_process(sampling.sampler, python_world.busy.pid);
	busy_stop(&python_world.busy);
}

/* Expects that the samples brought no more definitions than they may. */
static void check_budget(void)
{
	cr_assert_leq(python_world.sent.heads, sampling_counted() * DEFINE_MAX);
	cr_assert_leq(python_world.sent.bytes, sampling_counted() * DEFINE_BYTES_MAX);
}

const struct listed *python_world_look_for(uint64_t cpu_ms)
{
	memset(&python_world.sent, 0, sizeof(python_world.sent));
	sampling_run(python_world.busy.pid, cpu_ms);
	sampler_read_definitions(sampling.sampler, python_world_take_part, NULL);
	cr_assert_gt(sampling_counted(), 0);
	check_budget();
	return sampling_main();
}

const struct listed *python_world_look_once(void)
{
	const struct listed *most;

	python_world_begin();
	most = python_world_look_for(SHORT_MS);
	python_world_end();
	return most;
}

bool python_world_begins_itself(void)
{
	return !made_has(OX_LAYOUT_ENTRY | OX_LAYOUT_OWNER);
}

uint64_t python_world_code_new(const char *name)
{
	return made_code(&(struct made_code){.name = made_string(name),
					     .file = made_string("/srv/app.py"),
					     .lines = made_bytes("", 0),
					     .first_line = 7});
}

struct definition python_world_find_definition(uint64_t word)
{
	struct definition found;
	uint32_t index;

	cr_assert_neq(OX_PYTHON_ID(word), 0, "%x: it has no name", made_layout->version);
	cr_assert_eq(definitions_find(python_world.definitions, OX_PYTHON_ID(word), &index), 0);
	cr_assert_eq(
		definitions_get(python_world.definitions, index, OX_PYTHON_POSITION(word), &found),
		0);
	return found;
}

void python_world_check_name(uint64_t word, const char *name)
{
	struct definition found = python_world_find_definition(word);

	cr_expect_str_eq(found.name, name, "%x: %s, not %s", made_layout->version, found.name,
			 name);
}

void python_world_check_module(uint64_t word, const char *module)
{
	struct definition found = python_world_find_definition(word);

	cr_expect_str_eq(found.module, module, "%x: %s, not %s", made_layout->version, found.module,
			 module);
}

void python_world_check_end(const struct listed *most, enum ox_python_end python_end, uint32_t n)
{
	cr_expect(most->has_python);
	cr_expect_eq(most->python_end, python_end, "%x: end %u, not %u", made_layout->version,
		     most->python_end, python_end);
	cr_assert_eq(most->n_python, n, "%x: %u words, not %u", made_layout->version,
		     most->n_python, n);
}

void python_world_make_three(void)
{
	static const char *const names[] = {"leaf", "middle", "root"};

	python_world.globals = made_module("app.worker");
	for (int i = 0; i < 3; i++)
		python_world.codes[i] = python_world_code_new(names[i]);
	python_world.frames[2] =
		made_call(0, python_world.codes[2], 60, python_world.globals, true);
	python_world.frames[1] = made_call(python_world.frames[2], python_world.codes[1], 40,
					   python_world.globals, true);
	python_world.frames[0] = made_call(python_world.frames[1], python_world.codes[0], 20,
					   python_world.globals, false);
	made_run(made_thread, python_world.frames[0]);
}

void python_world_check_three(const struct listed *most, uint32_t from)
{
	static const char *const names[] = {"leaf", "middle", "root"};

	for (uint32_t i = 0; i < 3; i++) {
		uint64_t word = most->python[from + i];

		python_world_check_name(word, names[i]);
		python_world_check_module(word, "app.worker");
		cr_expect_str_eq(python_world_find_definition(word).file, "/srv/app.py");
		cr_expect_eq(python_world_find_definition(word).line, 7);
		cr_expect_eq(OX_PYTHON_POSITION(word), 20 * (i + 1), "%x", made_layout->version);
		cr_expect_eq(word & OX_PYTHON_ENTRY, python_world_begins_itself() || i > 0, "%x",
			     made_layout->version);
	}
}

void python_world_set_first_variable(int i, const char *name, uint64_t value)
{
	uint64_t variables[] = {made_string(name), made_string("other")};

	made_put(python_world.codes[i], made_layout->code_variables, made_tuple(variables, 2));
	made_put(python_world.frames[i], made_layout->frame_locals, value);
}

uint64_t python_world_class_of(const char *name, int i, uint64_t value, uint64_t base)
{
	struct made_entry entries[] = {
		{made_string("__module__"), made_string("m")},
		{made_get(python_world.codes[i], made_layout->code_name), value},
		{made_string("last"), made_holder(0)},
	};

	return made_class(name, entries, 3, base);
}

const struct listed *python_world_look_at_three(void)
{
	const struct listed *most = python_world_look_once();

	python_world_check_end(most, OX_PYTHON_WHOLE, 3);
	return most;
}
