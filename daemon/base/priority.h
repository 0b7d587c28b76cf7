/* SPDX-License-Identifier: MIT */
/*
 * Raises threads before others on a CPU. An overloaded machine lets a normal process wait for
 * seconds, however nice it is: between control groups, and between sessions (sched(7), "The
 * autogroup feature"), nice values do not count. So a thread that has little to do and must do it
 * at once goes before the normal ones (SCHED_RR at the lowest priority), as long as it stays
 * little: a thread that runs on without a pause, or takes more than its share, goes on as a normal
 * one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The longest run of a raised thread without a pause, RLIMIT_RTTIME. */
#define PRIORITY_RUN_USEC UINT64_C(200000)
/* The share of a thread in the long run: one part of so many of one CPU. */
#define PRIORITY_SHARE 5

/*
 * Prepares the process, before its first thread, and raises the calling thread. systemd starts the
 * process raised (CPUSchedulingPolicy=), else it takes RLIMIT_RTPRIO (LimitRTPRIO=) or
 * CAP_SYS_NICE; without one of these two a thread that was lowered stays so. Returns 0, -EPERM
 * where the kernel does not allow it, or another negative errno: then the calls below raise
 * nothing.
 */
int priority_init(void);
/* Raises the calling thread before the normal ones until it has run for PRIORITY_RUN_USEC. */
void priority_raise(void);
/* Makes the calling thread a normal one: for threads that take long, as a thread inherits what its
 * maker is. A process that is started has to do the same for itself. */
void priority_lower(void);

/* The time that a thread has left of its share. Begins as {}. */
struct priority_budget {
	bool is_begun;
	uint64_t seen_ns, seen_cpu_ns;
	int64_t left_ns;
};

/* Counts the time now_ns and the thread's CPU time cpu_ns. Debts are forgiven beyond
 * PRIORITY_RUN_USEC: a thread that ran longer did so as a normal one. Returns true if anything is
 * left. */
bool priority_budget_count(struct priority_budget *budget, uint64_t now_ns, uint64_t cpu_ns);
/* Raises or lowers the calling thread as its budget says, after each round of a loop. A thread that
 * could not be raised again is not lowered for its budget. */
void priority_keep(struct priority_budget *budget);
