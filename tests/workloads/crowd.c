/* SPDX-License-Identifier: MIT */
/*
 * Overloads a machine: processes that burn, and many threads that wake now and then. Prints a line
 * when all of them are there.
 *
 *     crowd PROCESSES THREADS     THREADS in all, in processes of a thousand
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define THREADS_IN_PROCESS 1000

static void *wake_now_and_then(void *seed_at)
{
	unsigned seed = (unsigned)(unsigned long)seed_at;

	for (;;) {
		struct timespec pause = {1 + rand_r(&seed) % 2, rand_r(&seed) % 1000000000};

		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void hold_threads(long n, int ready)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (long i = 0; i < n; i++)
		if (pthread_create(&thread, &attr, wake_now_and_then, (void *)i))
			exit(1);
	if (write(ready, "x", 1) != 1)
		exit(1);
	for (;;)
		pause();
}

static void burn(int ready)
{
	if (write(ready, "x", 1) != 1)
		exit(1);
	for (volatile unsigned long n = 0;; n++)
		;
}

int main(int argc, char **argv)
{
	long n_burning = argc > 1 ? atol(argv[1]) : 8, n_threads = argc > 2 ? atol(argv[2]) : 10000;
	long n_holding = (n_threads + THREADS_IN_PROCESS - 1) / THREADS_IN_PROCESS;
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		return 1;
	for (long i = 0; i < n_burning + n_holding; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (i < n_burning)
			burn(ready[1]);
		hold_threads(n_threads / n_holding, ready[1]);
	}
	for (long i = 0; i < n_burning + n_holding; i++)
		if (read(ready[0], &byte, 1) != 1)
			return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
