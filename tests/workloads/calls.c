/* SPDX-License-Identifier: MIT */
/*
 * calls FRAMES STACKS [WORK]: spins below a stack of that many user frames, one of so many stacks
 * each time, of which few are hot. Without WORK until it is killed. With it, that many spins of
 * about 10 us: waits for a line on stdin, then spins and prints how long it took: "wall_ns 1234".
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define OTHER_FRAMES 3 /* spin(), main() and what of libc calls it */
#define SPIN_STEPS   10000

static volatile uint64_t sink;

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double draw(void)
{
	static uint64_t random = 88172645463325252;

	random ^= random << 13;
	random ^= random >> 7;
	random ^= random << 17;
	return (double)(random >> 11) / (double)(UINT64_C(1) << 53);
}

__attribute__((noinline)) static void spin(void)
{
	for (uint64_t i = 0; i < SPIN_STEPS; i++)
		sink = sink * 31 + i;
}

static void left(unsigned depth, uint64_t path);
static void right(unsigned depth, uint64_t path);

/* The last levels are chosen by the bits of the path: stacks share their upper part. */
static inline __attribute__((always_inline)) void go_down(unsigned depth, uint64_t path)
{
	if (!depth)
		spin();
	else if (depth <= 64 && path >> (depth - 1) & 1)
		right(depth - 1, path);
	else
		left(depth - 1, path);
	sink++; /* not a tail call: this frame stays */
}

__attribute__((noinline)) static void left(unsigned depth, uint64_t path)
{
	go_down(depth, path);
}

__attribute__((noinline)) static void right(unsigned depth, uint64_t path)
{
	go_down(depth, path);
}

static void call(unsigned depth, double stacks)
{
	double at = draw();

	go_down(depth, (uint64_t)(stacks * at * at * at));
}

int main(int argc, char **argv)
{
	unsigned frames = argc > 2 ? (unsigned)atoi(argv[1]) : 0;
	double stacks = argc > 2 ? atof(argv[2]) : 0;
	uint64_t work = argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX, start_ns;

	if (frames <= OTHER_FRAMES || stacks < 1) {
		fprintf(stderr, "usage: calls FRAMES STACKS [WORK]\n");
		return 2;
	}
	if (argc > 3 && getchar() == EOF)
		return 1;
	start_ns = clock_ns();
	for (uint64_t i = 0; i < work; i++)
		call(frames - OTHER_FRAMES, stacks);
	printf("wall_ns %llu\n", (unsigned long long)(clock_ns() - start_ns));
	return 0;
}
