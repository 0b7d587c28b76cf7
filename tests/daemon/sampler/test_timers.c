/* SPDX-License-Identifier: MIT */
/* CPUs that go and come. That a CPU does is in tests/system/case_cpus.sh: here timers die that are
 * stopped behind the sampler's back, which is what the kernel does to those of a CPU that goes. */
#include <criterion/criterion.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "daemon/sampler/internal.h"
#include "tests/support/sampling.h"

TestSuite(sampler_timers, .init = sampling_set_up, .fini = sampling_tear_down);

static int count_timers(void)
{
	int n = 0;

	for (unsigned cpu = 0; cpu < sampling.sampler->n_cpus; cpu++)
		n += sampling.sampler->event_fds[cpu] >= 0;
	return n;
}

static void kill_timers(void)
{
	for (unsigned cpu = 0; cpu < sampling.sampler->n_cpus; cpu++)
		if (sampling.sampler->event_fds[cpu] >= 0)
			cr_assert_eq(
				ioctl(sampling.sampler->event_fds[cpu], PERF_EVENT_IOC_DISABLE, 0),
				0);
}

Test(sampler_timers, those_that_run_are_left_alone)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target = sampling_by_pid(busy.pid);

	/* Not one tick comes between two of these checks. */
	sampling.sessions[0].interval_ns = UINT64_C(10000000000);
	sampling_choose(&target, 1);
	sampling_start();
	for (int i = 0; i < 5; i++)
		cr_assert_eq(sampler_check_cpus(sampling.sampler), 0);
	sampling_stop();
	busy_stop(&busy);
}

Test(sampler_timers, those_that_died_are_opened_again)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target = sampling_by_pid(busy.pid);
	int n_timers, n = 0;

	sampling_choose(&target, 1);
	sampling_start();
	n_timers = count_timers();
	kill_timers();
	busy_let(busy.pid, 10);
	sampling_drain();
	sampling.n_seen = 0;
	/* At the first look there may have been ticks since the one before. */
	for (int i = 0; i < 2; i++)
		n += sampler_check_cpus(sampling.sampler);
	cr_assert_eq(n, n_timers);
	busy_let(busy.pid, 20);
	cr_assert_eq(sampler_check_cpus(sampling.sampler), 0);
	sampling_stop();
	cr_assert_gt(sampling_taken_by(0), 0);
	busy_stop(&busy);
}

/* A CPU that was not there has no timer, and gets one. */
Test(sampler_timers, one_that_is_missing_is_opened)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target = sampling_by_pid(busy.pid);

	sampling_choose(&target, 1);
	sampling_start();
	close(sampling.sampler->link_fds[0]);
	close(sampling.sampler->event_fds[0]);
	sampling.sampler->link_fds[0] = sampling.sampler->event_fds[0] = -1;
	cr_assert_eq(sampler_check_cpus(sampling.sampler), 1);
	cr_assert_geq(sampling.sampler->event_fds[0], 0);
	sampling_stop();
	busy_stop(&busy);
}
