/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is on a CPU. A machine on its knees lets a normal process wait for seconds, however
 * nice it is: between control groups, and between sessions (sched(7), "The autogroup feature"),
 * nice values do not count. So a thread that has little to do and must do it at once goes before
 * the normal ones (SCHED_RR at the lowest priority), as long as it stays little: what runs on
 * without a pause, or takes more than its share, goes on as a normal thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* In one go, RLIMIT_RTTIME. */
#define PRIORITY_RUN_USEC UINT64_C(200000)
/* In the long run: one part of so many of one CPU. */
#define PRIORITY_SHARE 5

/*
 * For the process, before its first thread; the calling thread is raised. systemd starts us as we
 * want to be (CPUSchedulingPolicy=), else it takes RLIMIT_RTPRIO (LimitRTPRIO=) or CAP_SYS_NICE;
 * without one of these two a thread that was lowered stays so. 0; -EPERM: the kernel does not allow
 * it, and the calls below do nothing; another negative errno.
 */
int priority_init(void);
/* The calling thread goes before the normal ones until it has run for PRIORITY_RUN_USEC. */
void priority_raise(void);
/* The calling thread is a normal one: for threads that take long, as they inherit what their maker
 * is. A process that is started has to do the same for itself. */
void priority_lower(void);

/* What a thread has left of its share. Begins as {}. */
struct priority_budget {
	bool is_begun;
	uint64_t seen_ns, seen_cpu_ns;
	int64_t left_ns;
};

/* Is anything left, now that so much time has passed and the thread's CPU time is that? Debts are
 * forgiven beyond PRIORITY_RUN_USEC: who ran longer did so as a normal thread. */
bool priority_budget_count(struct priority_budget *budget, uint64_t now_ns, uint64_t cpu_ns);
/* After each round of a loop: the calling thread is raised or lowered as its budget says. One that
 * could not be raised again is not lowered for its budget. */
void priority_keep(struct priority_budget *budget);
