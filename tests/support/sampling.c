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
}

void sampling_tear_down(void)
{
	sampler_free(sampling.sampler);
	free(sampling.seen);
}

struct sampler_target sampling_by_pid(uint32_t pid, uint32_t want)
{
	return (struct sampler_target){
		.filter = SAMPLER_PID,
		.id = pid,
		.target = {.start_max_ns = UINT64_MAX, .want = want},
	};
}

void sampling_choose(const struct sampler_target *targets, size_t n)
{
	cr_assert_eq(sampler_set_targets(sampling.sampler, targets, n, false), 0);
}

void sampling_drain(void)
{
	sampler_swap(sampling.sampler);
	cr_assert_geq(sampler_foreach(sampling.sampler, see, NULL), 0);
	sampler_clear(sampling.sampler);
}

static void start_sampling(void)
{
	sampling.n_seen = 0;
	sampler_read_counters(sampling.sampler, &sampling.start);
	cr_assert_eq(sampler_enable(sampling.sampler, INTERVAL_NS), 0);
}

static void stop_sampling(void)
{
	cr_assert_eq(sampler_disable(sampling.sampler), 0);
	sampling_drain();
}

void sampling_run(pid_t pid, uint64_t cpu_ms)
{
	start_sampling();
	busy_let(pid, cpu_ms);
	stop_sampling();
}

void sampling_run_both(const struct busy_process *one, const struct busy_process *two)
{
	start_sampling();
	busy_let(one->pid, 20);
	busy_let(two->pid, 20);
	stop_sampling();
}

uint64_t sampling_counted(void)
{
	struct sampler_counters now;

	sampler_read_counters(sampling.sampler, &now);
	return now.samples - sampling.start.samples;
}

uint64_t sampling_lost(enum ox_loss loss)
{
	struct sampler_counters now;

	sampler_read_counters(sampling.sampler, &now);
	return now.lost[loss] - sampling.start.lost[loss];
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
