/* SPDX-License-Identifier: MIT */
/*
 * In each round of 97 ms: so many milliseconds of CPU time in much() and so many in some(), both
 * called by work(), and sleep until the next one; for so many seconds. So its rates are the same
 * whatever else runs on the machine.
 *
 *   rounds SECONDS MUCH SOME
 *
 * Waits for a line on stdin before it begins.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUND_NS 97000000 /* not in step with the sampler */

static volatile uint64_t sink;

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The clock is read so seldom that it does not show. */
#define SPEND(name)                                                   \
	__attribute__((noinline)) static int64_t name(int64_t end_ns) \
	{                                                             \
		do                                                    \
			for (uint64_t i = 0; i < 20000; i++)          \
				sink = sink * 31 + i;                 \
		while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < end_ns);  \
		return end_ns;                                        \
	}

SPEND(much)
SPEND(some)

/* Works for a number of rounds; CPU time that a round took too much the next gives back. */
__attribute__((noinline)) static void work(int64_t used[2], const int64_t wanted[2], int64_t rounds)
{
	int64_t now = clock_ns(CLOCK_PROCESS_CPUTIME_ID), after;

	if (rounds * wanted[0] > used[0])
		much(now + rounds * wanted[0] - used[0]);
	after = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	used[0] += after - now;
	if (rounds * wanted[1] > used[1])
		some(after + rounds * wanted[1] - used[1]);
	used[1] += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - after;
}

int main(int argc, char **argv)
{
	int64_t used[2] = {0, 0}, wanted[2], start_ns, rounds;

	if (argc != 4 || getchar() == EOF)
		return 1;
	wanted[0] = atoll(argv[2]) * 1000000;
	wanted[1] = atoll(argv[3]) * 1000000;
	start_ns = clock_ns(CLOCK_MONOTONIC);
	for (rounds = 1; rounds * ROUND_NS < atoll(argv[1]) * 1000000000; rounds++) {
		int64_t next_ns = start_ns + rounds * ROUND_NS;
		struct timespec next = {next_ns / 1000000000, next_ns % 1000000000};

		work(used, wanted, rounds);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	return 0;
}
