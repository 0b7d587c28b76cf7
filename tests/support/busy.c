/* SPDX-License-Identifier: MIT */
#include "tests/support/busy.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((naked, noinline, used)) void busy_spin(const struct busy_frame *frames)
{
	__asm__("mov %rdi, %rbp\n"
		"mov %rdi, %rsp\n"
		"1: add $1, %rax\n"
		"jmp 1b\n");
}

__attribute__((naked, noinline, used)) static void busy_read(const struct busy_frame *frames,
							     int fd, char *buffer, size_t size)
{
	__asm__("mov %rdi, %rbp\n"
		"mov %rdi, %rsp\n"
		"mov %rsi, %r12\n"
		"mov %rdx, %r13\n"
		"mov %rcx, %r14\n"
		"1: mov $0, %rax\n"
		"mov %r12, %rdi\n"
		"mov %r13, %rsi\n"
		"mov %r14, %rdx\n"
		"syscall\n"
		"jmp 1b\n");
}

/* Returns the i-th return address: the test's, or one at which nothing is mapped. */
static uint64_t busy_return_address(const struct busy *busy, unsigned i)
{
	return busy->returns_to[i] ? busy->returns_to[i] : 0x10000 + i;
}

static void busy_run(const struct busy *busy)
{
	static struct busy_frame frames[BUSY_FRAMES_MAX + 1];
	static char buffer[1 << 20];

	if (busy->run)
		busy->run();
	for (unsigned i = 0; i < busy->depth; i++) {
		frames[i].next = (uintptr_t)&frames[i + 1];
		frames[i].returns_to = busy_return_address(busy, i);
	}
	if (busy->loops)
		frames[busy->depth - 1].next = (uintptr_t)&frames[busy->depth - 1];
	if (busy->in_kernel)
		busy_read(frames, open("/dev/zero", O_RDONLY), buffer, sizeof(buffer));
	busy_spin(frames);
}

static void busy_tell(int news)
{
	pid_t pid = getpid();

	if (write(news, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
}

static void busy_child(const struct busy *busy, int news)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (busy->comm)
		prctl(PR_SET_NAME, busy->comm);
	if (busy->uid && setresuid(busy->uid, busy->uid, busy->uid) < 0)
		_exit(1);
	prctl(PR_SET_DUMPABLE, !busy->hides);
	/* This comes after the change of ids, which resets it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	busy_tell(news);
	if (busy->waits) {
		sigwait(&set, &signal);
		if (fork())
			for (;;)
				pause();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		busy_tell(news);
	}
	busy_run(busy);
}

pid_t busy_hear(const struct busy_process *process)
{
	pid_t pid = 0;

	cr_assert_eq(read(process->news, &pid, sizeof(pid)), sizeof(pid));
	return pid;
}

struct busy_process busy_start(const struct busy *busy)
{
	struct busy_process process;
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	process.news = ends[0];
	process.pid = fork();
	cr_assert_geq(process.pid, 0);
	if (!process.pid)
		busy_child(busy, ends[1]);
	close(ends[1]);
	busy_hear(&process);
	return process;
}

void busy_stop(struct busy_process *process)
{
	kill(process->pid, SIGKILL);
	waitpid(process->pid, NULL, 0);
	close(process->news);
}

static uint64_t busy_cpu_ns(pid_t pid)
{
	struct timespec used = {0};
	clockid_t clock;

	cr_assert_eq(clock_getcpuclockid(pid, &clock), 0);
	clock_gettime(clock, &used);
	return used.tv_sec * UINT64_C(1000000000) + used.tv_nsec;
}

void busy_let(pid_t pid, uint64_t cpu_ms)
{
	uint64_t until_ns = busy_cpu_ns(pid) + cpu_ms * 1000000;

	while (busy_cpu_ns(pid) < until_ns)
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}
