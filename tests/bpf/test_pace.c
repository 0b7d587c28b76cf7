/* SPDX-License-Identifier: MIT */
/* Thinning, by arithmetic alone: no clock, no kernel. */
#include <criterion/criterion.h>

#include "bpf/pace.h"

#define MS UINT64_C(1000000)

/* A CPU with one session: its timer's ticks are what a test gives it. */
struct world {
	struct ox_pace pace;
	uint64_t interval_ns, period_ns, woken_ns;
	uint64_t taken, missed;
};

/* Returns true if the tick is a sample. */
static bool tick(struct world *world, uint64_t now_ns)
{
	struct ox_tick tick = {now_ns, world->period_ns, world->woken_ns};
	uint64_t missed;
	bool is_due = pace_step(&world->pace, world->interval_ns, &tick, (ox_u64 *)&missed);

	world->woken_ns = 0;
	world->taken += is_due;
	world->missed += is_due ? missed : 0;
	return is_due;
}

/* Ticks once a period, each as late as a timer may be, from one time until before another. */
static void run(struct world *world, uint64_t from_ns, uint64_t until_ns)
{
	uint32_t random = 1;

	for (uint64_t now_ns = from_ns; now_ns < until_ns; now_ns += world->period_ns) {
		random = random * 1103515245 + 12345;
		tick(world, now_ns + random % (world->period_ns / 20));
	}
}

Test(pace, at_the_period_every_tick_is_a_sample)
{
	struct world world = {.interval_ns = MS, .period_ns = MS};

	run(&world, MS, 1001 * MS);
	cr_assert_eq(world.taken, 1000);
	cr_assert_eq(world.missed, 0);
}

/* An interval that no number of ticks is: 10 s have as many samples as that interval gives. */
Test(pace, at_a_longer_interval_the_rate_is_exact)
{
	static const uint64_t intervals[] = {MS,           1003000, 1500001, 2 * MS, 7 * MS + 1234,
					     100 * MS + 3, 999 * MS};

	for (size_t i = 1; i < sizeof(intervals) / sizeof(*intervals); i++) {
		struct world world = {.interval_ns = intervals[i], .period_ns = MS};
		uint64_t expected = 10000 * MS / intervals[i];

		run(&world, MS, 10001 * MS);
		cr_assert_geq(world.taken, expected);
		cr_assert_leq(world.taken, expected + 1);
		cr_assert_eq(world.missed, 0, "%lu", intervals[i]);
	}
}

Test(pace, two_sessions_do_not_know_of_each_other)
{
	struct world fast = {.interval_ns = 1003009, .period_ns = 1003009};
	struct world slow = {.interval_ns = 100 * MS, .period_ns = 1003009};

	run(&fast, MS, 10001 * MS);
	run(&slow, MS, 10001 * MS);
	cr_assert_leq(fast.taken, 9971);
	cr_assert_geq(fast.taken, 9969);
	cr_assert_leq(slow.taken, 101);
	cr_assert_geq(slow.taken, 100);
}

Test(pace, ticks_that_the_timer_skipped_are_counted)
{
	struct world world = {.interval_ns = MS, .period_ns = MS};

	tick(&world, 10 * MS);
	tick(&world, 11 * MS);
	tick(&world, 15 * MS + 3);
	cr_assert_eq(world.taken, 3);
	cr_assert_eq(world.missed, 3);
	tick(&world, 16 * MS);
	cr_assert_eq(world.missed, 3);
}

Test(pace, of_a_thinned_session_only_its_own_points_are_missed)
{
	struct world world = {.interval_ns = 10 * MS, .period_ns = MS};

	cr_assert(tick(&world, 100 * MS)); /* 110, 120 ... are its points */
	cr_assert_not(tick(&world, 107 * MS));
	cr_assert_eq(world.missed, 0);
	cr_assert(tick(&world, 134 * MS));
	cr_assert_eq(world.missed, 2);
	cr_assert_not(tick(&world, 135 * MS));
	cr_assert(tick(&world, 140 * MS - 400000)); /* the nearest tick to 140 */
	cr_assert_not(tick(&world, 140 * MS + 600000));
	cr_assert_eq(world.missed, 2);
}

Test(pace, what_an_idle_cpu_slept_over_is_not_missed)
{
	struct world all = {.interval_ns = MS, .period_ns = MS};
	struct world some = {.interval_ns = 10 * MS, .period_ns = MS};

	tick(&all, 100 * MS);
	tick(&some, 100 * MS);
	all.woken_ns = some.woken_ns = 500 * MS + 100;
	cr_assert(tick(&all, 500 * MS + 400000));
	/* The point that it slept over is 500, and the tick is the nearest one to that. */
	cr_assert(tick(&some, 500 * MS + 400000));
	some.woken_ns = 690 * MS + 100;
	cr_assert_not(tick(&some, 690 * MS + 700000));
	cr_assert_eq(all.missed + some.missed, 0);
}

Test(pace, what_was_missed_since_it_woke_up_is)
{
	struct world all = {.interval_ns = MS, .period_ns = MS};
	struct world some = {.interval_ns = 10 * MS, .period_ns = MS};

	tick(&all, 100 * MS);
	tick(&some, 100 * MS);
	all.woken_ns = some.woken_ns = 505 * MS;
	cr_assert(tick(&all, 525 * MS));
	cr_assert_eq(all.missed, 19);
	cr_assert(tick(&some, 545 * MS)); /* 510, 520, 530, 540 */
	cr_assert_eq(some.missed, 3);
}

/* Bursts of a third of a period after each sleep: of the ticks that hit one, every tenth is a
 * sample of a session with the tenfold interval. */
Test(pace, short_bursts_are_sampled_at_the_same_rate)
{
	struct world world = {.interval_ns = 10 * MS, .period_ns = MS};
	uint64_t hits = 0;

	for (unsigned i = 0; i < 100000; i++) {
		uint64_t now_ns = (1000 + 7 * i) * MS + i % 97 * 1000;

		world.woken_ns = now_ns - MS / 3;
		hits += tick(&world, now_ns);
	}
	cr_assert_geq(hits, 9900);
	cr_assert_leq(hits, 10100);
	cr_assert_eq(world.missed, 0);
}

/* Another session with a shorter interval comes and goes, 15 times a second for 20 s. */
Test(pace, the_timer_of_another_changes_neither_rate_nor_losses)
{
	struct world world = {.interval_ns = 10 * MS, .period_ns = 10 * MS};
	uint64_t now_ns = MS;

	for (unsigned i = 0; i < 300; i++) {
		world.period_ns = MS;
		run(&world, now_ns + MS, now_ns + 33 * MS);
		now_ns += 33 * MS;
		world.period_ns = 10 * MS;
		run(&world, now_ns + 10 * MS, now_ns + 34 * MS);
		now_ns += 34 * MS;
	}
	cr_assert_geq(world.taken + world.missed, 2009);
	cr_assert_leq(world.taken + world.missed, 2011);
	/* A timer that is set begins anew, and may so come after a second point. */
	cr_assert_lt(world.missed, 2010 * 2 / 100);
}

Test(pace, a_shorter_interval_begins_at_once)
{
	struct world world = {.interval_ns = 10000 * MS, .period_ns = MS};

	cr_assert(tick(&world, 100 * MS));
	world.interval_ns = 5 * MS;
	cr_assert(tick(&world, 101 * MS));
	cr_assert_not(tick(&world, 102 * MS));
	cr_assert(tick(&world, 106 * MS));
	cr_assert_eq(world.missed, 0);
}

Test(pace, the_interval_achieved_is_summed_up)
{
	struct ox_pace pace = {0};

	pace_add_gap(&pace, MS + 256 * 10, MS);
	pace_add_gap(&pace, MS - 256 * 10, MS);
	pace_add_gap(&pace, UINT64_C(1) << 60, MS);
	cr_assert_eq(pace.gap_n, 3);
	cr_assert_eq(pace.gap_sum, 1 << 24);
	cr_assert_eq(pace.gap_squares, (UINT64_C(1) << 48) + 200);
}
