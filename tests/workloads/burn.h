/* SPDX-License-Identifier: MIT */
/* Shared by the workloads that run for so many seconds of CPU time. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t clock_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Prints "ready". Returns the time of the CPU clock at which so many seconds are over, or
 * UINT64_MAX where the argument is missing or 0. */
static inline uint64_t burn_begin(const char *seconds)
{
	double wanted = seconds ? atof(seconds) : 0;

	puts("ready");
	fflush(stdout);
	return wanted > 0 ? clock_cpu_ns() + (uint64_t)(wanted * 1e9) : UINT64_MAX;
}
