/* SPDX-License-Identifier: MIT */
/*
 * Starts 200 children, one after the other, each under a name of its own (child_000 ...) and each
 * an exec of this program that works for 20 ms of CPU time and ends. Waits for a line on stdin
 * before it begins, so that it can be chosen first.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define N_CHILDREN 200
#define CHILD_NS   20000000

static volatile uint64_t sink;

static uint64_t clock_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

__attribute__((noinline)) static void child_work(void)
{
	uint64_t start_ns = clock_cpu_ns();

	while (clock_cpu_ns() - start_ns < CHILD_NS)
		for (int i = 0; i < 10000; i++)
			sink = sink * 31 + (uint64_t)i;
}

static void child_start(const char *name)
{
	pid_t pid = fork();

	if (pid < 0)
		exit(1);
	if (pid == 0) {
		execl("/proc/self/exe", "children", name, (char *)NULL);
		_exit(127);
	}
	if (waitpid(pid, NULL, 0) < 0)
		exit(1);
}

int main(int argc, char **argv)
{
	char name[16];

	if (argc > 1) {
		prctl(PR_SET_NAME, argv[1]);
		child_work();
		return 0;
	}
	if (getchar() == EOF)
		return 1;
	for (int i = 0; i < N_CHILDREN; i++) {
		snprintf(name, sizeof(name), "child_%03d", i);
		child_start(name);
	}
	return 0;
}
