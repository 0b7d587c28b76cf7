/* SPDX-License-Identifier: MIT */
/* Which state is the thread's own (bpf/thread.bpf.h). */
#include <criterion/criterion.h>
#include <pthread.h>

#include "tests/support/python_world.h"

TestSuite(python_threads, .init = python_world_set_up, .fini = python_world_tear_down);

#define THREADS 300

Test(python_threads, one_of_many_threads_is_found_and_remembered)
{
	foreach_layout(layout)
	{
		uint64_t first = 0;

		made_start(layout);
		python_world_make_three();
		for (int i = 0; i < THREADS; i++)
			first = made_add_thread(made_interpreter, 0x1000 + i);
		python_world_begin();
		python_world_check_end(python_world_look_for(SHORT_MS), OX_PYTHON_WHOLE, 3);
		/* From here on the list leads nowhere: it is known already. */
		made_put(first, layout->thread_next, MADE_NOWHERE);
		python_world_check_end(python_world_look_for(SHORT_MS), OX_PYTHON_WHOLE, 3);
		python_world_check_three(sampling_main(), 0);
		/* The thread's state belongs to another thread by now. */
		made_put(made_thread, layout->thread_id, 0x998);
		python_world_check_end(python_world_look_for(SHORT_MS), OX_PYTHON_BROKEN, 0);
		python_world_end();
	}
}

/* A thread that is called back gets a state each time; an old one may still be there. */
Test(python_threads, a_remembered_state_that_runs_nothing_is_looked_for_anew)
{
	foreach_layout(layout)
	{
		uint64_t second;

		made_start(layout);
		/* Behind another one, so that what is in front stays. */
		second = made_add_thread(made_interpreter, 0x999);
		made_add_thread(made_interpreter, 0x998);
		python_world_make_three();
		python_world_begin();
		python_world_check_end(python_world_look_for(SHORT_MS), OX_PYTHON_WHOLE, 3);
		made_put(second, layout->thread_frame, made_get(made_thread, layout->thread_frame));
		made_put(second, layout->thread_id, pthread_self());
		made_put(made_thread, layout->thread_frame, 0);
		if (made_has(OX_LAYOUT_CFRAME))
			made_run(made_thread, 0);
		python_world_check_end(python_world_look_for(SHORT_MS), OX_PYTHON_WHOLE, 3);
		python_world_check_three(sampling_main(), 0);
		python_world_end();
	}
}

Test(python_threads, a_thread_has_a_state_in_each_interpreter)
{
	foreach_layout(layout)
	{
		uint64_t inner, thread;
		const struct listed *most;

		if (layout->flags & OX_LAYOUT_CURRENT)
			continue; /* it leads to one interpreter alone */
		made_start(layout);
		python_world_make_three();
		inner = made_add_interpreter();
		made_add_thread(inner, 0x999);
		thread = made_add_thread(inner, pthread_self());
		made_run(thread, made_call(0, python_world_code_new("inner"), 80,
					   python_world.globals, true));
		most = python_world_look_once();
		python_world_check_end(most, OX_PYTHON_WHOLE, 4);
		python_world_check_name(most->python[0], "inner");
		cr_expect_eq(most->python[0] & OX_PYTHON_ENTRY, 1);
		python_world_check_three(most, 1);
	}
}

Test(python_threads, interpreters_without_this_thread_are_passed_over)
{
	foreach_layout(layout)
	{
		uint64_t other;

		if (layout->flags & OX_LAYOUT_CURRENT)
			continue;
		made_start(layout);
		python_world_make_three();
		for (int i = 0; i < 5; i++) {
			other = made_add_interpreter();
			if (i != 2)
				made_add_thread(other, 0x999);
			made_interpreter = other;
		}
		python_world_check_end(python_world_look_once(), OX_PYTHON_WHOLE, 3);
		python_world_check_three(sampling_main(), 0);
	}
}

/* A state whose _PyCFrame is gone, while another one of the thread's runs. */
Test(python_threads, a_remembered_state_that_cannot_be_read_is_looked_for_anew)
{
	foreach_layout(layout)
	{
		uint64_t second;

		if (!(layout->flags & OX_LAYOUT_CFRAME))
			continue;
		made_start(layout);
		second = made_add_thread(made_interpreter, 0x999);
		made_add_thread(made_interpreter, 0x998);
		python_world_make_three();
		python_world_begin();
		python_world_check_end(python_world_look_for(SHORT_MS), OX_PYTHON_WHOLE, 3);
		made_put(second, layout->thread_frame, made_get(made_thread, layout->thread_frame));
		made_put(second, layout->thread_id, pthread_self());
		made_put(made_thread, layout->thread_frame, MADE_NOWHERE);
		python_world_check_end(python_world_look_for(SHORT_MS), OX_PYTHON_WHOLE, 3);
		python_world_end();
	}
}
