/* SPDX-License-Identifier: MIT */
/* The frames of a thread, by the kernel side (bpf/python.bpf.h). */
#include <criterion/criterion.h>
#include <pthread.h>

#include "tests/support/python_world.h"

TestSuite(python_walk, .init = python_world_set_up, .fini = python_world_tear_down);

Test(python_walk, frames_of_each_version)
{
	foreach_layout(layout)
	{
		const struct listed *most;

		made_start(layout);
		python_world_make_three();
		most = python_world_look_once();
		python_world_check_end(most, OX_PYTHON_WHOLE, 3);
		python_world_check_three(most, 0);
		cr_expect_eq(python_world.sent.heads, 3, "each once");
	}
}

Test(python_walk, a_frame_that_has_not_begun_says_so)
{
	foreach_layout(layout)
	{
		const struct listed *most;

		made_start(layout);
		python_world_make_three();
		made_place(python_world.frames[0], python_world.codes[0], -2);
		most = python_world_look_once();
		python_world_check_end(most, OX_PYTHON_WHOLE, 3);
		cr_expect_eq(OX_PYTHON_POSITION(most->python[0]), OX_PYTHON_NOT_BEGUN);
		cr_expect_eq(OX_PYTHON_POSITION(most->python[1]), 40);
	}
}

Test(python_walk, c_code_that_has_begun_nothing_is_no_frame)
{
	foreach_layout(layout)
	{
		uint64_t leaf = 0;
		const struct listed *most;

		if (!(layout->flags & OX_LAYOUT_OWNER))
			continue;
		made_start(layout);
		python_world_make_three();
		leaf = made_begin(made_begin(python_world.frames[0]));
		made_run(made_thread, leaf);
		most = python_world_look_once();
		python_world_check_end(most, OX_PYTHON_WHOLE, 5);
		for (int i = 0; i < 2; i++)
			cr_expect_eq(most->python[i],
				     (uint64_t)OX_PYTHON_NO_FRAME << 1 | OX_PYTHON_ENTRY);
		python_world_check_name(most->python[2], "leaf");
	}
}

/* The code that ends a call of __init__() has no instruction of its own. */
Test(python_walk, frames_of_the_interpreters_own_code_are_none)
{
	foreach_layout(layout)
	{
		uint64_t own, frame;
		const struct listed *most;

		if (!layout->code_traceable)
			continue;
		made_start(layout);
		python_world_make_three();
		own = python_world_code_new("own");
		made_put_u32(own, layout->code_traceable, 1000);
		frame = made_call(python_world.frames[0], own, 2, python_world.globals, false);
		made_run(made_thread,
			 made_call(frame, python_world.codes[0], 22, python_world.globals, false));
		most = python_world_look_once();
		python_world_check_end(most, OX_PYTHON_WHOLE, 4);
		cr_expect_eq(OX_PYTHON_POSITION(most->python[0]), 22);
		python_world_check_three(most, 1);
		cr_expect_eq(python_world.sent.heads, 3);
	}
}

Test(python_walk, a_thread_that_runs_nothing_has_no_frames)
{
	foreach_layout(layout)
	{
		const struct listed *most;

		made_start(layout);
		made_run(made_thread, 0);
		most = python_world_look_once();
		cr_expect_eq(most->n_python, 0);
		cr_expect_eq(most->python_end, OX_PYTHON_WHOLE);
	}
}

Test(python_walk, before_there_is_an_interpreter_there_is_nothing)
{
	foreach_layout(layout)
	{
		made_start(layout);
		python_world_make_three();
		made_put(made_runtime, layout->runtime_interpreters, 0);
		cr_expect_not(python_world_look_once()->has_python);
	}
}

Test(python_walk, a_thread_that_is_not_the_interpreters_says_so)
{
	foreach_layout(layout)
	{
		made_start(layout);
		python_world_make_three();
		made_put(made_thread, layout->thread_id, pthread_self() + 8);
		python_world_check_end(python_world_look_once(), OX_PYTHON_BROKEN, 0);
	}
}

/* ---- deep stacks ---- */

static void make_deep(unsigned n, bool through_c)
{
	uint64_t code = python_world_code_new("deep"), frame = 0;

	python_world.globals = made_module("app");
	for (unsigned i = 0; i < n; i++)
		frame = made_call(frame, code, 2 * (n - 1 - i), python_world.globals,
				  through_c || i == 0);
	made_run(made_thread, frame);
}

static void check_deep(const struct listed *most, enum ox_python_end python_end)
{
	python_world_check_end(most, python_end, OX_MAX_PYTHON_FRAMES);
	for (uint32_t i = 0; i < most->n_python; i++)
		cr_assert_eq(OX_PYTHON_POSITION(most->python[i]), 2 * i);
	cr_expect_eq(python_world.sent.heads, 1);
}

Test(python_walk, the_deepest_stack_is_whole)
{
	foreach_layout(layout)
	{
		for (int through_c = 0; through_c < 2; through_c++) {
			made_start(layout);
			make_deep(OX_MAX_PYTHON_FRAMES, through_c);
			check_deep(python_world_look_once(), OX_PYTHON_WHOLE);
		}
	}
}

Test(python_walk, a_deeper_one_is_cut_and_says_so)
{
	foreach_layout(layout)
	{
		for (int through_c = 0; through_c < 2; through_c++) {
			made_start(layout);
			make_deep(OX_MAX_PYTHON_FRAMES + 1, through_c);
			check_deep(python_world_look_once(), OX_PYTHON_CUT);
		}
	}
}

/* Each sample brings some; in the end all of them have names. */
