/* SPDX-License-Identifier: MIT */
/*
 * calls FRAMES STACKS [SLICES]: spins below a stack of that many user frames, one of so many stacks
 * each time, of which few are hot. Without SLICES until it is killed. With them it waits for a line
 * on stdin and does that many times the same work of about 10 ms; it prints how long that took, the
 * median of all, so that a slice in which others had the CPU does not count: "slice_ns 9876543".
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define OTHER_FRAMES 4 /* spin(), slice(), main() and what of libc calls it */
#define SPIN_STEPS   5000
#define SLICE_SPINS  1000
#define SLICES_MAX   10000

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
	/* The variable is on the stack, so that gcc gives a function without calls its frame. */
	volatile uint64_t i;

	for (i = 0; i < SPIN_STEPS; i++)
		sink = sink * 31 + i;
}

static void left(unsigned depth, uint64_t path);
static void right(unsigned depth, uint64_t path);

/* Calls down so many levels. The bits of the path choose the last ones: stacks share their upper
 * part. */
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

__attribute__((noinline)) static void slice(unsigned depth, double stacks)
{
	for (int i = 0; i < SLICE_SPINS; i++) {
		double at = draw();

		go_down(depth, (uint64_t)(stacks * at * at * at));
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t time_slices(unsigned depth, double stacks, unsigned n)
{
	static uint64_t slices_ns[SLICES_MAX];

	for (unsigned i = 0; i < n; i++) {
		uint64_t start_ns = clock_ns();

		slice(depth, stacks);
		slices_ns[i] = clock_ns() - start_ns;
	}
	qsort(slices_ns, n, sizeof(slices_ns[0]), compare);
	return slices_ns[n / 2];
}

int main(int argc, char **argv)
{
	unsigned frames = argc > 2 ? (unsigned)atoi(argv[1]) : 0;
	unsigned slices = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	double stacks = argc > 2 ? atof(argv[2]) : 0;

	if (frames <= OTHER_FRAMES || stacks < 1 || slices > SLICES_MAX) {
		fprintf(stderr, "usage: calls FRAMES STACKS [SLICES]\n");
		return 2;
	}
	while (!slices)
		slice(frames - OTHER_FRAMES, stacks);
	if (getchar() == EOF)
		return 1;
	printf("slice_ns %llu\n",
	       (unsigned long long)time_slices(frames - OTHER_FRAMES, stacks, slices));
	return 0;
}
