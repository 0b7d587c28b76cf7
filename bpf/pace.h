/* SPDX-License-Identifier: MIT */
/*
 * The pace of one session on one CPU: which ticks of the CPU's timer are samples of the session,
 * and how many samples it missed. All sessions share the timer, which runs at the shortest interval
 * of all, the period. A session of that interval takes every tick; another one takes the tick that
 * is nearest to each point of a grid of its own. Here is arithmetic alone, so that tests can do
 * without a clock.
 */
#pragma once

#include <stdbool.h>

#include "bpf/sample.h"

/* A tick of a CPU's timer. */
struct ox_tick {
	ox_u64 now_ns;
	ox_u64 period_ns;
	ox_u64 woken_ns; /* the CPU ceased to be idle then, after its last tick; 0: it was not idle
			  */
};

#define OX_PACE_INLINE static inline __attribute__((always_inline))

/* Moves on to the first point of the grid after a time, which the next one is not after. Returns
 * how many points that passes. */
OX_PACE_INLINE ox_u64 pace_pass(struct ox_pace *pace, ox_u64 interval_ns, ox_u64 until_ns)
{
	ox_u64 n = 1;

	if (until_ns - pace->next_ns >= interval_ns)
		n += (until_ns - pace->next_ns) / interval_ns;
	pace->next_ns += n * interval_ns;
	return n;
}

/*
 * Steps where every tick is a sample. The kernel moves a late timer on along its grid and says
 * nothing: the earliest tick sets the phase, and one that is a period or more behind it means that
 * whole ticks are missing. An idle CPU has no ticks worth counting, and some have none at all: once
 * it has woken up, the next one is due within a period. Returns how many are missing.
 */
OX_PACE_INLINE ox_u64 pace_step_all(struct ox_pace *pace, ox_u64 interval_ns,
				    const struct ox_tick *tick)
{
	if (tick->woken_ns)
		pace->next_ns = tick->woken_ns + interval_ns;
	if (!pace->next_ns || tick->now_ns < pace->next_ns)
		pace->next_ns = tick->now_ns;
	return pace_pass(pace, interval_ns, tick->now_ns) - 1;
}

/*
 * Steps where few ticks are samples. Points of the grid that an idle CPU slept over are none that
 * were missed; but for those that are nearer to this tick than to the one that would have been
 * before it. Returns true if this tick is a sample, and how many are missing before it.
 */
OX_PACE_INLINE bool pace_step_some(struct ox_pace *pace, ox_u64 interval_ns,
				   const struct ox_tick *tick, ox_u64 *ret_missed)
{
	ox_u64 half_ns = tick->period_ns / 2, edge_ns = tick->now_ns - half_ns;

	*ret_missed = 0;
	/* The session begins, or its interval has become shorter. */
	if (!pace->next_ns || pace->next_ns > tick->now_ns + interval_ns)
		pace->next_ns = tick->now_ns;
	if (tick->woken_ns) {
		if (tick->woken_ns < edge_ns)
			edge_ns = tick->woken_ns;
		if (pace->next_ns <= edge_ns)
			pace_pass(pace, interval_ns, edge_ns);
	}
	if (tick->now_ns + half_ns < pace->next_ns)
		return false;
	if (pace->next_ns > tick->now_ns)
		pace->next_ns += interval_ns;
	else
		*ret_missed = pace_pass(pace, interval_ns, tick->now_ns) - 1;
	return true;
}

/* Steps over a tick. Returns true if it is a sample of the session, and how many are missing before
 * it. */
OX_PACE_INLINE bool pace_step(struct ox_pace *pace, ox_u64 interval_ns, const struct ox_tick *tick,
			      ox_u64 *ret_missed)
{
	if (interval_ns > tick->period_ns)
		return pace_step_some(pace, interval_ns, tick, ret_missed);
	*ret_missed = pace_step_all(pace, interval_ns, tick);
	return true;
}

/* Adds the interval that was achieved since the sample before, the deviation in units of 256 ns, so
 * that squares fit. */
OX_PACE_INLINE void pace_add_gap(struct ox_pace *pace, ox_u64 gap_ns, ox_u64 interval_ns)
{
	ox_s64 deviation = (ox_s64)(gap_ns - interval_ns) >> 8;

	if (deviation > 1 << 24)
		deviation = 1 << 24;
	pace->gap_n++;
	pace->gap_sum += deviation;
	pace->gap_squares += deviation * deviation;
}
