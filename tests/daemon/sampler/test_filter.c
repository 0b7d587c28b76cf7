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
	target = sampling_by_pid(one.pid);
	sampling_choose(&target, 1);
	sampling_run_both(&one, &two);
	cr_assert_gt(sampling_hits(one.pid), 0);
	cr_assert_eq(sampling_hits(0), sampling_hits(one.pid));
	target = sampling_by_pid(two.pid);
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
	struct sampler_target target = sampling_by_pid(busy.pid);
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

/* Starts a child of the process while that is sampled. */
static pid_t start_child(struct busy_process *parent)
{
	kill(parent->pid, SIGUSR1);
	return busy_hear(parent);
}

static struct sampler_target with_children(pid_t pid)
{
	struct sampler_target target = sampling_by_pid(pid);

	target.target.children = 1;
	return target;
}

Test(sampler_filter, children_are_followed_to_their_end)
{
	struct busy_process parent = busy_start(&(struct busy){.depth = 5, .waits = true});
	struct sampler_target target = with_children(parent.pid);
	pid_t child;

	sampling.plan.children = true;
	sampling_choose(&target, 1);
	cr_assert_eq(sampler_count_children(sampling.sampler, 1), 0);
	child = start_child(&parent);
	cr_assert_eq(sampler_count_children(sampling.sampler, 1), 1);
	cr_assert_eq(sampler_count_children(sampling.sampler, 2), 0);
	sampling_run(child, CPU_MS);
	cr_assert_gt(sampling_hits(child), 0);
	cr_assert_eq(sampling_hits(0), sampling_hits(child) + sampling_hits(parent.pid));
	kill(child, SIGKILL);
	/* The child has ended, and is a zombie now. */
	while (sampler_count_children(sampling.sampler, 1))
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	busy_stop(&parent);
}

Test(sampler_filter, children_are_not_followed_unless_wanted)
{
	struct busy_process parent = busy_start(&(struct busy){.depth = 5, .waits = true});
	struct busy_process other = busy_start(&(struct busy){.depth = 5, .waits = true});
	struct sampler_target targets[] = {sampling_by_pid(parent.pid), with_children(other.pid)};
	pid_t child;

	sampling.plan.children = true;
	sampling_choose(targets, 2);
	child = start_child(&parent);
	sampling_run(child, 20);
	cr_assert_eq(sampling_hits(child), 0);
	sampling.plan.children = false;
	sampling_choose(targets, 2);
	child = start_child(&other);
	sampling_run(child, 20);
	cr_assert_eq(sampling_hits(child), 0);
	busy_stop(&parent);
	busy_stop(&other);
}

/* A child belongs to those sessions of its parent that want children, and to no other. */
Test(sampler_filter, each_session_follows_its_own_children)
{
	struct busy_process parent = busy_start(&(struct busy){.depth = 5, .waits = true});
	struct sampler_target targets[] = {with_children(parent.pid), sampling_by_pid(parent.pid)};
	pid_t child;

	targets[1].target.sessions = 2;
	sampling.sessions[1] = sampling.sessions[0];
	sampling.plan.running = 3;
	sampling.plan.children = true;
	sampling_choose(targets, 2);
	child = start_child(&parent);
	sampling_run(child, CPU_MS);
	cr_assert_gt(sampling_taken_by(0), 0);
	cr_assert_eq(sampling_taken_by(1), sampling_hits(parent.pid));
	cr_assert_eq(sampler_count_children(sampling.sampler, 1), 1);
	cr_assert_eq(sampler_count_children(sampling.sampler, 2), 0);

	/* The slot is given to a session that knows nothing of that child. */
	sampling.plan.running = 2;
	sampling_choose(&targets[1], 1);
	sampler_clear_slot(sampling.sampler, 0);
	cr_assert_eq(sampler_count_children(sampling.sampler, 3), 0);
	sampling.plan.running = 3;
	sampling_choose(&targets[1], 1);
	sampling_run(child, 20);
	cr_assert_eq(sampling_hits(child), 0);
	busy_stop(&parent);
}

Test(sampler_filter, a_child_that_was_there_before_can_be_added)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct ox_target target = {.start_max_ns = UINT64_MAX, .sessions = 1};

	sampling.sessions[1] = sampling.sessions[0];
	sampling.plan.running = 3;
	sampling.plan.children = true;
	sampling_choose(NULL, 0);
	cr_assert_eq(sampler_add_child(sampling.sampler, busy.pid, &target), 0);
	cr_assert_eq(sampler_add_child(sampling.sampler, busy.pid, &target), 0);
	target.sessions = 2;
	cr_assert_eq(sampler_add_child(sampling.sampler, busy.pid, &target), 0);
	cr_assert_eq(sampler_count_children(sampling.sampler, 3), 1);
	sampling_run(busy.pid, 20);
	cr_assert_gt(sampling_hits(busy.pid), 0);
	cr_assert_eq(sampling_taken_by(0), sampling_hits(0));
	cr_assert_eq(sampling_taken_by(1), sampling_hits(0));

	sampling.plan.running = 2;
	sampling_choose(NULL, 0);
	sampler_clear_slot(sampling.sampler, 0);
	cr_assert_eq(sampler_count_children(sampling.sampler, 1), 0);
	cr_assert_eq(sampler_count_children(sampling.sampler, 2), 1);
	busy_stop(&busy);
}

/* ---- masks ---- */

Test(sampler_filter, of_two_that_had_a_pid_the_younger_one_has_it)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target targets[] = {sampling_by_pid(busy.pid), sampling_by_pid(busy.pid)};

	targets[0].target.start_min_ns = 1; /* long before this one */
	targets[0].target.start_max_ns = 2;
	targets[1].target.start_min_ns = 3;
	targets[1].target.sessions = 2;
	sampling.sessions[1] = sampling.sessions[0];
	sampling.plan.running = 3;
	sampling_choose(targets, 2);
	sampling_run(busy.pid, 20);
	cr_assert_gt(sampling_taken_by(1), 0);
	cr_assert_eq(sampling_taken_by(0), 0);
	busy_stop(&busy);
}

Test(sampler_filter, a_sample_of_several_sessions_is_kept_once_and_names_the_first_target)
{
	struct busy_process busy = busy_start(&(struct busy){.comm = "ox-both", .depth = 5});
	struct sampler_target targets[] = {sampling_by_pid(busy.pid),
					   sampling_by_pid(busy.pid),
					   {.filter = SAMPLER_COMM, .comm = "ox-both"}};

	targets[0].target.number = 9;
	targets[1].target.number = 8;
	targets[1].target.sessions = 2;
	targets[2].target.number = 1;
	targets[2].target.sessions = UINT64_C(1) << 63;
	sampling.sessions[1] = sampling.sessions[63] = sampling.sessions[0];
	sampling.plan.running = UINT64_C(1) << 63 | 3;
	sampling_choose(targets, 3);
	sampling_run(busy.pid, 20);
	cr_assert_gt(sampling_hits(0), 0);
	for (size_t i = 0; i < sampling.n_seen; i++) {
		cr_assert_eq(sampling.seen[i].id.sessions, sampling.plan.running);
		cr_assert_eq(sampling.seen[i].id.target, 8);
	}
	cr_assert_eq(sampling_hits(0), sampling_counted());
	busy_stop(&busy);
}

Test(sampler_filter, who_does_not_run_takes_nothing)
{
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});
	struct sampler_target targets[] = {sampling_by_pid(busy.pid), sampling_by_pid(busy.pid)};

	targets[1].target.sessions = 4;
	sampling_choose(targets, 2);
	sampling_run(busy.pid, 20);
	cr_assert_eq(sampling_taken_by(0), sampling_counted());
	cr_assert_eq(sampling_taken_by(2), 0);
	busy_stop(&busy);
}

/* ---- changes while sampling goes on ---- */

/* Lets a session of another come and go, with its filters, its rights and a shorter interval. */
static void come_and_go(struct sampler_target *targets, size_t n, size_t n_first)
{
	sampling_add_session(1, INTERVAL_NS / 2, NOBODY - 9);
	sampling_choose(targets, n);
	busy_let(targets[0].id, 2);
	sampling.plan.running = 1;
	sampling_choose(targets, n_first);
	busy_let(targets[0].id, 2);
}

Test(sampler_filter, a_session_loses_nothing_by_what_others_do)
{
	struct busy_process busy = busy_start(&(struct busy){.comm = "ox-stays", .depth = 5});
	struct sampler_target targets[] = {sampling_by_pid(busy.pid),
					   {.filter = SAMPLER_COMM, .comm = "ox-stays"},
					   {.filter = SAMPLER_ALL},
					   sampling_by_pid(busy.pid)};
	uint64_t ticks;

	targets[1].target.sessions = targets[2].target.sessions = targets[3].target.sessions = 2;
	sampling_choose(targets, 1);
	sampling_start();
	for (int i = 0; i < 20; i++)
		come_and_go(targets, 4, 1);
	sampling_stop();
	ticks = sampling_taken_by(0) + sampling_lost(OX_LOST_LATE);
	cr_assert_eq(sampling_taken_by(0), sampling_counted());
	cr_assert_eq(sampling_lost(OX_LOST_NOT_PERMITTED), 0);
	/* 80 ms; as much as the process ran over is more. Not one of the 20 changes lost ten. */
	cr_assert_gt(ticks, 80 * 1000000 / INTERVAL_NS - 20 * 10 / 2);
	busy_stop(&busy);
}

Test(sampler_filter, too_many_targets_of_one_kind_are_told_and_change_nothing)
{
	struct sampler_target *targets = calloc(OX_TARGETS_MAX + 1, sizeof(*targets));
	struct busy_process busy = busy_start(&(struct busy){.depth = 5});

	for (uint32_t i = 0; i < OX_TARGETS_MAX + 1; i++)
		targets[i] = sampling_by_pid(100000000 + i);
	targets[0].id = busy.pid;
	sampling_choose(targets, OX_TARGETS_MAX);
	sampling.plan.n_targets = OX_TARGETS_MAX + 1;
	cr_assert_eq(sampler_apply(sampling.sampler, &sampling.plan), -E2BIG);
	sampling_run(busy.pid, 20);
	cr_assert_gt(sampling_hits(busy.pid), 0);
	/* All of them change at once, which the kernel has no room for. */
	for (uint32_t i = 1; i < OX_TARGETS_MAX; i++)
		targets[i].id += OX_TARGETS_MAX;
	sampling_choose(targets, OX_TARGETS_MAX);
	targets[0].id = 1;
	targets[OX_TARGETS_MAX - 1].id = busy.pid;
	sampling_choose(targets, OX_TARGETS_MAX);
	sampling_run(busy.pid, 20);
	cr_assert_gt(sampling_hits(busy.pid), 0);
	busy_stop(&busy);
	free(targets);
}
