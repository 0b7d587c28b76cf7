/* SPDX-License-Identifier: MIT */
/*
 * Changes what the kernel side does from one plan to the next while it runs. The order keeps two
 * things true at every moment:
 * 1. A session that runs has all of its rights and filters, and no other's: a new one gets its bit
 * in `running` last, one that goes loses it first.
 * 2. No interval of a session that runs is shorter than the period, and no timer is faster than the
 *    period says: a session whose interval is the period takes every tick.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include <bpf/bpf.h>

#include "daemon/base/cleanup.h"
#include "daemon/sampler/blocks.h"
#include "daemon/sampler/internal.h"

static void set_mask(__u64 *mask, uint64_t value)
{
	__atomic_store_n(mask, value, __ATOMIC_SEQ_CST);
}

static bool is_in(uint64_t mask, unsigned slot)
{
	return mask >> slot & 1;
}

/* ---- rights ---- */

static void add_owner(struct sampler_owner *owners, unsigned *n, uint32_t uid, unsigned slot)
{
	unsigned i = 0;

	while (i < *n && owners[i].uid != uid)
		i++;
	if (i == *n)
		owners[(*n)++] = (struct sampler_owner){.uid = uid};
	owners[i].sessions |= UINT64_C(1) << slot;
}

static unsigned list_owners(const struct sampler_plan *plan, struct sampler_owner *owners)
{
	unsigned n = 0;

	for (unsigned slot = 0; slot < OX_SESSIONS_MAX; slot++)
		if (is_in(plan->running, slot) && !plan->sessions[slot].anybody)
			add_owner(owners, &n, plan->sessions[slot].owner, slot);
	return n;
}

static bool has_owner(const struct sampler_owner *owners, unsigned n, uint32_t uid)
{
	for (unsigned i = 0; i < n; i++)
		if (owners[i].uid == uid)
			return true;
	return false;
}

/* Drops those that went first: they make room for those that come. */
static int set_owners(struct sampler *sampler, const struct sampler_plan *plan)
{
	struct sampler_owner owners[OX_SESSIONS_MAX];
	unsigned n = list_owners(plan, owners);
	int fd = bpf_map__fd(sampler->bpf->maps.owners);

	for (unsigned i = 0; i < sampler->n_owners; i++)
		if (!has_owner(owners, n, sampler->owners[i].uid))
			(void)bpf_map_delete_elem(fd, &sampler->owners[i].uid);
	memcpy(sampler->owners, owners, n * sizeof(*owners));
	sampler->n_owners = n;
	for (unsigned i = 0; i < n; i++)
		if (bpf_map_update_elem(fd, &owners[i].uid, &owners[i].sessions, BPF_ANY) < 0)
			return -errno;
	return 0;
}

static int set_rights(struct sampler *sampler, const struct sampler_plan *plan)
{
	uint64_t anybody = 0, with_kernel = 0;

	for (unsigned slot = 0; slot < OX_SESSIONS_MAX; slot++) {
		if (!is_in(plan->running, slot))
			continue;
		anybody |= (uint64_t)plan->sessions[slot].anybody << slot;
		with_kernel |= (uint64_t)plan->sessions[slot].kernel << slot;
		set_mask(&sampler->bpf->bss->intervals[slot], plan->sessions[slot].interval_ns);
	}
	set_mask(&sampler->bpf->bss->anybody, anybody);
	set_mask(&sampler->bpf->bss->with_kernel, with_kernel);
	return set_owners(sampler, plan);
}

/* ---- time ---- */

/* Returns the shortest interval; where nothing runs, the period stays. */
static uint64_t find_period(const struct sampler *sampler, const struct sampler_plan *plan)
{
	uint64_t period_ns = UINT64_MAX;

	for (unsigned slot = 0; slot < OX_SESSIONS_MAX; slot++)
		if (is_in(plan->running, slot) && plan->sessions[slot].interval_ns < period_ns)
			period_ns = plan->sessions[slot].interval_ns;
	return plan->running ? period_ns : sampler->bpf->bss->period_ns;
}

/* Timers that sampler_enable() will start get the period then. */
static int set_timers(struct sampler *sampler, uint64_t period_ns)
{
	return sampler_is_enabled(sampler) ? sampler_set_period(sampler, period_ns) : 0;
}

static int shorten_period(struct sampler *sampler, uint64_t period_ns)
{
	uint64_t before_ns = sampler->bpf->bss->period_ns;

	if (before_ns && period_ns >= before_ns)
		return 0;
	set_mask(&sampler->bpf->bss->period_ns, period_ns);
	sampler_grow_arenas(sampler);
	return set_timers(sampler, period_ns);
}

static int lengthen_period(struct sampler *sampler, uint64_t period_ns)
{
	int r;

	if (period_ns <= sampler->bpf->bss->period_ns)
		return 0;
	r = set_timers(sampler, period_ns);
	set_mask(&sampler->bpf->bss->period_ns, period_ns);
	return r;
}

/* ---- the plan ---- */

static uint32_t count_slots(uint64_t running)
{
	return running ? 64 - __builtin_clzll(running) : 0;
}

static void set_running(struct sampler *sampler, uint64_t running)
{
	uint32_t *n_slots = &sampler->bpf->bss->n_slots, n = count_slots(running);

	if (n > *n_slots)
		__atomic_store_n(n_slots, n, __ATOMIC_SEQ_CST);
	set_mask(&sampler->bpf->bss->running, running);
	__atomic_store_n(n_slots, n, __ATOMIC_SEQ_CST);
}

/* Takes over the merged targets. */
static int change(struct sampler *sampler, const struct sampler_plan *plan,
		  struct sampler_target *targets, size_t n)
{
	uint64_t period_ns = find_period(sampler, plan);
	int r;

	set_running(sampler, sampler->bpf->bss->running & plan->running);
	r = set_rights(sampler, plan);
	/* The targets are taken over in any case. */
	r = sampler_set_targets(sampler, targets, n, plan->children) ?: r;
	if (r < 0)
		return r;
	r = sampler_follow_children(sampler, plan->children);
	if (r < 0)
		return r;
	r = shorten_period(sampler, period_ns);
	if (r < 0)
		return r;
	set_running(sampler, plan->running);
	return lengthen_period(sampler, period_ns);
}

int sampler_apply(struct sampler *sampler, const struct sampler_plan *plan)
{
	_cleanup_free_ struct sampler_target *targets =
		calloc(plan->n_targets + 1, sizeof(*targets));
	size_t n = 0;
	int r;

	assert(!plan->running || plan->sessions);
	assert(!plan->n_targets || plan->targets);
	if (!targets)
		return -ENOMEM;
	if (plan->n_targets)
		memcpy(targets, plan->targets, plan->n_targets * sizeof(*targets));
	r = sampler_merge_targets(sampler, targets, plan->n_targets, &n);
	return r < 0 ? r : change(sampler, plan, take_ptr(targets), n);
}

void sampler_clear_slot(struct sampler *sampler, unsigned slot)
{
	const struct ox_children_walk walk = {.dropped = UINT64_C(1) << slot};

	assert(slot < OX_SESSIONS_MAX && !is_in(sampler->bpf->bss->running, slot));
	/* A tick that began before its session ended may still write. */
	sampler_quiesce(sampler);
	for (unsigned cpu = 0; cpu < sampler->n_cpus; cpu++)
		memset(&sampler->paces[cpu].slots[slot], 0, sizeof(struct ox_pace));
	(void)sampler_walk_children(sampler, &walk);
}

/* ---- counters ---- */

void sampler_read_counters(const struct sampler *sampler, struct sampler_counters *ret)
{
	*ret = (struct sampler_counters){0};
	for (unsigned i = 0; i < sampler->n_cpus; i++) {
		const struct ox_cpu *cpu = &sampler->cpus[i];

		ret->samples += cpu->samples;
		ret->timed_ns += cpu->timed_ns;
		ret->timed_n += cpu->timed_n;
	}
}

void sampler_read_pace(const struct sampler *sampler, unsigned slot, struct sampler_pace *ret)
{
	assert(slot < OX_SESSIONS_MAX);
	*ret = (struct sampler_pace){0};
	for (unsigned cpu = 0; cpu < sampler->n_cpus; cpu++) {
		const struct ox_pace *pace = &sampler->paces[cpu].slots[slot];

		for (unsigned loss = 0; loss < OX_N_KERNEL_LOSSES; loss++)
			ret->lost[loss] += pace->lost[loss];
		ret->gap_n += pace->gap_n;
		ret->gap_sum_ns += pace->gap_sum * 256.0;
		ret->gap_squares_ns += pace->gap_squares * 65536.0;
	}
}
