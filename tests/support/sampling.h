/* SPDX-License-Identifier: MIT */
/* A sampler and what it saw, for the tests of the sampler. Where the kernel's side is not to be had
 * they are skipped (kernel_side.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/sampler/sampler.h"
#include "tests/support/busy.h"

#define INTERVAL_NS UINT64_C(250000)
#define CPU_MS      40
#define NOBODY      65534
#define SEEN_MAX    4096

/* One distinct sample, copied out of the arena. */
struct listed {
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

extern struct sampling {
	struct sampler *sampler;
	/* At first there is one session, in slot 0, which may see anybody's processes. */
	struct sampler_plan plan;
	struct sampler_session sessions[OX_SESSIONS_MAX];
	struct sampler_counters start;
	struct sampler_pace start_paces[OX_SESSIONS_MAX];
	struct listed *seen; /* since it was started last */
	size_t n_seen;
} sampling;

/* Opens the sampler, or skips the test. */
void sampling_set_up(void);

/* Frees it. */
void sampling_tear_down(void);

/* Returns the target that is the process with that pid, as old as it may be, of slot 0. */
struct sampler_target sampling_by_pid(uint32_t pid);

/* Applies the plan, with these targets and no others. Those of no session become slot 0's. */
void sampling_choose(struct sampler_target *targets, size_t n);

/* Lets a session run with the next sampling_choose(): one that sees only what is that user's own.
 */
void sampling_add_session(unsigned slot, uint64_t interval_ns, uint32_t owner);

/* Starts and stops to sample; stopping reads all samples. */
void sampling_start(void);
void sampling_stop(void);

/* Reads all samples that are there. */
void sampling_drain(void);

/* Samples while the process uses so much CPU time, and reads all samples. */
void sampling_run(pid_t pid, uint64_t cpu_ms);

/* Samples until both have had their chance. */
void sampling_run_both(const struct busy_process *one, const struct busy_process *two);

/* Returns how many samples the kernel's side has counted since the start. */
uint64_t sampling_counted(void);

/* Returns how many slot 0, or another, lost since then for that reason. */
uint64_t sampling_lost(enum ox_loss loss);
uint64_t sampling_lost_by(unsigned slot, enum ox_loss loss);

/* Returns the hits that a session took. */
uint64_t sampling_taken_by(unsigned slot);

/* Returns the hits of a process, 0: of all. */
uint64_t sampling_hits(uint32_t pid);

/* Returns the sample that was hit most. */
const struct listed *sampling_main(void);
