/* SPDX-License-Identifier: MIT */
#include "daemon/base/priority.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>

#include "daemon/base/clock.h"

static bool may_raise; /* a thread that was lowered */
static _Thread_local volatile sig_atomic_t is_raised;

static int set_policy(int policy, int priority)
{
	const struct sched_param param = {.sched_priority = priority};

	return sched_setscheduler(0, policy, &param) < 0 ? -errno : 0;
}

void priority_lower(void)
{
	is_raised = false;
	(void)set_policy(SCHED_OTHER, 0);
}

/* Lowers the thread: the kernel gives the signal to the one that used up its time. */
static void on_time_used_up(int signal)
{
	int error = errno;

	priority_lower();
	errno = error;
}

/* Sets the limit again, each time: with each signal the kernel grants another second. */
static int limit_run(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_RTTIME, &limit) < 0)
		return -errno;
	limit.rlim_cur = PRIORITY_RUN_USEC < limit.rlim_max ? PRIORITY_RUN_USEC : limit.rlim_max;
	return setrlimit(RLIMIT_RTTIME, &limit) < 0 ? -errno : 0;
}

static int raise_thread(void)
{
	int r = limit_run();

	if (r < 0)
		return r;
	r = set_policy(SCHED_RR, sched_get_priority_min(SCHED_RR));
	is_raised = r == 0;
	return r;
}

static bool is_permitted(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_RTPRIO, &limit) == 0 && limit.rlim_cur > 0;
}

int priority_init(void)
{
	struct sigaction action = {.sa_handler = on_time_used_up, .sa_flags = SA_RESTART};
	bool was_raised = sched_getscheduler(0) == SCHED_RR;
	int r = sigaction(SIGXCPU, &action, NULL) < 0 ? -errno : raise_thread();

	may_raise = r == 0 && (!was_raised || is_permitted());
	return r;
}

void priority_raise(void)
{
	if (may_raise && !is_raised)
		(void)raise_thread();
}

bool priority_budget_count(struct priority_budget *budget, uint64_t now_ns, uint64_t cpu_ns)
{
	const int64_t most_ns = PRIORITY_RUN_USEC * 1000;

	assert(!budget->is_begun || (now_ns >= budget->seen_ns && cpu_ns >= budget->seen_cpu_ns));
	if (!budget->is_begun)
		*budget = (struct priority_budget){true, now_ns, cpu_ns, most_ns};
	budget->left_ns += (now_ns - budget->seen_ns) / PRIORITY_SHARE;
	if (budget->left_ns > most_ns)
		budget->left_ns = most_ns;
	budget->left_ns -= cpu_ns - budget->seen_cpu_ns;
	if (budget->left_ns < -most_ns)
		budget->left_ns = -most_ns;
	budget->seen_ns = now_ns;
	budget->seen_cpu_ns = cpu_ns;
	return budget->left_ns > 0;
}

void priority_keep(struct priority_budget *budget)
{
	struct timespec cpu;

	if (!may_raise || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) < 0)
		return;
	if (priority_budget_count(budget, clock_monotonic_ns(),
				  cpu.tv_sec * UINT64_C(1000000000) + cpu.tv_nsec))
		priority_raise();
	else if (is_raised)
		priority_lower();
}
