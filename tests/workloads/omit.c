/* SPDX-License-Identifier: MIT */
/*
 * omit [SECONDS [DEPTH]]: what frame pointers cannot follow. Built with -O2 -fomit-frame-pointer.
 * recurse() stands on the stack exactly DEPTH times (default 61) whenever leaf() does; between two
 * of them is a step, by a function pointer: a plain one, one with alloca(), one with an aligned
 * local. The leaf spends the time: in itself, in a function without a frame, in functions of libc
 * through the PLT, one of which calls back, and in system calls.
 */
#include <alloca.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "burn.h"

#define NUMBERS 4000
/* The compiler makes no copy of such a function, moves no part of it elsewhere, and its callers
 * rely on nothing in it. */
#define WHOLE __attribute__((noipa))

static volatile uint64_t sink;
static int zero_fd;
static uint64_t end_ns;

WHOLE static void recurse(int depth);

WHOLE static uint64_t frameless(uint64_t value)
{
	for (int i = 0; i < 20000; i++)
		value = value * 6364136223846793005u + 1442695040888963407u;
	return value;
}

WHOLE static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

WHOLE static void sort_numbers(void)
{
	static uint32_t numbers[NUMBERS], copy[NUMBERS];
	uint64_t value = sink;

	for (int i = 0; i < NUMBERS; i++)
		numbers[i] = (uint32_t)((value = value * 6364136223846793005u + 1) >> 32);
	memcpy(copy, numbers, sizeof(copy));
	qsort(copy, NUMBERS, sizeof(copy[0]), compare);
	sink += copy[0];
}

WHOLE static void call_system(void)
{
	static char bytes[65536];

	for (int i = 0; i < 20; i++)
		sink += (uint64_t)read(zero_fd, bytes, sizeof(bytes));
	for (int i = 0; i < 200; i++)
		sink += (uint64_t)syscall(SYS_getppid);
	memset(bytes, (int)sink, sizeof(bytes));
	sink += strlen(bytes);
}

WHOLE static void leaf(void)
{
	for (int i = 0; i < 5; i++) {
		sink += frameless(sink);
		sort_numbers();
		call_system();
	}
}

WHOLE static void step_plain(int depth)
{
	recurse(depth - 1);
	sink++; /* not a tail call: this frame stays */
}

WHOLE static void step_alloca(int depth)
{
	size_t size = 16 + (size_t)(depth * 37 % 300);
	char *bytes = alloca(size);

	memset(bytes, depth, size);
	recurse(depth - 1);
	sink += (uint64_t)bytes[size - 1];
}

WHOLE static void step_aligned(int depth)
{
	_Alignas(64) volatile char bytes[192];

	bytes[depth % 192] = (char)depth;
	recurse(depth - 1);
	sink += (uint64_t)bytes[depth % 192];
}

static void (*const volatile steps[])(int depth) = {step_plain, step_alloca, step_aligned};

WHOLE static void recurse(int depth)
{
	if (depth > 1)
		steps[depth % 3](depth);
	else
		leaf();
	sink++;
}

int main(int argc, char **argv)
{
	int depth = argc > 2 ? atoi(argv[2]) : 61;

	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	end_ns = burn_begin(argc > 1 ? argv[1] : NULL);
	while (clock_cpu_ns() < end_ns)
		recurse(depth);
	return 0;
}
