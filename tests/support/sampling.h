/* SPDX-License-Identifier: MIT */
/* A sampler and what it saw, for the tests of the sampler. Where the kernel's side is not to be had
 * they are skipped (kernel_side.h). */
#pragma once

#include <criterion/criterion.h>
#include <string.h>

#include "daemon/sampler/sampler.h"
#include "tests/support/busy.h"
#include "tests/support/kernel_side.h"

#define INTERVAL_NS UINT64_C(250000)
#define CPU_MS      40
#define NOBODY      65534
#define SEEN_MAX    4096

/* One distinct sample, copied out of the arena. */
struct seen {
	struct ox_sample id;
	uint64_t count;
	uint64_t first_ns;
	uint32_t n_user, n_kernel;
	enum ox_stop end;
	uint32_t n_python;
	bool has_python;
	enum ox_python_end python_end;
	uint64_t user[OX_MAX_USER_FRAMES];
	uint64_t kernel[OX_MAX_KERNEL_FRAMES];
	uint64_t python[OX_MAX_PYTHON_FRAMES];
};

static struct sampler *sampler;
static struct sampler_counters start;
static struct seen *seen;
static size_t n_seen;

static inline int see(void *userdata, const struct sampler_sample *sample)
{
	struct seen *new = &seen[n_seen];

	cr_assert_lt(n_seen, SEEN_MAX);
	cr_assert_leq(sample->n_user, OX_MAX_USER_FRAMES);
	cr_assert_leq(sample->n_kernel, OX_MAX_KERNEL_FRAMES);
	cr_assert_leq(sample->n_python, OX_MAX_PYTHON_FRAMES);
	memset(new, 0, sizeof(*new));
	new->id = *sample->id;
	new->has_python = new->id.python_stack;
	/* Where a stack stands in this arena says nothing in the next. */
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
	n_seen++;
	return 0;
}

static inline void set_up(void)
{
	sampler = sampler_or_skip();
	seen = calloc(SEEN_MAX, sizeof(*seen));
	cr_assert_not_null(seen);
}

static inline void tear_down(void)
{
	sampler_free(sampler);
	free(seen);
}

static inline struct sampler_target by_pid(uint32_t pid, uint32_t want)
{
	return (struct sampler_target){
		.filter = SAMPLER_PID,
		.id = pid,
		.target = {.start_max_ns = UINT64_MAX, .want = want},
	};
}

static inline void choose(const struct sampler_target *targets, size_t n)
{
	cr_assert_eq(sampler_set_targets(sampler, targets, n, false), 0);
}

static inline void drain(void)
{
	sampler_swap(sampler);
	cr_assert_geq(sampler_foreach(sampler, see, NULL), 0);
	sampler_clear(sampler);
}

static inline void start_sampling(void)
{
	n_seen = 0;
	sampler_read_counters(sampler, &start);
	cr_assert_eq(sampler_enable(sampler, INTERVAL_NS), 0);
}

static inline void stop_sampling(void)
{
	cr_assert_eq(sampler_disable(sampler), 0);
	drain();
}

/* Samples while the process uses so much CPU time, and takes in what there is. */
static inline void sample(pid_t pid, uint64_t cpu_ms)
{
	start_sampling();
	busy_let(pid, cpu_ms);
	stop_sampling();
}

/* Both have had their chance. */
static inline void sample_both(const struct busy_process *one, const struct busy_process *two)
{
	start_sampling();
	busy_let(one->pid, 20);
	busy_let(two->pid, 20);
	stop_sampling();
}

static inline uint64_t counted(void)
{
	struct sampler_counters now;

	sampler_read_counters(sampler, &now);
	return now.samples - start.samples;
}

static inline uint64_t lost(enum ox_loss loss)
{
	struct sampler_counters now;

	sampler_read_counters(sampler, &now);
	return now.lost[loss] - start.lost[loss];
}

/* Hits of a process, 0: of all. */
static inline uint64_t hits(uint32_t pid)
{
	uint64_t n = 0;

	for (size_t i = 0; i < n_seen; i++)
		if (!pid || seen[i].id.pid == pid)
			n += seen[i].count;
	return n;
}

/* The one that was hit most. */
static inline const struct seen *main_sample(void)
{
	const struct seen *most = &seen[0];

	cr_assert_gt(n_seen, 0);
	for (size_t i = 1; i < n_seen; i++)
		if (seen[i].count > most->count)
			most = &seen[i];
	return most;
}
