/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/process/process.h"
#include "daemon/resolver/ksyms.h"
#include "tests/support/sampling.h"

TestSuite(sampler, .init = sampling_set_up, .fini = sampling_tear_down);

Test(sampler, samples_the_chosen_process_and_no_other)
{
	struct busy_process chosen = busy_start(&(struct busy){.comm = "chosen", .depth = 5});
	struct busy_process other = busy_start(&(struct busy){.comm = "other", .depth = 5});
	struct sampler_target target = sampling_by_pid(chosen.pid);

	sampling_choose(&target, 1);
	sampling_run_both(&chosen, &other);
	cr_assert_gt(sampling_hits(0), 0);
	cr_assert_eq(sampling_hits(0), sampling_hits(chosen.pid));
	cr_assert_eq(sampling_hits(0), sampling_counted());
	/* Each tick is a sample or one that came too late; half of them is a safe lower bound. */
	cr_assert_gt(sampling_counted() + sampling_lost(OX_LOST_LATE),
		     20 * 1000000 / INTERVAL_NS / 2);
	busy_stop(&chosen);
	busy_stop(&other);
}

Test(sampler, a_sample_says_whose_it_is)
{
	struct busy_process busy =
		busy_start(&(struct busy){.comm = "who am i", .uid = NOBODY, .depth = 5});
	struct sampler_target target = sampling_by_pid(busy.pid);
	uint64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK);
	struct process_stat stat;

	sampling_choose(&target, 1);
	sampling_run(busy.pid, CPU_MS);
	cr_assert_eq(process_read_stat("/proc", busy.pid, &stat), 0);
	cr_assert_gt(sampling.n_seen, 0);
	for (size_t i = 0; i < sampling.n_seen; i++) {
		cr_assert_eq(sampling.seen[i].id.pid, (uint32_t)busy.pid);
		cr_assert_eq(sampling.seen[i].id.tid, (uint32_t)busy.pid);
		cr_assert_eq(sampling.seen[i].id.uid, NOBODY);
		cr_assert_eq(sampling.seen[i].id.start_ns / tick_ns, stat.start_ticks);
		cr_assert_str_eq(sampling.seen[i].id.process_comm, "who am i");
		cr_assert_str_eq(sampling.seen[i].id.thread_comm, "who am i");
		cr_assert_neq(sampling.seen[i].first_ns, 0);
	}
	busy_stop(&busy);
}

Test(sampler, a_stack_is_the_chain_of_frames)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 40});
	struct sampler_target target = sampling_by_pid(busy.pid);
	const struct listed *most;

	sampling_choose(&target, 1);
	sampling_run(busy.pid, CPU_MS);
	most = sampling_main();
	cr_assert_eq(most->n_user, 41);
	cr_assert_neq(most->end, OX_STOP_CUT);
	cr_assert_eq(most->n_kernel, 0);
	cr_assert_geq(most->user[0], (uintptr_t)busy_spin);
	cr_assert_lt(most->user[0], (uintptr_t)busy_spin + 16);
	for (unsigned i = 0; i < 40; i++)
		cr_assert_eq(most->user[i + 1], 0x10000 + i);
	busy_stop(&busy);
}

Test(sampler, an_equal_stack_is_kept_once)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 20});
	struct sampler_target target = sampling_by_pid(busy.pid);

	sampling_choose(&target, 1);
	busy_let(busy.pid, 10);
	sampling_run(busy.pid, CPU_MS);
	/* The loop has three instructions. */
	cr_assert_leq(sampling.n_seen, 3);
	for (size_t i = 0; i < sampling.n_seen; i++)
		for (size_t j = 0; j < i; j++)
			cr_assert_neq(sampling.seen[i].user[0], sampling.seen[j].user[0]);
	cr_assert_eq(sampling_hits(0), sampling_counted());
	busy_stop(&busy);
}

Test(sampler, nothing_is_lost_or_counted_twice_between_drains)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target = sampling_by_pid(busy.pid);

	sampling_choose(&target, 1);
	sampler_read_counters(sampling.sampler, &sampling.start);
	cr_assert_eq(sampler_enable(sampling.sampler), 0);
	for (int i = 0; i < 20; i++) {
		busy_let(busy.pid, 5);
		sampling_drain();
	}
	cr_assert_eq(sampler_disable(sampling.sampler), 0);
	sampling_drain();
	sampling_drain();
	cr_assert_gt(sampling_hits(0), 0);
	cr_assert_eq(sampling_hits(0), sampling_counted());
	busy_stop(&busy);
}

Test(sampler, disabled_it_takes_nothing)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target = sampling_by_pid(busy.pid);

	sampling_choose(&target, 1);
	sampler_read_counters(sampling.sampler, &sampling.start);
	busy_let(busy.pid, 20);
	sampling_drain();
	cr_assert_eq(sampling.n_seen + sampling_counted(), 0);
	sampling_run(busy.pid, 20);
	cr_assert_gt(sampling_counted(), 0);
	sampling.n_seen = 0;
	sampler_read_counters(sampling.sampler, &sampling.start);
	busy_let(busy.pid, 20);
	sampling_drain();
	sampling_drain();
	cr_assert_eq(sampling.n_seen + sampling_counted(), 0);
	busy_stop(&busy);
}

static int fail(void *userdata, const struct sampler_sample *sample)
{
	sampling.n_seen++;
	return sampling.n_seen == 1 ? -ENOTTY : -EXDEV;
}

Test(sampler, a_failure_of_the_reader_is_told_after_all_was_handed_out)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target = sampling_by_pid(busy.pid);

	sampling_choose(&target, 1);
	cr_assert_eq(sampler_enable(sampling.sampler), 0);
	busy_let(busy.pid, 20);
	cr_assert_eq(sampler_disable(sampling.sampler), 0);
	sampler_swap(sampling.sampler);
	cr_assert_eq(sampler_foreach(sampling.sampler, fail, NULL), -ENOTTY);
	sampler_clear(sampling.sampler);
	cr_assert_gt(sampling.n_seen, 0);
	sampling.n_seen = 0;
	sampling_drain();
	sampling_drain();
	cr_assert_eq(sampling.n_seen, 0);
	busy_stop(&busy);
}

Test(sampler, the_deepest_stack_is_whole)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = OX_MAX_USER_FRAMES - 1});
	struct sampler_target target = sampling_by_pid(busy.pid);

	sampling_choose(&target, 1);
	busy_let(busy.pid, 10);
	sampling_run(busy.pid, CPU_MS);
	cr_assert_eq(sampling_main()->n_user, OX_MAX_USER_FRAMES);
	cr_assert_neq(sampling_main()->end, OX_STOP_CUT);
	cr_assert_eq(sampling_main()->user[OX_MAX_USER_FRAMES - 1],
		     0x10000 + OX_MAX_USER_FRAMES - 2);
	busy_stop(&busy);
}

Test(sampler, a_deeper_one_is_cut_and_says_so)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = OX_MAX_USER_FRAMES});
	struct sampler_target target = sampling_by_pid(busy.pid);

	sampling_choose(&target, 1);
	busy_let(busy.pid, 10);
	sampling_run(busy.pid, CPU_MS);
	cr_assert_eq(sampling_main()->end, OX_STOP_CUT);
	cr_assert_eq(sampling_main()->n_user, OX_MAX_USER_FRAMES);
	/* The leaf end is there. */
	cr_assert_eq(sampling_main()->user[1], 0x10000);
	busy_stop(&busy);
}

Test(sampler, a_circle_of_frames_ends)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 3, .loops = true});
	struct sampler_target target = sampling_by_pid(busy.pid);

	sampling_choose(&target, 1);
	busy_let(busy.pid, 10);
	sampling_run(busy.pid, CPU_MS);
	cr_assert_eq(sampling_main()->n_user, 4);
	cr_assert_neq(sampling_main()->end, OX_STOP_CUT);
	busy_stop(&busy);
}

Test(sampler, a_leaf_without_a_caller_says_that_there_was_no_table)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 0});
	struct sampler_target target = sampling_by_pid(busy.pid);

	sampling_choose(&target, 1);
	busy_let(busy.pid, 10);
	sampling_run(busy.pid, CPU_MS);
	cr_assert_gt(sampling_counted(), 0);
	cr_assert_eq(sampling_main()->n_user, 1);
	cr_assert_eq(sampling_main()->end, OX_STOP_NO_TABLE);
	busy_stop(&busy);
}

static int read_ksyms(void *userdata, const char *text, size_t length)
{
	cr_assert(!length || text[length - 1] == '\n');
	return ksyms_parse(userdata, text, length);
}

Test(sampler, the_kernels_side_is_there_for_who_may_see_it)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5, .in_kernel = true});
	struct sampler_target target = sampling_by_pid(busy.pid);
	struct ksyms *ksyms = ksyms_new();
	const char *name, *module;
	bool found = false;

	sampling_choose(&target, 1);
	busy_let(busy.pid, 10);
	sampling_run(busy.pid, CPU_MS);
	cr_assert_gt(sampling_counted(), 0);
	for (size_t i = 0; i < sampling.n_seen; i++)
		cr_assert_eq(sampling.seen[i].n_kernel, 0);

	sampling.sessions[0].kernel = true;
	sampling_choose(&target, 1);
	sampling_run(busy.pid, CPU_MS);
	cr_assert_gt(sampling_main()->n_kernel, 0);
	cr_assert_eq(sampling_main()->n_user, 6);
	cr_assert_eq(sampling_hits(0), sampling_counted());

	cr_assert_eq(sampler_read_ksyms(sampling.sampler, read_ksyms, ksyms), 0);
	ksyms_sort(ksyms);
	for (uint32_t i = 0; i < sampling_main()->n_kernel; i++)
		found |= ksyms_find(ksyms, sampling_main()->kernel[i], &name, &module) > 0 &&
			 strstr(name, "read");
	cr_assert(found);
	ksyms_free(ksyms);
	busy_stop(&busy);
}

Test(sampler, the_interval_that_was_achieved_is_measured)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target = sampling_by_pid(busy.pid);
	struct sampler_counters now;
	struct sampler_pace pace;

	sampling_choose(&target, 1);
	sampling_run(busy.pid, CPU_MS);
	sampler_read_counters(sampling.sampler, &now);
	sampler_read_pace(sampling.sampler, 0, &pace);
	cr_assert_gt(pace.gap_n, 0);
	/* A mean of half the interval would be wrong on any machine. */
	cr_assert_gt(INTERVAL_NS + pace.gap_sum_ns / pace.gap_n, INTERVAL_NS / 2.0);
	cr_assert_geq(pace.gap_squares_ns, 0);
	cr_assert_gt(now.timed_n, 0);
	cr_assert_gt(now.timed_ns, 0);
	busy_stop(&busy);
}
