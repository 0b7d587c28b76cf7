/* SPDX-License-Identifier: MIT */
/* Definitions of code objects that the kernel side sends (bpf/define.bpf.h and its parts). */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "tests/support/python_world.h"

TestSuite(python_definitions, .init = python_world_set_up, .fini = python_world_tear_down);

/* ---- names ---- */

Test(python_definitions, names_of_any_width)
{
	static const uint8_t latin[] = {'f', 0xe9};
	static const uint16_t two[] = {0x51fd, 0x6570};
	static const uint32_t four[] = {0x1f40d, 'x'};

	foreach_layout(layout)
	{
		const struct listed *most;

		made_start(layout);
		python_world_make_three();
		made_put(python_world.codes[0], layout->code_name, made_string_of(latin, 2, 1));
		made_put(python_world.codes[1], layout->code_name, made_string_of(two, 2, 2));
		made_put(python_world.codes[2], layout->code_name, made_string_of(four, 2, 4));
		made_put(python_world.codes[2], layout->code_file, made_string_of(two, 2, 2));
		most = python_world_look_once();
		python_world_check_end(most, OX_PYTHON_WHOLE, 3);
		python_world_check_name(most->python[0], "f\xc3\xa9");
		python_world_check_name(most->python[1], "\xe5\x87\xbd\xe6\x95\xb0");
		python_world_check_name(most->python[2], "\xf0\x9f\x90\x8dx");
		cr_expect_str_eq(python_world_find_definition(most->python[2]).file,
				 "\xe5\x87\xbd\xe6\x95\xb0");
	}
}

/* Makes a string of n characters, all of them 'a'. */
static uint64_t long_string(uint64_t n, uint32_t width)
{
	char *characters = calloc(n, width);
	uint64_t string;

	for (uint64_t i = 0; i < n; i++)
		characters[i * width] = 'a';
	string = made_string_of(characters, n, width);
	free(characters);
	return string;
}

static void check_length(uint64_t word, size_t n, bool is_cut)
{
	const char *name = python_world_find_definition(word).name;

	cr_expect_eq(strlen(name), n + (is_cut ? 3 : 0), "%zu", strlen(name));
	cr_expect_eq(strspn(name, "a"), n);
	cr_expect_eq(strcmp(name + strlen(name) - 3, "...") == 0, is_cut);
}

Test(python_definitions, long_names_are_cut_and_say_so)
{
	const struct listed *most;

	made_start(python_layouts(&python_world.n_layouts));
	python_world_make_three();
	made_put(python_world.codes[0], made_layout->code_name, long_string(OX_NAME_BYTES_MAX, 1));
	made_put(python_world.codes[1], made_layout->code_name,
		 long_string(OX_NAME_BYTES_MAX + 1, 1));
	/* So many that their bytes are 0 again. */
	made_put(python_world.codes[2], made_layout->code_name, long_string(1 << 20, 4));
	made_put(made_get(python_world.codes[2], made_layout->code_name), OX_PY_STRING_LENGTH,
		 UINT64_C(1) << 62);
	most = python_world_look_once();
	python_world_check_end(most, OX_PYTHON_WHOLE, 3);
	check_length(most->python[0], OX_NAME_BYTES_MAX, false);
	check_length(most->python[1], OX_NAME_BYTES_MAX, true);
	check_length(most->python[2], OX_NAME_BYTES_MAX / 4, true);
}

/* ---- modules ---- */

/* Makes globals with __name__ after so many other names. */
static uint64_t globals_with(unsigned n_before, unsigned log2, bool is_general)
{
	struct made_entry entries[16];
	char name[32];

	for (unsigned i = 0; i < n_before; i++) {
		/* The other names have the same length. */
		snprintf(name, sizeof(name), "__nam%u__", i);
		entries[i] = (struct made_entry){made_string(name), made_string("wrong")};
	}
	entries[n_before] = (struct made_entry){made_string("__name__"), made_string("right")};
	return made_dict(entries, n_before + 1, log2, is_general);
}

Test(python_definitions, a_module_is_told_by_its_globals)
{
	static const unsigned sizes[] = {3, 7, 8, 15, 16};

	foreach_layout(layout)
	{
		for (size_t i = 0; i < 2 * array_length(sizes); i++) {
			const struct listed *most;

			made_start(layout);
			python_world_make_three();
			made_put(python_world.frames[0], layout->frame_globals,
				 globals_with(0, sizes[i / 2], i % 2));
			made_put(python_world.frames[1], layout->frame_globals,
				 globals_with(7, sizes[i / 2], i % 2));
			/* __name__ is too far behind: the module is that of the file. */
			made_put(python_world.frames[2], layout->frame_globals,
				 globals_with(8, sizes[i / 2], i % 2));
			most = python_world_look_once();
			python_world_check_end(most, OX_PYTHON_WHOLE, 3);
			python_world_check_module(most->python[0], "right");
			python_world_check_module(most->python[1], "right");
			python_world_check_module(most->python[2], "app");
		}
	}
}

/* ---- classes ---- */

Test(python_definitions, methods_have_their_class_up_to_3_10)
{
	foreach_layout(layout)
	{
		uint64_t base, derived;
		const struct listed *most;

		if (!layout->code_variables)
			continue;
		made_start(layout);
		python_world_make_three();
		base = python_world_class_of("Base", 0, made_holder(python_world.codes[0]), 0);
		derived = python_world_class_of("Derived", 1, made_holder(python_world.codes[1]),
						base);
		/* Inherited; its own; by the class itself, in a classmethod. */
		python_world_set_first_variable(0, "self", made_object(derived));
		python_world_set_first_variable(1, "self", made_object(derived));
		python_world_set_first_variable(
			2, "cls",
			python_world_class_of("Third", 2,
					      made_holder(made_holder(python_world.codes[2])), 0));
		most = python_world_look_at_three();
		python_world_check_name(most->python[0], "Base.leaf");
		python_world_check_name(most->python[1], "Derived.middle");
		python_world_check_name(most->python[2], "Third.root");
	}
}

Test(python_definitions, what_is_in_no_class_has_none)
{
	foreach_layout(layout)
	{
		uint64_t class;
		const struct listed *most;

		if (!layout->code_variables)
			continue;
		made_start(layout);
		python_world_make_three();
		class = python_world_class_of("Class", 0, made_holder(python_world.codes[1]), 0);
		python_world_set_first_variable(0, "self", made_object(class));
		python_world_set_first_variable(1, "selfs", made_object(class));
		/* Deleted. */
		python_world_set_first_variable(2, "self", 0);
		most = python_world_look_at_three();
		python_world_check_name(most->python[0], "leaf");
		python_world_check_name(most->python[1], "middle");
		python_world_check_name(most->python[2], "root");
	}
}

/* ---- lines ---- */

/* Makes a table in which each two bytes of code are one line further. */
static uint64_t lines_new(uint64_t n_bytes)
{
	bool is_new = made_layout->version >= 0x030b;
	uint8_t *table = malloc(n_bytes);
	uint64_t bytes;

	for (uint64_t i = 0; i < n_bytes; i += 2) {
		table[i] = is_new ? 0x80 | 13 << 3 : 2;
		table[i + 1] = is_new ? 2 : 1;
	}
	bytes = made_bytes(table, n_bytes);
	free(table);
	return bytes;
}

/* Returns the line at a position. Up to 3.9 the code before the first entry has the first line. */
static uint32_t line_at(uint32_t position)
{
	return 7 + position / 2 + (made_layout->version >= 0x030a);
}

Test(python_definitions, tables_of_lines_come_in_parts)
{
	foreach_layout(layout)
	{
		/* Just one; one and a little; many, up to the last entry. */
		static const uint32_t sizes[] = {OX_FRAGMENT_BYTES_MAX, OX_FRAGMENT_BYTES_MAX + 2,
						 20 * OX_FRAGMENT_BYTES_MAX};
		const struct listed *most;

		made_start(layout);
		python_world_make_three();
		for (int i = 0; i < 3; i++) {
			made_put(python_world.codes[i], layout->code_lines, lines_new(sizes[i]));
			made_place(python_world.frames[i], python_world.codes[i], sizes[i] - 4);
		}
		most = python_world_look_at_three();
		for (int i = 0; i < 3; i++)
			cr_expect_eq(python_world_find_definition(most->python[i]).line,
				     line_at(sizes[i] - 4), "%x: %u", layout->version,
				     python_world_find_definition(most->python[i]).line);
		cr_expect_eq(python_world.sent.largest, OX_FRAGMENT_BYTES_MAX);
	}
}

Test(python_definitions, the_largest_table_is_whole_and_a_larger_one_cut)
{
	const struct listed *most;

	made_start(&python_layouts(&python_world.n_layouts)[python_world.n_layouts - 1]);
	python_world_make_three();
	for (int i = 0; i < 2; i++) {
		made_put(python_world.codes[i], made_layout->code_lines,
			 lines_new(OX_LINES_BYTES_MAX << i));
		made_place(python_world.frames[i], python_world.codes[i], OX_LINES_BYTES_MAX - 4);
	}
	most = python_world_look_at_three();
	cr_expect_eq(python_world_find_definition(most->python[0]).line,
		     line_at(OX_LINES_BYTES_MAX - 4));
	/* One sample has no room for both: the next ones have. */
	python_world_begin();
	python_world_look_for(SHORT_MS);
	most = python_world_look_for(SHORT_MS);
	python_world_end();
	python_world_check_end(most, OX_PYTHON_WHOLE, 3);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(python_world_find_definition(most->python[i]).line,
			     line_at(OX_LINES_BYTES_MAX - 4), "%d: %u", i,
			     python_world_find_definition(most->python[i]).line);
}

/* ---- what is known ---- */

Test(python_definitions, a_code_object_is_sent_once)
{
	uint64_t before[3];
	const struct listed *most;

	made_start(python_layouts(&python_world.n_layouts));
	python_world_make_three();
	python_world_begin();
	most = python_world_look_for(SHORT_MS);
	memcpy(before, most->python, sizeof(before));
	cr_assert_eq(python_world.sent.heads, 3);
	most = python_world_look_for(SHORT_MS);
	cr_expect_eq(python_world.sent.parts, 0);
	cr_expect_arr_eq(most->python, before, sizeof(before));
	sampler_forget_definitions(sampling.sampler);
	most = python_world_look_for(SHORT_MS);
	cr_expect_eq(python_world.sent.heads, 3);
	cr_expect_neq(most->python[0], before[0]);
	python_world_check_three(most, 0);
	python_world_end();
}

Test(python_definitions, another_one_at_the_same_address_is_another_one)
{
	foreach_layout(layout)
	{
		uint64_t before;
		const struct listed *most;

		made_start(layout);
		python_world_make_three();
		python_world_begin();
		before = python_world_look_for(SHORT_MS)->python[0];
		made_put(python_world.codes[0], layout->code_name, made_string("fresh"));
		most = python_world_look_for(SHORT_MS);
		cr_expect_eq(python_world.sent.heads, 1);
		python_world_check_name(most->python[0], "fresh");
		python_world_check_name(before, "leaf");
		made_put_u32(python_world.codes[0], layout->code_first_line, 99);
		most = python_world_look_for(SHORT_MS);
		cr_expect_eq(python_world_find_definition(most->python[0]).line, 99);
		cr_expect_eq(python_world_find_definition(before).line, 7);
		python_world_end();
	}
}

/* The same addresses mean other things in another process. */
Test(python_definitions, another_process_has_its_own)
{
	const struct listed *most;

	made_start(python_layouts(&python_world.n_layouts));
	python_world_make_three();
	python_world_look_once();
	strcpy((char *)(uintptr_t)made_get(python_world.codes[0], made_layout->code_name) +
		       made_layout->string_ascii_data,
	       "flea");
	most = python_world_look_once();
	python_world_check_name(most->python[0], "flea");
	cr_expect_eq(python_world.sent.heads, 3);
}

Test(python_definitions, more_code_than_one_sample_may_define)
{
	uint64_t frame = 0;
	const struct listed *most;
	char name[16];

	made_start(&python_layouts(&python_world.n_layouts)[python_world.n_layouts - 1]);
	python_world.globals = made_module("app");
	for (unsigned i = 0; i < OX_MAX_PYTHON_FRAMES; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		frame = made_call(frame, python_world_code_new(name), 2, python_world.globals,
				  true);
	}
	made_run(made_thread, frame);
	python_world_begin();
	python_world_look_for(CPU_MS);
	cr_expect_eq(python_world.sent.heads, OX_MAX_PYTHON_FRAMES);
	for (size_t i = 0; i < sampling.n_seen; i++) {
		uint32_t named = 0;

		for (uint32_t at = 0; at < sampling.seen[i].n_python; at++)
			named += OX_PYTHON_ID(sampling.seen[i].python[at]) > 0;
		cr_expect_eq(named % DEFINE_MAX, 0);
		cr_expect_gt(named, 0);
		cr_expect_leq(sampling.seen[i].count,
			      named < OX_MAX_PYTHON_FRAMES ? 1 : UINT64_MAX);
	}
	most = python_world_look_for(SHORT_MS);
	python_world_end();
	python_world_check_end(most, OX_PYTHON_WHOLE, OX_MAX_PYTHON_FRAMES);
	for (unsigned i = 0; i < OX_MAX_PYTHON_FRAMES; i++) {
		snprintf(name, sizeof(name), "f%u", OX_MAX_PYTHON_FRAMES - 1 - i);
		python_world_check_name(most->python[i], name);
	}
}

/* ---- new code without end ---- */

/* Each CPU may send so many definitions at once, and one more after each DEFINE_NS. */
#define DEFINE_BURST 1024
#define DEFINE_NS    250000

/* So many code objects that no sample has one twice. */
#define CHURN_CODES 48
#define CHURN_MS    200

static uint64_t churn_codes[CHURN_CODES];

/* Makes each code object another one with every sample, on one CPU. */
static void churn(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		_exit(1);
	made_touch();
	*python_world.is_ready = true;
	for (uint32_t line = 1;; line++)
		for (unsigned i = 0; i < CHURN_CODES; i++)
			made_put_u32(churn_codes[i], made_layout->code_first_line, line);
}

static void make_churn(void)
{
	uint64_t frame = 0;

	made_start(python_layouts(&python_world.n_layouts));
	python_world.globals = made_module("app");
	for (unsigned i = 0; i < CHURN_CODES; i++) {
		churn_codes[i] = python_world_code_new("churn");
		/* The first instruction, too, is that of a frame. */
		frame = made_call(frame, churn_codes[i], i % 2 * 2, python_world.globals, true);
	}
	made_run(made_thread, frame);
}

/* Returns how many frames have no definition. */
static uint64_t check_churn(void)
{
	uint64_t n_unnamed = 0;

	for (size_t i = 0; i < sampling.n_seen; i++) {
		cr_assert_eq(sampling.seen[i].python_end, OX_PYTHON_WHOLE);
		cr_assert_eq(sampling.seen[i].n_python, CHURN_CODES);
		for (uint32_t at = 0; at < sampling.seen[i].n_python; at++) {
			if (OX_PYTHON_ID(sampling.seen[i].python[at]))
				continue;
			cr_assert_eq(OX_PYTHON_POSITION(sampling.seen[i].python[at]),
				     OX_PYTHON_NO_NAME);
			n_unnamed += sampling.seen[i].count;
		}
	}
	return n_unnamed;
}

Test(python_definitions, a_program_that_brings_new_code_without_end_is_bounded)
{
	uint64_t begin_ns, passed_ns, n_unnamed;

	make_churn();
	python_world_begin_with(churn);
	begin_ns = clock_monotonic_ns();
	python_world_look_for(CHURN_MS);
	passed_ns = clock_monotonic_ns() - begin_ns;
	python_world_end();
	n_unnamed = check_churn();
	/* More definitions are wanted than may be sent, and all that may be sent are. */
	cr_assert_gt(sampling_counted() * CHURN_CODES, DEFINE_BURST);
	cr_expect_geq(python_world.sent.heads, DEFINE_BURST);
	cr_expect_leq(python_world.sent.heads, DEFINE_BURST + passed_ns / DEFINE_NS + 1, "%" PRIu64,
		      python_world.sent.heads);
	/* A sample that comes right behind another finds some of them known already. */
	cr_expect_leq(python_world.sent.heads + n_unnamed, sampling_hits(0) * CHURN_CODES);
	cr_expect_geq(python_world.sent.heads + n_unnamed, sampling_hits(0) * CHURN_CODES * 9 / 10);
}
