/* SPDX-License-Identifier: MIT */
/*
 * The kernel side as seen from the daemon: the only owner of libbpf. Loads the programs, holds the
 * filters, opens one timer per CPU, and drains what was counted.
 *
 * Functions return 0 or a negative errno; those that load and open explain in a report why they
 * failed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/python.h"
#include "bpf/sample.h"
#include "daemon/sampler/report.h"

struct opener;
struct sampler;

/*
 * Loads the programs and their maps, but attaches them to nothing: that costs memory and, later, no
 * time. The verifier takes long where the machine is busy; this may be called in any thread, one at
 * a time. Unwinding tables may take unwind_bytes, as they are needed. On failure the report says
 * why.
 */
int sampler_new(uint64_t unwind_bytes, struct sampler **ret, struct sampler_report *report);
struct sampler *sampler_free(struct sampler *sampler);

/* Opens a timer, disabled, on each CPU that is online and has none yet; may be called in any
 * thread, too. On failure the report says why, and some CPUs may have timers. */
int sampler_open(struct sampler *sampler, struct opener *opener, struct sampler_report *report);
void sampler_close(struct sampler *sampler);

/* Sets the interval and starts the timers, also those of CPUs that came online since they were
 * opened. */
int sampler_enable(struct sampler *sampler, uint64_t interval_ns);
int sampler_disable(struct sampler *sampler);

/* The kinds of filter. A key that is given twice is merged: it is permitted to anybody if one of
 * the two is. The sets are copied. */
enum sampler_filter {
	SAMPLER_PID,
	SAMPLER_COMM,
	SAMPLER_CGROUP,
	SAMPLER_USER,
	SAMPLER_ALL,
};

struct sampler_target {
	enum sampler_filter filter;
	uint32_t id; /* pid or uid */
	uint64_t cgroup_id;
	char comm[OX_COMM_BYTES]; /* padded with zeros */
	struct ox_target target;
};
/* Replaces all filters; children that are followed already stay if `children` says so. Returns 0,
 * or -E2BIG if there are too many of one kind. */
int sampler_set_targets(struct sampler *sampler, const struct sampler_target *targets, size_t n,
			bool children);
/* Follows the children of targets that want it, in the kernel, or stops to. Costs a little at each
 * fork. */
int sampler_follow_children(struct sampler *sampler, bool follow);
/* Adds a child that was started while children were not followed. */
int sampler_add_child(struct sampler *sampler, uint32_t pid, const struct ox_target *target);
void sampler_clear_children(struct sampler *sampler);
uint64_t sampler_count_children(const struct sampler *sampler);

/* One distinct sample of a drain; everything is borrowed for the call. Stacks are leaf first. */
struct sampler_sample {
	const struct ox_sample *id;
	uint64_t count;
	uint64_t first_ns; /* CLOCK_MONOTONIC of the first hit */
	const uint64_t *kernel;
	const uint64_t *user;
	uint32_t n_kernel;
	const uint64_t *python; /* words of bpf/python.h */
	uint32_t n_user;
	uint32_t n_python;
	enum ox_stop end; /* how the user stack ends */
	enum ox_python_end python_end;
	bool kernel_cut; /* the kernel stack was cut */
};
typedef int (*sampler_fn)(void *userdata, const struct sampler_sample *sample);

/* Swaps the arenas, so that the samples up to now are in the one that the kernel does not write
 * to. */
void sampler_swap(struct sampler *sampler);
/* Calls fn for each sample in the arena that was swapped away, also after fn has failed. Returns
 * the first negative result of fn, else how full the arena is, in percent. */
int sampler_foreach(const struct sampler *sampler, sampler_fn fn, void *userdata);
/* Clears the arena that was swapped away, for the next swap. */
void sampler_clear(struct sampler *sampler);
/* Returns how full the arena is that is being written, in percent. */
int sampler_fill(const struct sampler *sampler);

/* Sums over all CPUs since sampler_new(). */
struct sampler_counters {
	uint64_t samples;
	uint64_t lost[OX_N_KERNEL_LOSSES];
	uint64_t timed_ns; /* entry to exit of timed_n samples */
	uint64_t timed_n;
	uint64_t gap_n;        /* number of intervals between ticks */
	double gap_sum_ns;     /* sum of their deviations from the wanted one */
	double gap_squares_ns; /* sum of the squares of these, in ns^2 */
};
void sampler_read_counters(const struct sampler *sampler, struct sampler_counters *ret);

/* Takes a piece of the text of /proc/kallsyms from the iter/ksym program, of whole lines. */
typedef int (*sampler_text_fn)(void *userdata, const char *text, size_t length);
int sampler_read_ksyms(struct sampler *sampler, sampler_text_fn fn, void *userdata);
