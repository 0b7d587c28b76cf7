/* SPDX-License-Identifier: MIT */
/* Spins at the bottom of 400 frames until it is killed. */
#include <stdint.h>

static volatile uint64_t sink;

__attribute__((noinline)) static void bottom(void)
{
	/* The variable is on the stack, so that gcc gives a function without calls its frame. */
	volatile int i;

	for (i = 0; i < 50000; i++)
		sink = sink * 31 + (uint64_t)i;
}

__attribute__((noinline)) static void descend(int depth)
{
	if (depth == 0)
		for (;;)
			bottom();
	descend(depth - 1);
	sink++; /* not a tail call: this frame stays */
}

int main(void)
{
	descend(400);
}
