/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/priority.h"

#define MS UINT64_C(1000000)

static void assert_policy(int policy)
{
	cr_assert_eq(sched_getscheduler(0), policy);
}

/* Skips the test where nobody is allowed a real-time priority. */
static void init(void)
{
	int r = priority_init();

	if (r == -EPERM)
		cr_skip_test("no real-time priority here: needs root");
	cr_assert_eq(r, 0);
	assert_policy(SCHED_RR);
}

Test(priority, a_budget_is_a_share_of_the_time)
{
	struct priority_budget budget = {};

	cr_assert(priority_budget_count(&budget, 0, 0));
	/* All that was saved, at once, and then there is nothing. */
	cr_assert(!priority_budget_count(&budget, 0, PRIORITY_RUN_USEC * 1000));
	cr_assert(!priority_budget_count(&budget, PRIORITY_SHARE * MS, 201 * MS));
	cr_assert(priority_budget_count(&budget, 2 * PRIORITY_SHARE * MS, 201 * MS + MS / 2));
}

Test(priority, what_is_saved_has_an_end)
{
	struct priority_budget budget = {};

	cr_assert(priority_budget_count(&budget, 0, 0));
	cr_assert(priority_budget_count(&budget, 3600000 * MS, 0));
	cr_assert(!priority_budget_count(&budget, 3600000 * MS, PRIORITY_RUN_USEC * 1000));
}

Test(priority, so_has_a_debt)
{
	struct priority_budget budget = {};
	uint64_t most_ns = PRIORITY_RUN_USEC * 1000;

	cr_assert(priority_budget_count(&budget, 0, 0));
	cr_assert(!priority_budget_count(&budget, MS, 3600000 * MS));
	cr_assert(!priority_budget_count(&budget, most_ns * PRIORITY_SHARE, 3600000 * MS));
	cr_assert(
		priority_budget_count(&budget, (most_ns + 2 * MS) * PRIORITY_SHARE, 3600000 * MS));
}

/* A thread that did not return would hang the test. */
Test(priority, who_runs_on_is_lowered_and_may_be_raised_again, .timeout = 1000)
{
	init();
	for (int i = 0; i < 2; i++) {
		while (sched_getscheduler(0) == SCHED_RR)
			;
		assert_policy(SCHED_OTHER);
		priority_raise();
		assert_policy(SCHED_RR);
	}
}

Test(priority, a_loop_over_its_share_is_lowered, .timeout = 1000)
{
	struct priority_budget budget = {};

	init();
	/* Short runs, each of which would be allowed. */
	do {
		for (volatile int i = 0; i < 10000; i++)
			;
		priority_keep(&budget);
	} while (sched_getscheduler(0) == SCHED_RR);
	do {
		usleep(1000);
		priority_keep(&budget);
	} while (sched_getscheduler(0) != SCHED_RR);
}

static void *lower(void *userdata)
{
	assert_policy(SCHED_RR);
	priority_lower();
	assert_policy(SCHED_OTHER);
	return userdata;
}

Test(priority, each_thread_has_its_own)
{
	pthread_t thread;

	init();
	cr_assert_eq(pthread_create(&thread, NULL, lower, NULL), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	assert_policy(SCHED_RR);
}

/* A priority that systemd gave cannot be taken again by the process: it is kept where there is a
 * choice. */
Test(priority, what_cannot_be_raised_again_is_not_lowered_for_its_share)
{
	const struct sched_param param = {.sched_priority = 1};
	struct priority_budget budget = {};
	pid_t pid;
	int status;

	if (getuid() != 0 || sched_setscheduler(0, SCHED_RR, &param) < 0)
		cr_skip_test("no real-time priority here: needs root");
	pid = fork();
	if (pid == 0) {
		if (setuid(65534) < 0 || priority_init() < 0)
			_exit(1);
		budget = (struct priority_budget){.is_begun = true, .left_ns = -1000000000};
		priority_keep(&budget);
		_exit(sched_getscheduler(0) == SCHED_RR ? 0 : 2);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "%#x", status);
}
