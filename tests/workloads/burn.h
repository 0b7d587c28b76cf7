/* SPDX-License-Identifier: MIT */
/* What the workloads that run for so many seconds of CPU time have in common. */
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

/* The argument as a time of the CPU clock to end at; none or 0: never. Says that it begins. */
static inline uint64_t burn_begin(const char *seconds)
{
	double wanted = seconds ? atof(seconds) : 0;

	puts("ready");
	fflush(stdout);
	return wanted > 0 ? clock_cpu_ns() + (uint64_t)(wanted * 1e9) : UINT64_MAX;
}
