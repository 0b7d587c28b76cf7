/* SPDX-License-Identifier: MIT */
/*
 * Spends its CPU time 5 : 3 : 2 in five(), three() and two(), for so many seconds of it (argument,
 * default 10), and prints how much it used, and how often it was taken off its CPU: "cpu_usec
 * 10000123", "switches 512". A round takes 50 ms, many times an interval of the sampler and never
 * in step with it. Waits for a line on stdin before it begins, so that it can be chosen first.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define UNIT_NS 5000000 /* a tenth of a round */

static volatile uint64_t sink;

static uint64_t clock_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The loop stands in each of the three, so that the time is their own. */
#define SPEND(name)                                                \
	__attribute__((noinline)) static void name(uint64_t steps) \
	{                                                          \
		for (uint64_t i = 0; i < steps; i++)               \
			sink = sink * 31 + i;                      \
	}

SPEND(five)
SPEND(three)
SPEND(two)

struct part {
	void (*spend)(uint64_t steps);
	uint64_t units;
	uint64_t used_ns;
};

/* Runs one part. CPU time that a round took too much the next gives back: the sums stay 5 : 3 : 2.
 */
static void fragment_run(struct part *part, uint64_t rounds, double steps_per_ns)
{
	uint64_t wanted_ns = rounds * part->units * UNIT_NS;
	uint64_t start_ns = clock_cpu_ns();

	if (wanted_ns > part->used_ns)
		part->spend((uint64_t)((double)(wanted_ns - part->used_ns) * steps_per_ns));
	part->used_ns += clock_cpu_ns() - start_ns;
}

static double steps_calibrate(void)
{
	const uint64_t steps = 5000000;
	uint64_t start_ns = clock_cpu_ns();

	for (uint64_t i = 0; i < steps; i++)
		sink = sink * 31 + i;
	return (double)steps / (double)(clock_cpu_ns() - start_ns);
}

static long count_switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw + usage.ru_nivcsw;
}

int main(int argc, char **argv)
{
	struct part parts[] = {{five, 5, 0}, {three, 3, 0}, {two, 2, 0}};
	double seconds = argc > 1 ? atof(argv[1]) : 10;
	double steps_per_ns;
	uint64_t start_ns;

	if (getchar() == EOF)
		return 1;
	start_ns = clock_cpu_ns();
	steps_per_ns = steps_calibrate();
	for (uint64_t rounds = 1; (double)(clock_cpu_ns() - start_ns) < seconds * 1e9; rounds++)
		for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
			fragment_run(&parts[i], rounds, steps_per_ns);
	printf("cpu_usec %llu\n", (unsigned long long)(clock_cpu_ns() - start_ns) / 1000);
	printf("switches %ld\n", count_switches());
	return 0;
}
