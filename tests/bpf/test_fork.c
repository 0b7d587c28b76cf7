/* SPDX-License-Identifier: MIT */
/* The interpreter of a process that the daemon has not looked at yet (bpf/process.bpf.h). */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "tests/support/python_world.h"

/* The child that the sampled process forks: it spins, or becomes a shell when that is wanted. */
static struct forked {
	volatile bool is_wanted, is_shell_wanted;
	volatile pid_t pid;
} * forked;

static void set_up_fork(void)
{
	python_world_set_up();
	forked = mmap(NULL, sizeof(*forked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	cr_assert_neq(forked, MAP_FAILED);
}

TestSuite(python_fork, .init = set_up_fork, .fini = python_world_tear_down);

static void be_forked(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	made_touch();
	forked->pid = getpid();
	while (!forked->is_shell_wanted)
		__asm__ volatile("");
	execl("/bin/sh", "sh", "-c", "while :; do :; done", NULL);
	_exit(1);
}

static void fork_when_wanted(void)
{
	made_touch();
	*python_world.is_ready = true;
	while (!forked->is_wanted)
		__asm__ volatile("");
	if (!fork())
		be_forked();
	python_world_spin();
}

static void begin_fork(void)
{
	struct sampler_target target;

	made_start(&python_layouts(&python_world.n_layouts)[0]);
	python_world_make_three();
	python_world_begin_with(fork_when_wanted);
	/* Its parent was seen. */
	python_world_check_end(python_world_look_for(SHORT_MS), OX_PYTHON_WHOLE, 3);
	forked->is_wanted = true;
	while (!forked->pid)
		busy_let(python_world.busy.pid, 1);
	target = sampling_by_pid(forked->pid);
	sampling_choose(&target, 1);
}

static void end_fork(void)
{
	kill(forked->pid, SIGKILL);
	sampler_drop_process(sampling.sampler, forked->pid);
	python_world_end();
}

static void become_shell(void)
{
	forked->is_shell_wanted = true;
	/* Much more than an exec takes. */
	busy_let(forked->pid, CPU_MS);
}

static bool has_interpreter(void)
{
	struct ox_process process;

	cr_assert_eq(sampler_get_process(sampling.sampler, forked->pid, &process), 0);
	return process.interpreter.layout;
}

static void sample_forked(void)
{
	memset(&python_world.sent, 0, sizeof(python_world.sent));
	sampling_run(forked->pid, CPU_MS);
	sampler_read_definitions(sampling.sampler, python_world_take_part, NULL);
	cr_assert_gt(sampling.n_seen, 0);
	cr_assert_eq(sampling_hits(0), sampling_hits(forked->pid));
}

/* The frames are in its very first sample, before the daemon can have sent anything. */
Test(python_fork, a_fork_has_the_frames_of_its_parent)
{
	begin_fork();
	sample_forked();
	for (size_t i = 0; i < sampling.n_seen; i++) {
		python_world_check_end(&sampling.seen[i], OX_PYTHON_WHOLE, 3);
		python_world_check_three(&sampling.seen[i], 0);
	}
	cr_expect(has_interpreter());
	end_fork();
}

static void check_shell(void)
{
	sample_forked();
	for (size_t i = 0; i < sampling.n_seen; i++)
		cr_expect_not(sampling.seen[i].has_python);
	cr_expect_not(has_interpreter());
}

Test(python_fork, what_was_executed_has_not_the_interpreter_of_its_parent)
{
	begin_fork();
	become_shell();
	check_shell();
	end_fork();
}

Test(python_fork, what_was_executed_has_not_the_interpreter_of_before)
{
	begin_fork();
	sample_forked();
	cr_assert(has_interpreter());
	become_shell();
	check_shell();
	end_fork();
}
