/* SPDX-License-Identifier: MIT */
/* Threads that are in the middle of a change of their own frames (bpf/transient.bpf.h). */
#include <criterion/criterion.h>

#include "daemon/base/cleanup.h"
#include "tests/support/python_world.h"

TestSuite(python_transient, .init = python_world_set_up, .fini = python_world_tear_down);

Test(python_transient, a_c_frame_that_is_not_filled_in_yet_gives_way_to_the_one_before)
{
	static const uint64_t garbage[] = {MADE_NOWHERE, UINT64_C(0xdead0000beef0000), 1};

	foreach_layout(layout)
	{
		for (size_t i = 0; i < array_length(garbage); i++) {
			if (!(layout->flags & OX_LAYOUT_CFRAME))
				continue;
			made_start(layout);
			python_world_make_three();
			made_put(made_thread, layout->thread_frame,
				 made_c_frame(garbage[i], made_c_frame(python_world.frames[0], 0)));
			python_world_check_end(python_world_look_once(), OX_PYTHON_WHOLE, 3);
			python_world_check_three(sampling_main(), 0);
			/* There is no previous _PyCFrame, or its frame is garbage, too. */
			made_put(made_thread, layout->thread_frame,
				 made_c_frame(garbage[i], made_c_frame(0, 0)));
			python_world_check_end(python_world_look_once(), OX_PYTHON_BROKEN, 0);
			made_put(made_thread, layout->thread_frame,
				 made_c_frame(garbage[i], made_c_frame(garbage[i], 0)));
			python_world_check_end(python_world_look_once(), OX_PYTHON_BROKEN, 0);
			made_put(made_thread, layout->thread_frame, made_c_frame(garbage[i], 0));
			python_world_check_end(python_world_look_once(), OX_PYTHON_BROKEN, 0);
		}
	}
}

/* The frame names another caller than the previous _PyCFrame does; or none, as a generator that has
 * yielded. */
Test(python_transient, what_is_left_over_of_an_earlier_call_gives_way_to_the_c_frame_before)
{
	foreach_layout(layout)
	{
		static const uint64_t callers[] = {MADE_NOWHERE, 0};

		for (size_t i = 0; i < array_length(callers); i++) {
			uint64_t frame, at;

			if (!(layout->flags & OX_LAYOUT_CFRAME))
				continue;
			made_start(layout);
			python_world_make_three();
			frame = made_call(python_world.frames[0], python_world.codes[2], 22,
					  python_world.globals, true);
			made_run(made_thread, made_call(frame, python_world.codes[1], 2,
							python_world.globals, false));
			at = made_has(OX_LAYOUT_OWNER) ? made_get(frame, layout->frame_back)
						       : frame;
			made_put(at, layout->frame_back, callers[i]);
			python_world_check_end(python_world_look_once(), OX_PYTHON_WHOLE, 3);
			python_world_check_three(sampling_main(), 0);
		}
	}
}

Test(python_transient, callers_that_are_missing_are_told)
{
	foreach_layout(layout)
	{
		made_start(layout);
		python_world_make_three();
		made_run(made_thread,
			 made_call(0, python_world.codes[0], 2, python_world.globals, false));
		python_world_check_end(
			python_world_look_once(),
			python_world_begins_itself() ? OX_PYTHON_WHOLE : OX_PYTHON_BROKEN, 1);
		python_world_check_name(sampling_main()->python[0], "leaf");
	}
}

/* ---- what is in a register ---- */

/* Makes a _PyCFrame of which not even the pointer to the previous one is filled in; the C code that
 * called has its own _PyCFrame in a register. With from_below that one lies further down the C
 * stack. */
static void make_unfilled(uint64_t garbage, bool from_below, uint64_t stale)
{
	uint64_t c_frame, own;

	made_start(made_layout);
	made_alloc(512); /* what is nearer to the thread's state is in it */
	c_frame = made_c_frame(0, 0);
	python_world_make_three();
	own = made_c_frame(python_world.frames[0], made_c_frame(python_world.frames[2], 0));
	python_world.in_register = own;
	if (from_below) {
		python_world.in_register = c_frame;
		made_put(c_frame, made_layout->cframe_frame, python_world.frames[0]);
		c_frame = own;
	}
	made_put(c_frame, made_layout->cframe_frame, garbage);
	made_put(c_frame, made_layout->cframe_frame + 8, stale);
	made_put(made_thread, made_layout->thread_frame, c_frame);
}

Test(python_transient, a_c_frame_that_is_not_filled_in_has_its_caller_in_a_register)
{
	static const uint64_t garbage[] = {0, MADE_NOWHERE, UINT64_C(0xdead0000beef0000), 1};

	foreach_layout(layout)
	{
		if (!(layout->flags & OX_LAYOUT_CFRAME))
			continue;
		made_layout = layout;
		for (size_t i = 0; i < array_length(garbage); i++) {
			make_unfilled(garbage[i], false, MADE_NOWHERE);
			python_world_check_end(python_world_look_once(), OX_PYTHON_WHOLE, 3);
			python_world_check_three(sampling_main(), 0);
			/* Callers are further up the stack. */
			make_unfilled(garbage[i], true, MADE_NOWHERE);
			python_world_check_end(python_world_look_once(), OX_PYTHON_BROKEN, 0);
		}
	}
}

/* The pointer to the previous _PyCFrame is left over, too, and looks right. */
Test(python_transient, the_register_counts_before_what_is_left_over)
{
	foreach_layout(layout)
	{
		uint64_t old;

		if (!(layout->flags & OX_LAYOUT_CFRAME))
			continue;
		made_layout = layout;
		make_unfilled(MADE_NOWHERE, false, MADE_NOWHERE);
		old = made_get(python_world.in_register, layout->cframe_frame + 8);
		made_put(made_get(made_thread, layout->thread_frame), layout->cframe_frame + 8,
			 old);
		python_world_check_end(python_world_look_once(), OX_PYTHON_WHOLE, 3);
		python_world_check_three(sampling_main(), 0);
	}
}

/* Makes a frame at the position that frames[0] called, but that names frames[other] as its caller.
 */
static void make_called(const struct ox_layout *layout, int32_t position, unsigned other)
{
	made_start(layout);
	python_world_make_three();
	made_run(made_thread, made_call(python_world.frames[other], python_world_code_new("called"),
					position, python_world.globals, false));
	python_world.in_register = python_world.frames[0];
}

/* Before a frame has begun, its caller may be left over from an earlier frame at that place, and
 * look right. */
Test(python_transient, a_caller_that_is_left_over_is_not_believed)
{
	foreach_layout(layout)
	{
		made_layout = layout;
		if (!made_has(OX_LAYOUT_CFRAME))
			continue;
		make_called(layout, -2, 1);
		python_world_check_end(python_world_look_once(), OX_PYTHON_BROKEN, 1);
		python_world_check_name(sampling_main()->python[0], "called");
		/* Once it has begun, the caller is right, whatever is in a register. */
		make_called(layout, 0, 1);
		python_world_check_end(python_world_look_once(), OX_PYTHON_WHOLE, 3);
		/* The caller is also right where the register has the same frame. */
		make_called(layout, -2, 0);
		python_world_check_end(python_world_look_once(), OX_PYTHON_WHOLE, 4);
		python_world.in_register = 0;
		python_world_check_end(python_world_look_once(), OX_PYTHON_WHOLE, 4);
	}
}

/* Makes a generator that `leaf` of make_three() called, but whose pointer to it is cleared. */
static uint64_t make_generator(const struct ox_layout *layout)
{
	uint64_t generator;

	made_start(layout);
	python_world_make_three();
	generator = made_call(python_world.frames[0], python_world_code_new("generator"), 80,
			      python_world.globals, false);
	made_run(made_thread, generator);
	made_put(generator, layout->frame_back, 0);
	return generator;
}

static void check_generator_alone(void)
{
	python_world_check_end(python_world_look_once(), OX_PYTHON_BROKEN, 1);
	python_world_check_name(sampling_main()->python[0], "generator");
	cr_expect_eq(sampling_main()->python[0] & OX_PYTHON_ENTRY, 0);
}

Test(python_transient, a_generator_without_a_caller_has_it_in_a_register)
{
	foreach_layout(layout)
	{
		made_layout = layout;
		if (python_world_begins_itself())
			continue;
		make_generator(layout);
		python_world.in_register = python_world.frames[0];
		/* Without a _PyCFrame nothing confirms the register, so it is not used. */
		if (!made_has(OX_LAYOUT_CFRAME)) {
			check_generator_alone();
			continue;
		}
		python_world_check_end(python_world_look_once(), OX_PYTHON_WHOLE, 4);
		python_world_check_name(sampling_main()->python[0], "generator");
		cr_expect_eq(sampling_main()->python[0] & OX_PYTHON_ENTRY, 0);
		python_world_check_three(sampling_main(), 1);
	}
}

Test(python_transient, what_is_no_caller_is_not_guessed)
{
	foreach_layout(layout)
	{
		made_layout = layout;
		if (python_world_begins_itself())
			continue;
		python_world.in_register = make_generator(layout);
		check_generator_alone();
		make_generator(layout);
		python_world.in_register = python_world.frames[0] + 4;
		check_generator_alone();
		python_world.in_register = python_world.codes[0];
		check_generator_alone();
	}
}

/* A guess that leads to a frame outside of the thread's stack: none of its frames stays. */
Test(python_transient, a_guess_that_leads_nowhere_is_taken_back)
{
	foreach_layout(layout)
	{
		uint64_t other;

		made_layout = layout;
		if (python_world_begins_itself())
			continue;
		make_generator(layout);
		other = made_call(0, python_world.codes[0], 2, python_world.globals, false);
		made_put(other, layout->frame_back, MADE_NOWHERE);
		python_world.in_register =
			made_call(other, python_world.codes[0], 2, python_world.globals, false);
		check_generator_alone();
	}
}

/* Where no _PyCFrame is missing, a guess has to fit the previous one. */
Test(python_transient, a_guess_that_another_c_frame_began_is_taken_back)
{
	foreach_layout(layout)
	{
		if (!(layout->flags & OX_LAYOUT_CFRAME))
			continue;
		make_generator(layout);
		python_world.in_register = python_world.frames[2];
		check_generator_alone();
		python_world.in_register = made_call(python_world.frames[1], python_world.codes[0],
						     2, python_world.globals, true);
		check_generator_alone();
	}
}
