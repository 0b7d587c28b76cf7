/* SPDX-License-Identifier: MIT */
/* Sessions with different intervals on one timer. What is exact about that is in test_pace.c. */
#include <criterion/criterion.h>
#include <math.h>

#include "tests/support/sampling.h"

TestSuite(sampler_plan, .init = sampling_set_up, .fini = sampling_tear_down);

#define RATIO 10

/* Lets two sessions have one process, the second with an interval that is RATIO times as long. */
static void begin_two(const struct busy_process *busy, struct sampler_target *target)
{
	*target = sampling_by_pid(busy->pid);
	target->target.sessions = 3;
	sampling.sessions[1] = sampling.sessions[0];
	sampling.sessions[1].interval_ns = RATIO * INTERVAL_NS;
	sampling.plan.running = 3;
	sampling_choose(target, 1);
}

static uint64_t ticks(unsigned slot)
{
	return sampling_taken_by(slot) + sampling_lost_by(slot, OX_LOST_LATE);
}

/* Checks the rates. The process has the CPU in pieces, of each of which the second session sees
 * every tenth tick. */
static void check_ratio(void)
{
	double expected = ticks(0) / (double)RATIO;

	cr_assert_gt(sampling_taken_by(1), 0);
	cr_assert_leq(fabs(ticks(1) - expected), 5 * sqrt(expected) + 3, "%lu %lu", ticks(0),
		      ticks(1));
}

Test(sampler_plan, each_session_has_its_own_rate)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target;

	begin_two(&busy, &target);
	sampling_run(busy.pid, 500);
	check_ratio();
	/* All that the slow one takes, the fast one takes too. */
	cr_assert_eq(sampling_taken_by(0), sampling_counted());
	busy_stop(&busy);
}

Test(sampler_plan, each_session_has_its_own_interval_measured)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target;
	struct sampler_pace pace;

	begin_two(&busy, &target);
	sampling_run(busy.pid, 200);
	for (unsigned slot = 0; slot < 2; slot++) {
		uint64_t interval_ns = sampling.sessions[slot].interval_ns;

		sampler_read_pace(sampling.sampler, slot, &pace);
		cr_assert_gt(pace.gap_n, 0);
		/* A mean of half the interval would be wrong on any machine. */
		cr_assert_gt(interval_ns + pace.gap_sum_ns / pace.gap_n, interval_ns / 2.0);
	}
	busy_stop(&busy);
}

/* The second session comes first; then the first one, with which the timers have to get faster. */
Test(sampler_plan, timers_follow_the_shortest_interval)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target;

	begin_two(&busy, &target);
	sampling.plan.running = 2;
	sampling_choose(&target, 1);
	sampling_start();
	busy_let(busy.pid, 20);
	sampling_drain();
	cr_assert_eq(sampling_taken_by(0), 0);
	/* Not as many as the period of the first one would give. */
	cr_assert_lt(sampling_counted(), 20 * 1000000 / INTERVAL_NS / 2);
	sampling.plan.running = 3;
	sampling_choose(&target, 1);
	busy_let(busy.pid, 500);
	sampling_stop();
	/* Ten times as many, at most; with timers as slow as before, as many. */
	cr_assert_gt(sampling_taken_by(0), 2 * sampling_taken_by(1));
	busy_stop(&busy);
}

/* A target that two sessions have goes on for one of them when the other one ends. */
Test(sampler_plan, an_end_ends_nothing_of_another)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target;
	uint64_t before;

	begin_two(&busy, &target);
	sampling_start();
	busy_let(busy.pid, 20);
	sampling.plan.running = 2;
	target.target.sessions = 2;
	sampling_choose(&target, 1);
	sampling_drain();
	before = sampling_taken_by(0);
	cr_assert_gt(before, 0);
	busy_let(busy.pid, 100);
	sampling_stop();
	cr_assert_eq(sampling_taken_by(0), before);
	cr_assert_gt(ticks(1), 100 * 1000000 / (RATIO * INTERVAL_NS) / 2);
	busy_stop(&busy);
}

Test(sampler_plan, nothing_runs_without_a_session)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target;

	begin_two(&busy, &target);
	sampling_start();
	sampling.plan = (struct sampler_plan){0};
	sampling_choose(NULL, 0);
	sampling_drain();
	sampler_read_counters(sampling.sampler, &sampling.start);
	busy_let(busy.pid, 20);
	sampling_stop();
	cr_assert_eq(sampling_counted(), 0);
	busy_stop(&busy);
}
