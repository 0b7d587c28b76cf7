/* SPDX-License-Identifier: MIT */
/*
 * inlines [SECONDS]: a loop that was inlined over three functions into work(). The numbers of the
 * lines with a mark are what a profile should show. Built with -O2 -g.
 */
#include "burn.h"

#define INLINED static inline __attribute__((always_inline))

static volatile uint64_t sink;

INLINED void inner(uint64_t steps)
{
	for (uint64_t i = 0; i < steps; i++)
		sink = sink * 31 + i; /* line of inner */
}

INLINED void middle(uint64_t steps)
{
	inner(steps); /* line of middle */
	sink++;
}

INLINED void outer(uint64_t steps)
{
	middle(steps); /* line of outer */
	sink++;
}

__attribute__((noipa)) static void work(uint64_t steps)
{
	outer(steps); /* line of work */
	sink++;
}

int main(int argc, char **argv)
{
	uint64_t end_ns = burn_begin(argc > 1 ? argv[1] : NULL);

	while (clock_cpu_ns() < end_ns)
		work(100000); /* line of main */
	return 0;
}
