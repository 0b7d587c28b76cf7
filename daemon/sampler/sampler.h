/* SPDX-License-Identifier: MIT */
/*
 * The kernel side as seen from the daemon: the only owner of libbpf. Loads the programs, holds what
 * the sessions want, opens one timer per CPU, and drains what was counted. Sessions run side by
 * side: each has a slot, which is its bit in every mask.
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

/* Starts the timers, also those of CPUs that came online since they were opened. A plan was applied
 * before, with a session that runs. */
int sampler_enable(struct sampler *sampler);
int sampler_disable(struct sampler *sampler);
/* Looks for CPUs that went or came while sampling goes on, and opens timers for those that came,
 * also for one that was gone for a moment only: its timer is dead. To be called once a second.
 * Returns the number of timers that were opened, or a negative errno. */
int sampler_check_cpus(struct sampler *sampler);

/* The kinds of filter. */
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

struct sampler_session {
	uint64_t interval_ns;
	uint32_t owner; /* uid */
	bool anybody;   /* may see anybody's processes; else only what is the owner's own */
	bool kernel;    /* has kernel stacks */
};

/* All that shall be sampled. The targets' masks have bits of `running` only. Targets that name the
 * same are merged: each session has that target by its own rights. Of a pid that was used again the
 * sessions of the younger process have it. */
struct sampler_plan {
	uint64_t running;                       /* mask of slots */
	const struct sampler_session *sessions; /* OX_SESSIONS_MAX, by slot */
	const struct sampler_target *targets;
	size_t n_targets;
	/* Follow what targets start, in the kernel, where they want it: costs a little at each
	 * fork. */
	bool children;
};
/*
 * Replaces the plan before, while sampling goes on: of a session that is in both nothing is lost.
 * Children that are followed already stay, if `children` says so. All is copied. Returns 0; -E2BIG
 * if there are too many targets of one kind, and -ENOMEM: then nothing has changed; or another
 * negative errno, and then the plan is applied in parts.
 */
int sampler_apply(struct sampler *sampler, const struct sampler_plan *plan);
/* Makes a slot ready to be given again: its counters begin at zero, and it follows no child. Its
 * session does not run, and the samples up to its end were drained. */
void sampler_clear_slot(struct sampler *sampler, unsigned slot);

/* Adds a child that was started while children were not followed. Returns 0 or a negative errno. */
int sampler_add_child(struct sampler *sampler, uint32_t pid, const struct ox_target *target);
/* Returns how many children are followed for a mask of sessions. It goes through all of them. */
uint64_t sampler_count_children(const struct sampler *sampler, uint64_t sessions);

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

/* Sums over all CPUs and sessions since sampler_new(). */
struct sampler_counters {
	uint64_t samples;
	uint64_t timed_ns; /* entry to exit of timed_n samples */
	uint64_t timed_n;
};
void sampler_read_counters(const struct sampler *sampler, struct sampler_counters *ret);

/* Sums of one session over all CPUs since its slot was cleared. */
struct sampler_pace {
	uint64_t lost[OX_N_KERNEL_LOSSES];
	uint64_t gap_n;        /* number of intervals between samples */
	double gap_sum_ns;     /* sum of their deviations from the wanted one */
	double gap_squares_ns; /* sum of the squares of these, in ns^2 */
};
void sampler_read_pace(const struct sampler *sampler, unsigned slot, struct sampler_pace *ret);

/* Takes a piece of the text of /proc/kallsyms from the iter/ksym program, of whole lines. */
typedef int (*sampler_text_fn)(void *userdata, const char *text, size_t length);
int sampler_read_ksyms(struct sampler *sampler, sampler_text_fn fn, void *userdata);
