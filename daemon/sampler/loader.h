/* SPDX-License-Identifier: MIT */
/*
 * The kernel side is made ready by a thread of its own. The kernel verifies the programs for a
 * tenth of a second of CPU time, and for many seconds where the machine is busy or emulated; events
 * may have to come from another process. The event loop goes on meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/process/sideband.h"
#include "daemon/sampler/sampler.h"

struct loader;

/* The order for the thread. */
struct loader_job {
	uint64_t unwind_bytes;
	struct sampler *sampler; /* loaded already, the loader's until the end; NULL: load one */
	bool opens;              /* also opens the timers and the side band */
};

/* The outcome. */
struct loader_result {
	struct sampler *sampler;   /* NULL: the programs could not be loaded */
	struct sideband *sideband; /* NULL: not asked for, or something could not be opened */
	int error;                 /* 0 or a negative errno, with the reason in the report */
	struct sampler_report report;
};

/* Starts the thread. Takes the job's sampler, unless it fails: 0 or a negative errno. */
int loader_new(const struct loader_job *job, struct loader **ret);
/* Returns a descriptor that is readable when the job is done; borrowed. */
int loader_fd(const struct loader *loader);
/* Hands the result over to the caller and frees the loader; waits where the job is not done. */
void loader_finish(struct loader *loader, struct loader_result *ret);
/* Frees the loader. A job that is not done goes on by itself, and what it makes is freed at its
 * end: the kernel cannot be told to stop. */
struct loader *loader_free(struct loader *loader);
