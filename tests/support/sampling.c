/* SPDX-License-Identifier: MIT */
#include "tests/support/sampling.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/kernel_side.h"

struct sampling sampling;

static int see(void *userdata, const struct sampler_sample *sample)
{
	struct listed *new = &sampling.seen[sampling.n_seen];

	cr_assert_lt(sampling.n_seen, SEEN_MAX);
	cr_assert_leq(sample->n_user, OX_MAX_USER_FRAMES);
	cr_assert_leq(sample->n_kernel, OX_MAX_KERNEL_FRAMES);
	cr_assert_leq(sample->n_python, OX_MAX_PYTHON_FRAMES);
	memset(new, 0, sizeof(*new));
	new->id = *sample->id;
	new->has_python = new->id.python_stack;
	/* The position of a stack in this arena means nothing in the next one. */
	new->id.user_stack = new->id.kernel_stack = new->id.python_stack = 0;
	new->count = sample->count;
	new->first_ns = sample->first_ns;
	new->n_user = sample->n_user;
	new->n_kernel = sample->n_kernel;
	new->end = sample->end;
	new->n_python = sample->n_python;
	new->python_end = sample->python_end;
	if (sample->n_user)
		memcpy(new->user, sample->user, sample->n_user * 8);
	if (sample->n_kernel)
		memcpy(new->kernel, sample->kernel, sample->n_kernel * 8);
	if (sample->n_python)
		memcpy(new->python, sample->python, sample->n_python * 8);
	sampling.n_seen++;
	return 0;
}

void sampling_set_up(void)
{
	sampling.sampler = sampler_or_skip();
	sampling.seen = calloc(SEEN_MAX, sizeof(*sampling.seen));
	cr_assert_not_null(sampling.seen);
	sampling.sessions[0] =
		(struct sampler_session){.interval_ns = INTERVAL_NS, .anybody = true};
	sampling.plan = (struct sampler_plan){.running = 1, .sessions = sampling.sessions};
}

void sampling_tear_down(void)
{
	sampler_free(sampling.sampler);
	free(sampling.seen);
}

struct sampler_target sampling_by_pid(uint32_t pid)
{
	return (struct sampler_target){
		.filter = SAMPLER_PID,
		.id = pid,
		.target = {.start_max_ns = UINT64_MAX, .sessions = 1},
	};
}

void sampling_choose(struct sampler_target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!targets[i].target.sessions)
			targets[i].target.sessions = 1;
	sampling.plan.targets = targets;
	sampling.plan.n_targets = n;
	cr_assert_eq(sampler_apply(sampling.sampler, &sampling.plan), 0);
}

void sampling_add_session(unsigned slot, uint64_t interval_ns, uint32_t owner)
{
	sampling.plan.running |= UINT64_C(1) << slot;
	sampling.sessions[slot] =
		(struct sampler_session){.interval_ns = interval_ns, .owner = owner};
}

void sampling_drain(void)
{
	sampler_swap(sampling.sampler);
	cr_assert_geq(sampler_foreach(sampling.sampler, see, NULL), 0);
	sampler_clear(sampling.sampler);
}

void sampling_start(void)
{
	sampling.n_seen = 0;
	sampler_read_counters(sampling.sampler, &sampling.start);
	for (unsigned slot = 0; slot < OX_SESSIONS_MAX; slot++)
		sampler_read_pace(sampling.sampler, slot, &sampling.start_paces[slot]);
	cr_assert_eq(sampler_enable(sampling.sampler), 0);
}

void sampling_stop(void)
{
	cr_assert_eq(sampler_disable(sampling.sampler), 0);
	sampling_drain();
}

void sampling_run(pid_t pid, uint64_t cpu_ms)
{
	sampling_start();
	busy_let(pid, cpu_ms);
	sampling_stop();
}

void sampling_run_both(const struct busy_process *one, const struct busy_process *two)
{
	sampling_start();
	busy_let(one->pid, 20);
	busy_let(two->pid, 20);
	sampling_stop();
}

uint64_t sampling_counted(void)
{
	struct sampler_counters now;

	sampler_read_counters(sampling.sampler, &now);
	return now.samples - sampling.start.samples;
}

uint64_t sampling_lost_by(unsigned slot, enum ox_loss loss)
{
	struct sampler_pace now;

	sampler_read_pace(sampling.sampler, slot, &now);
	return now.lost[loss] - sampling.start_paces[slot].lost[loss];
}

uint64_t sampling_lost(enum ox_loss loss)
{
	return sampling_lost_by(0, loss);
}

uint64_t sampling_taken_by(unsigned slot)
{
	uint64_t n = 0;

	for (size_t i = 0; i < sampling.n_seen; i++)
		if (sampling.seen[i].id.sessions >> slot & 1)
			n += sampling.seen[i].count;
	return n;
}

uint64_t sampling_hits(uint32_t pid)
{
	uint64_t n = 0;

	for (size_t i = 0; i < sampling.n_seen; i++)
		if (!pid || sampling.seen[i].id.pid == pid)
			n += sampling.seen[i].count;
	return n;
}

const struct listed *sampling_main(void)
{
	const struct listed *most = &sampling.seen[0];

	cr_assert_gt(sampling.n_seen, 0);
	for (size_t i = 1; i < sampling.n_seen; i++)
		if (sampling.seen[i].count > most->count)
			most = &sampling.seen[i];
	return most;
}
