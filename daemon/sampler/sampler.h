/* SPDX-License-Identifier: MIT */
/*
 * The kernel side as seen from the daemon: the only owner of libbpf. Loads the programs, holds the
 * filters, opens one timer per CPU, and drains what was counted.
 *
 * Functions return 0 or a negative errno; what loads and opens says in words why it failed.
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
 * Loads the programs and their maps, attached to nothing: that costs memory and, later, no time.
 * The verifier takes long where the machine is busy; this may be called in any thread, one at a
 * time. Unwinding tables may take unwind_bytes, as they are needed. On failure the report says why.
 */
int sampler_new(uint64_t unwind_bytes, struct sampler **ret, struct sampler_report *report);
struct sampler *sampler_free(struct sampler *sampler);

/* Opens a timer on each CPU that is online and has none yet, disabled; likewise in any thread. On
 * failure the report says why, and there may be timers on some. */
int sampler_open(struct sampler *sampler, struct opener *opener, struct sampler_report *report);
void sampler_close(struct sampler *sampler);

/* Starts the timers, of CPUs that came online since they were opened, too. Sets the interval
 * first. */
int sampler_enable(struct sampler *sampler, uint64_t interval_ns);
int sampler_disable(struct sampler *sampler);

/* What shall be sampled. Sets of targets; a key that is given twice is merged: permitted to anybody
 * if one of them is. The sets are copied. */
enum sampler_filter {
	SAMPLER_PID,
	SAMPLER_COMM,
	SAMPLER_CGROUP,
	SAMPLER_USER,
	SAMPLER_ALL,
};

struct sampler_target {
	enum sampler_filter filter;
	uint32_t id; /* pid, uid */
	uint64_t cgroup_id;
	char comm[OX_COMM_BYTES]; /* padded with zeros */
	struct ox_target target;
};
/* Replaces all filters; children that are followed already stay where `children` says so. -E2BIG:
 * too many of one kind. */
int sampler_set_targets(struct sampler *sampler, const struct sampler_target *targets, size_t n,
			bool children);
/* Follows the children of targets that want it, in the kernel. Costs a little at each fork. */
int sampler_follow_children(struct sampler *sampler, bool follow);
/* A child that was started while nobody followed. */
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
	enum ox_stop end; /* of the user stack */
	enum ox_python_end python_end;
	bool kernel_cut; /* the kernel's stack goes on */
};
typedef int (*sampler_fn)(void *userdata, const struct sampler_sample *sample);

/* Swaps the arenas, so that the samples up to now are in the one that nobody writes. */
void sampler_swap(struct sampler *sampler);
/* Hands out what the arena that was swapped away holds. The first negative result of fn is returned
 * after all; the others are handed out nevertheless. Else how full it is, in percent. */
int sampler_foreach(const struct sampler *sampler, sampler_fn fn, void *userdata);
/* Clears it, for the next swap. */
void sampler_clear(struct sampler *sampler);
/* How full the other one is, which is being written; in percent. */
int sampler_fill(const struct sampler *sampler);

/* Sums over all CPUs since sampler_new(). */
struct sampler_counters {
	uint64_t samples;
	uint64_t lost[OX_N_KERNEL_LOSSES];
	uint64_t timed_ns; /* entry to exit of timed_n samples */
	uint64_t timed_n;
	uint64_t gap_n; /* intervals between ticks; their deviation from the wanted one ... */
	double gap_sum_ns;
	double gap_squares_ns; /* ... and its square, in ns^2 */
};
void sampler_read_counters(const struct sampler *sampler, struct sampler_counters *ret);

/* The text of /proc/kallsyms from the iter/ksym program, piece by piece, each of whole lines. */
typedef int (*sampler_text_fn)(void *userdata, const char *text, size_t length);
int sampler_read_ksyms(struct sampler *sampler, sampler_text_fn fn, void *userdata);
