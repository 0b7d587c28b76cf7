/* SPDX-License-Identifier: MIT */
/*
 * A library to be loaded while a program runs. WORK is the name of its function and FRAME_BYTES the
 * size of its frames: two builds of it have the same shape and other unwinding tables. It keeps to
 * the stack, so that it goes on where its file is damaged.
 */
#include <stdint.h>

#define JOIN2(a, b) a##b
#define JOIN(a, b)  JOIN2(a, b)

uint64_t WORK(uint64_t rounds);

__attribute__((noipa)) static uint64_t JOIN(WORK, _leaf)(uint64_t value)
{
	volatile uint64_t bytes[FRAME_BYTES / 8];

	for (unsigned i = 0; i < 20000; i++)
		bytes[i % 16] = value = value * 31 + i;
	return bytes[3];
}

uint64_t WORK(uint64_t rounds)
{
	volatile uint64_t sum[FRAME_BYTES / 8];

	sum[0] = rounds;
	for (uint64_t i = 0; i < rounds; i++)
		sum[0] += JOIN(WORK, _leaf)(i);
	return sum[0];
}
