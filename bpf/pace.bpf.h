/* SPDX-License-Identifier: MIT */
/* The paces of the sessions on this CPU, and what they lose. */
#pragma once

static __always_inline struct ox_paces *paces_get(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&paces, &cpu);
}

struct loss_walk {
	struct ox_paces *paces;
	__u64 sessions;
	__u32 loss;
};

static long loss_step(__u32 slot, struct loss_walk *walk)
{
	slot &= OX_SESSIONS_MAX - 1;
	/* A program of a fork may be interrupted by a tick. */
	if (walk->sessions >> slot & 1 && walk->loss < OX_N_KERNEL_LOSSES)
		__sync_fetch_and_add(&walk->paces->slots[slot].lost[walk->loss], 1);
	return 0;
}

/* Counts a loss of these sessions. */
__noinline int sessions_lose(__u64 sessions, __u32 loss)
{
	struct loss_walk walk = {.paces = paces_get(), .sessions = sessions, .loss = loss};

	if (walk.paces)
		bpf_loop(OX_SESSIONS_MAX, loss_step, &walk, 0);
	return 0;
}

struct pace_walk {
	struct ox_paces *paces;
	struct ox_tick tick;
	__u64 running, wanted, allowed;
	__u64 taken;
};

static long pace_walk_step(__u32 slot, struct pace_walk *walk)
{
	__u64 missed, last_ns, interval_ns;
	struct ox_pace *pace;

	slot &= OX_SESSIONS_MAX - 1;
	if (!(walk->running >> slot & 1))
		return 0;
	pace = &walk->paces->slots[slot];
	interval_ns = intervals[slot];
	if (!interval_ns || !pace_step(pace, interval_ns, &walk->tick, &missed))
		return 0;
	last_ns = walk->tick.woken_ns ? 0 : pace->last_ns;
	pace->last_ns = walk->tick.now_ns;
	if (walk->allowed >> slot & 1) {
		walk->taken |= 1ull << slot;
		pace->lost[OX_LOST_LATE] += missed;
		if (last_ns)
			pace_add_gap(pace, walk->tick.now_ns - last_ns, interval_ns);
	} else if (walk->wanted >> slot & 1) {
		pace->lost[OX_LOST_NOT_PERMITTED]++;
	}
	return 0;
}

/* Moves the paces of all sessions on. Returns those that take this tick: it is due for them, and
 * they are allowed to. */
__noinline __u64 paces_step(__u64 now_ns, __u64 woken_ns, __u64 wanted, __u64 allowed)
{
	struct pace_walk walk = {
		.paces = paces_get(),
		.tick = {.now_ns = now_ns, .period_ns = period_ns, .woken_ns = woken_ns},
		.running = running,
		.wanted = wanted,
		.allowed = allowed,
	};

	if (walk.paces)
		bpf_loop(n_slots, pace_walk_step, &walk, 0);
	return walk.taken;
}
