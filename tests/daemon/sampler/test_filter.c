/* SPDX-License-Identifier: MIT */
/* Which processes are sampled. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "daemon/process/process.h"
#include "tests/support/sampling.h"

TestSuite(sampler_filter, .init = sampling_set_up, .fini = sampling_tear_down);

Test(sampler_filter, a_name_chooses_the_processes_that_have_it)
{
	struct busy_process wanted = busy_start(&(struct busy){.comm = "ox-wanted", .depth = 5});
	struct busy_process other = busy_start(&(struct busy){.comm = "ox-wanted2", .depth = 5});
	struct sampler_target target = {.filter = SAMPLER_COMM, .comm = "ox-wanted"};

	sampling_choose(&target, 1);
	sampling_run_both(&wanted, &other);
	cr_assert_gt(sampling_hits(wanted.pid), 0);
	cr_assert_eq(sampling_hits(0), sampling_hits(wanted.pid));
	busy_stop(&wanted);
	busy_stop(&other);
}

Test(sampler_filter, a_user_chooses_the_processes_that_are_his)
{
	struct busy_process wanted = busy_start(&(struct busy){.uid = NOBODY, .depth = 5});
	struct busy_process other = busy_start(&(struct busy){.uid = NOBODY - 1, .depth = 5});
	struct sampler_target target = {.filter = SAMPLER_USER, .id = NOBODY};

	sampling_choose(&target, 1);
	sampling_run_both(&wanted, &other);
	cr_assert_gt(sampling_hits(wanted.pid), 0);
	cr_assert_eq(sampling_hits(other.pid), 0);
	busy_stop(&wanted);
	busy_stop(&other);
}

Test(sampler_filter, all_chooses_everything)
{
	struct busy_process one = busy_start(&(struct busy){.depth = 5});
	struct busy_process two = busy_start(&(struct busy){.uid = NOBODY, .depth = 5});
	struct sampler_target target = {.filter = SAMPLER_ALL};

	sampling_choose(&target, 1);
	sampling_run_both(&one, &two);
	cr_assert_gt(sampling_hits(one.pid), 0);
	cr_assert_gt(sampling_hits(two.pid), 0);
	/* Other targets replace the ones before. */
	target = sampling_by_pid(one.pid, 0);
	sampling_choose(&target, 1);
	sampling_run_both(&one, &two);
	cr_assert_gt(sampling_hits(one.pid), 0);
	cr_assert_eq(sampling_hits(0), sampling_hits(one.pid));
	target = sampling_by_pid(two.pid, 0);
	sampling_choose(&target, 1);
	sampling_run_both(&one, &two);
	cr_assert_gt(sampling_hits(two.pid), 0);
	cr_assert_eq(sampling_hits(0), sampling_hits(two.pid));
	sampling_choose(NULL, 0);
	sampling_run(one.pid, 20);
	cr_assert_eq(sampling_hits(0), 0);
	busy_stop(&one);
	busy_stop(&two);
}

Test(sampler_filter, a_pid_is_pinned_by_the_start_of_its_process)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target target = sampling_by_pid(busy.pid, 0);
	uint64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK);
	struct process_stat stat;

	cr_assert_eq(process_read_stat("/proc", busy.pid, &stat), 0);
	target.target.start_min_ns = stat.start_ticks * tick_ns;
	target.target.start_max_ns = (stat.start_ticks + 1) * tick_ns;
	sampling_choose(&target, 1);
	sampling_run(busy.pid, 20);
	cr_assert_gt(sampling_hits(busy.pid), 0);

	target.target.start_min_ns += tick_ns;
	target.target.start_max_ns += tick_ns;
	sampling_choose(&target, 1);
	sampling_run(busy.pid, 20);
	cr_assert_eq(sampling_hits(0), 0);

	target.target.start_min_ns -= 2 * tick_ns;
	target.target.start_max_ns -= 2 * tick_ns;
	sampling_choose(&target, 1);
	sampling_run(busy.pid, 20);
	cr_assert_eq(sampling_hits(0), 0);
	cr_assert_eq(sampling_lost(OX_LOST_NOT_PERMITTED), 0);
	busy_stop(&busy);
}

Test(sampler_filter, an_owner_sees_only_what_runs_with_his_own_ids)
{
	struct busy_process his = busy_start(&(struct busy){.uid = NOBODY, .depth = 5});
	struct busy_process roots = busy_start(&(struct busy){.depth = 5});
	struct sampler_target targets[] = {sampling_by_pid(his.pid, OX_WANT_OWN),
					   sampling_by_pid(roots.pid, OX_WANT_OWN)};

	targets[0].target.uid = targets[1].target.uid = NOBODY;
	sampling_choose(targets, 2);
	sampling_run_both(&his, &roots);
	cr_assert_gt(sampling_hits(his.pid), 0);
	cr_assert_eq(sampling_hits(0), sampling_hits(his.pid));
	cr_assert_gt(sampling_lost(OX_LOST_NOT_PERMITTED), 0);
	busy_stop(&his);
	busy_stop(&roots);
}

Test(sampler_filter, of_two_targets_that_name_the_same_the_one_that_may_counts)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target targets[] = {sampling_by_pid(busy.pid, OX_WANT_OWN),
					   sampling_by_pid(busy.pid, 0)};

	targets[0].target.uid = targets[1].target.uid = NOBODY;
	sampling_choose(targets, 2);
	sampling_run(busy.pid, 20);
	cr_assert_gt(sampling_hits(busy.pid), 0);
	cr_assert_eq(sampling_lost(OX_LOST_NOT_PERMITTED), 0);
	busy_stop(&busy);
}

/* Starts a child of the process while that is sampled. */
static pid_t start_child(struct busy_process *parent)
{
	kill(parent->pid, SIGUSR1);
	return busy_hear(parent);
}

Test(sampler_filter, children_are_followed_to_their_end)
{
	struct busy_process parent = busy_start(&(struct busy){.depth = 5, .waits = true});
	struct sampler_target target = sampling_by_pid(parent.pid, OX_WANT_CHILDREN);
	pid_t child;

	cr_assert_eq(sampler_set_targets(sampling.sampler, &target, 1, true), 0);
	cr_assert_eq(sampler_follow_children(sampling.sampler, true), 0);
	cr_assert_eq(sampler_count_children(sampling.sampler), 0);
	child = start_child(&parent);
	cr_assert_eq(sampler_count_children(sampling.sampler), 1);
	sampling_run(child, CPU_MS);
	cr_assert_gt(sampling_hits(child), 0);
	cr_assert_eq(sampling_hits(0), sampling_hits(child) + sampling_hits(parent.pid));
	kill(child, SIGKILL);
	/* The child has ended, and is a zombie now. */
	while (sampler_count_children(sampling.sampler))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	busy_stop(&parent);
}

Test(sampler_filter, children_are_not_followed_unless_wanted)
{
	struct busy_process parent = busy_start(&(struct busy){.depth = 5, .waits = true});
	struct busy_process other = busy_start(&(struct busy){.depth = 5, .waits = true});
	struct sampler_target targets[] = {sampling_by_pid(parent.pid, 0),
					   sampling_by_pid(other.pid, OX_WANT_CHILDREN)};
	pid_t child;

	cr_assert_eq(sampler_set_targets(sampling.sampler, targets, 2, true), 0);
	cr_assert_eq(sampler_follow_children(sampling.sampler, true), 0);
	child = start_child(&parent);
	sampling_run(child, 20);
	cr_assert_eq(sampling_hits(child), 0);
	cr_assert_eq(sampler_follow_children(sampling.sampler, false), 0);
	child = start_child(&other);
	sampling_run(child, 20);
	cr_assert_eq(sampling_hits(child), 0);
	busy_stop(&parent);
	busy_stop(&other);
}

Test(sampler_filter, a_child_that_was_there_before_can_be_added)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct ox_target target = {.start_max_ns = UINT64_MAX};

	cr_assert_eq(sampler_set_targets(sampling.sampler, NULL, 0, true), 0);
	cr_assert_eq(sampler_add_child(sampling.sampler, busy.pid, &target), 0);
	cr_assert_eq(sampler_add_child(sampling.sampler, busy.pid, &target), 0);
	cr_assert_eq(sampler_count_children(sampling.sampler), 1);
	sampling_run(busy.pid, 20);
	cr_assert_gt(sampling_hits(busy.pid), 0);
	sampler_clear_children(sampling.sampler);
	cr_assert_eq(sampler_count_children(sampling.sampler), 0);
	sampling_run(busy.pid, 20);
	cr_assert_eq(sampling_hits(0), 0);
	busy_stop(&busy);
}

Test(sampler_filter, too_many_targets_of_one_kind_are_told)
{
	struct sampler_target *targets = calloc(1025, sizeof(*targets));

	for (uint32_t i = 0; i < 1025; i++)
		targets[i] = sampling_by_pid(100000 + i, 0);
	cr_assert_eq(sampler_set_targets(sampling.sampler, targets, 1024, false), 0);
	cr_assert_eq(sampler_set_targets(sampling.sampler, targets, 1025, false), -E2BIG);
	free(targets);
}
