/* SPDX-License-Identifier: MIT */
/* Memory that lies: it costs the stack, or a part of it, and no more. */
#include <criterion/criterion.h>

#include "daemon/base/cleanup.h"
#include "tests/support/python_world.h"

/* One search without end is all that a sample has time for; the next one has time for another. */
#define SOME UINT32_MAX

TestSuite(python_hostile, .init = python_world_set_up, .fini = python_world_tear_down);

#define IN_KERNEL UINT64_C(0xffffffff81000000)
#define HUGE      (UINT64_C(1) << 63)

static void interpreters_in_a_circle(void)
{
	made_put(made_interpreter, made_layout->interpreter_next, made_interpreter);
	made_put(made_thread, made_layout->thread_id, 1);
}

static void threads_in_a_circle(void)
{
	made_put(made_thread, made_layout->thread_next, made_thread);
	made_put(made_thread, made_layout->thread_id, 1);
}

static void own_thread_in_a_circle(void)
{
	made_put(made_thread, made_layout->thread_next, made_thread);
}

static void threads_nowhere(void)
{
	made_put(made_interpreter, made_layout->interpreter_threads, MADE_NOWHERE);
}

static void frames_in_a_circle(void)
{
	made_put(python_world.frames[2], made_layout->frame_back, python_world.frames[0]);
}

static void frame_before_itself(void)
{
	made_put(python_world.frames[0], made_layout->frame_back, python_world.frames[0]);
}

static void frame_nowhere(void)
{
	made_entered_from = 0;
	made_run(made_thread, MADE_NOWHERE);
}

static void caller_nowhere(void)
{
	made_put(python_world.frames[0], made_layout->frame_back, MADE_NOWHERE);
}

static void caller_in_the_kernel(void)
{
	made_put(python_world.frames[0], made_layout->frame_back, IN_KERNEL);
}

static void caller_beyond_all_addresses(void)
{
	made_put(python_world.frames[0], made_layout->frame_back, HUGE);
}

static void code_nowhere(void)
{
	made_put(python_world.frames[1], made_layout->frame_code, MADE_NOWHERE);
}

static void code_in_the_kernel(void)
{
	made_put(python_world.frames[1], made_layout->frame_code, IN_KERNEL);
}

static void code_of_another_type(void)
{
	made_put(python_world.codes[1], OX_PY_TYPE, made_code_type + 8);
}

static void name_missing(void)
{
	made_put(python_world.codes[0], made_layout->code_name, 0);
}

static void name_nowhere(void)
{
	made_put(python_world.codes[0], made_layout->code_name, MADE_NOWHERE);
}

static void name_in_the_kernel(void)
{
	made_put(python_world.codes[0], made_layout->code_name, IN_KERNEL);
}

static void name_without_a_width(void)
{
	made_put_u32(made_get(python_world.codes[0], made_layout->code_name), OX_PY_STRING_STATE,
		     0);
}

static void name_of_odd_width(void)
{
	made_put_u32(made_get(python_world.codes[0], made_layout->code_name), OX_PY_STRING_STATE,
		     UINT32_MAX);
}

static void name_huge(void)
{
	made_put(made_get(python_world.codes[0], made_layout->code_name), OX_PY_STRING_LENGTH,
		 HUGE);
}

/* Sets a length that is 0 again when it is counted in bytes. */
static void name_that_wraps_around(void)
{
	uint64_t name = made_get(python_world.codes[0], made_layout->code_name);

	made_put(name, OX_PY_STRING_LENGTH, HUGE);
	made_put_u32(name, OX_PY_STRING_STATE, 4 << made_layout->string_kind_shift);
}

static void file_nowhere(void)
{
	made_put(python_world.codes[0], made_layout->code_file, MADE_NOWHERE);
}

static void lines_nowhere(void)
{
	made_put(python_world.codes[0], made_layout->code_lines, MADE_NOWHERE);
}

static void lines_huge(void)
{
	made_put(made_get(python_world.codes[0], made_layout->code_lines), OX_PY_BYTES_SIZE, HUGE);
}

static void lines_of_all_memory(void)
{
	made_put(made_get(python_world.codes[0], made_layout->code_lines), OX_PY_BYTES_SIZE,
		 UINT64_MAX);
}

static void globals_nowhere(void)
{
	made_put(python_world.frames[0], made_layout->frame_globals, MADE_NOWHERE);
}

static void keys_nowhere(void)
{
	made_put(python_world.globals, OX_PY_DICT_KEYS, MADE_NOWHERE);
}

static void keys_huge(void)
{
	uint64_t keys = made_get(python_world.globals, OX_PY_DICT_KEYS);

	if (made_has(OX_LAYOUT_KEYS))
		made_put_byte(keys, 9, 0xff);
	else
		made_put(keys, 8, HUGE);
}

/* Makes the dictionary of globals as large as the kernel side accepts. */
static void keys_far_away(void)
{
	uint64_t keys = made_get(python_world.globals, OX_PY_DICT_KEYS);

	if (made_has(OX_LAYOUT_KEYS))
		made_put_byte(keys, 9, 31);
	else
		made_put(keys, 8, UINT32_MAX);
}

static void position_far_away(void)
{
	made_place(python_world.frames[0], python_world.codes[0], INT32_MAX);
	if (made_has(OX_LAYOUT_POINTER))
		made_put(python_world.frames[0], made_layout->frame_position, HUGE);
}

static void self_of_a_class_nowhere(void)
{
	python_world_set_first_variable(0, "self", made_object(MADE_NOWHERE));
}

static void self_nowhere(void)
{
	python_world_set_first_variable(0, "self", MADE_NOWHERE);
}

static void variables_nowhere(void)
{
	made_put(python_world.codes[0], made_layout->code_variables, MADE_NOWHERE);
}

/* Makes a method resolution order that would be searched without end for each frame. */
static void endless_order(void)
{
	uint64_t class = python_world_class_of("Class", 0, 0, 0);
	uint64_t order = made_get(class, OX_PY_TYPE_MRO);

	made_put(order, 16, UINT64_MAX);
	for (int i = 0; i < 3; i++)
		python_world_set_first_variable(i, "cls", class);
}

static void endless_class(void)
{
	uint64_t class = python_world_class_of("Class", 0, 0, 0);
	uint64_t keys = made_get(made_get(class, OX_PY_TYPE_DICT), OX_PY_DICT_KEYS);

	made_put(keys, 32, UINT64_MAX);
	for (int i = 0; i < 3; i++)
		python_world_set_first_variable(i, "cls", class);
}

/* Makes a class whose one entry lies in the class itself. */
static void class_of_itself(void)
{
	uint64_t class = python_world_class_of("Class", 0, 0, 0);

	made_put(made_get(class, OX_PY_TYPE_DICT), OX_PY_DICT_KEYS, class);
	made_put(class, 8, 8);
	made_put(class, 32, UINT64_MAX);
	python_world_set_first_variable(0, "self", made_object(class));
}

static void class_without_a_name(void)
{
	uint64_t class = python_world_class_of("Class", 0, made_holder(python_world.codes[0]), 0);

	made_put(class, OX_PY_TYPE_NAME, MADE_NOWHERE);
	python_world_set_first_variable(0, "self", made_object(class));
}

static void c_frame_before_itself(void)
{
	uint64_t at = made_c_frame(MADE_NOWHERE, 0);

	made_put(at, made_layout->cframe_frame + 8, at);
	made_put(made_thread, made_layout->thread_frame, at);
}

static void c_frames_without_end(void)
{
	uint64_t at = made_begin(0);

	made_put(at, made_layout->frame_back, at);
	made_entered_from = 0;
	if (made_has(OX_LAYOUT_CFRAME))
		made_entered_from = at;
	made_run(made_thread, at);
}

static void own_code_without_end(void)
{
	made_put_u32(python_world.codes[0], made_layout->code_traceable, 1000);
	made_put(python_world.frames[0], made_layout->frame_back, python_world.frames[0]);
}

/* Versions: those that have all of `flags`; OLD: up to 3.10. */
#define OLD 0x8000u

static const struct {
	const char *name;
	void (*change)(void);
	unsigned flags;
	enum ox_python_end end;
	uint32_t n, n_named;
} changes[] = {
#define CHANGE(what, flags, end, n, n_named)        \
	{                                           \
#what, what, flags, end, n, n_named \
	}
	CHANGE(interpreters_in_a_circle, 0, OX_PYTHON_BROKEN, 0, 0),
	CHANGE(threads_in_a_circle, 0, OX_PYTHON_BROKEN, 0, 0),
	/* Its states are in several interpreters, it seems. */
	CHANGE(own_thread_in_a_circle, 0, OX_PYTHON_WHOLE, 12, 12),
	CHANGE(threads_nowhere, 0, OX_PYTHON_BROKEN, 0, 0),
	CHANGE(frames_in_a_circle, 0, OX_PYTHON_CUT, 512, 512),
	CHANGE(frame_before_itself, 0, OX_PYTHON_CUT, 512, 512),
	CHANGE(frame_nowhere, 0, OX_PYTHON_BROKEN, 0, 0),
	CHANGE(caller_nowhere, 0, OX_PYTHON_BROKEN, 1, 1),
	CHANGE(caller_in_the_kernel, 0, OX_PYTHON_BROKEN, 1, 1),
	CHANGE(caller_beyond_all_addresses, 0, OX_PYTHON_BROKEN, 1, 1),
	CHANGE(code_nowhere, 0, OX_PYTHON_BROKEN, 1, 1),
	CHANGE(code_in_the_kernel, 0, OX_PYTHON_BROKEN, 1, 1),
	CHANGE(code_of_another_type, 0, OX_PYTHON_BROKEN, 1, 1),
	CHANGE(name_missing, 0, OX_PYTHON_WHOLE, 3, 2),
	CHANGE(name_nowhere, 0, OX_PYTHON_WHOLE, 3, 2),
	CHANGE(name_in_the_kernel, 0, OX_PYTHON_WHOLE, 3, 2),
	CHANGE(name_without_a_width, 0, OX_PYTHON_WHOLE, 3, 2),
	CHANGE(name_of_odd_width, 0, OX_PYTHON_WHOLE, 3, 2),
	CHANGE(name_huge, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(name_that_wraps_around, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(file_nowhere, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(lines_nowhere, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(lines_huge, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(lines_of_all_memory, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(globals_nowhere, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(keys_nowhere, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(keys_huge, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(keys_far_away, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(position_far_away, 0, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(self_of_a_class_nowhere, OLD, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(self_nowhere, OLD, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(variables_nowhere, OLD, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(endless_order, OLD, OX_PYTHON_WHOLE, 3, SOME),
	CHANGE(endless_class, OLD, OX_PYTHON_WHOLE, 3, SOME),
	CHANGE(class_of_itself, OLD, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(class_without_a_name, OLD, OX_PYTHON_WHOLE, 3, 3),
	CHANGE(c_frame_before_itself, OX_LAYOUT_CFRAME, OX_PYTHON_BROKEN, 0, 0),
	CHANGE(c_frames_without_end, OX_LAYOUT_OWNER, OX_PYTHON_CUT, 512, 0),
	CHANGE(own_code_without_end, OX_LAYOUT_POINTER, OX_PYTHON_CUT, 0, 0),
#undef CHANGE
};

static void check_change(size_t i)
{
	const struct listed *most = python_world_look_once();
	uint32_t n_named = 0;

	for (uint32_t at = 0; at < most->n_python; at++)
		n_named += OX_PYTHON_ID(most->python[at]) > 0;
	cr_expect(most->has_python, "%x: %s", made_layout->version, changes[i].name);
	cr_expect(most->python_end == changes[i].end && most->n_python == changes[i].n &&
			  (n_named == changes[i].n_named ||
			   (changes[i].n_named == SOME && n_named > 0)),
		  "%x: %s: end %u, %u words, %u of them named", made_layout->version,
		  changes[i].name, most->python_end, most->n_python, n_named);
	/* The process is sampled all the same, as often as it is its turn. */
	cr_expect_eq(sampling_hits(0), sampling_counted());
}

static bool change_concerns(size_t i, const struct ox_layout *layout)
{
	if (changes[i].flags == OLD)
		return layout->code_variables;
	return (layout->flags & changes[i].flags) == changes[i].flags;
}

static void check_changes(uint32_t version_min, uint32_t version_max)
{
	foreach_layout(layout)
	{
		if (layout->version < version_min || layout->version > version_max)
			continue;
		for (size_t i = 0; i < array_length(changes); i++) {
			if (!change_concerns(i, layout))
				continue;
			made_start(layout);
			python_world_make_three();
			changes[i].change();
			check_change(i);
		}
	}
}

Test(python_hostile, whatever_is_in_its_memory_3_6_and_3_7)
{
	check_changes(0x0306, 0x0307);
}

Test(python_hostile, whatever_is_in_its_memory_3_8_to_3_10)
{
	check_changes(0x0308, 0x030a);
}

Test(python_hostile, whatever_is_in_its_memory_since_3_11)
{
	check_changes(0x030b, 0xffff);
}
