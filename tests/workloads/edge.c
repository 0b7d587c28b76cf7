/* SPDX-License-Identifier: MIT */
/*
 * edge [SECONDS]: a thread whose stack ends with its memory. outer(), middle() and leaf() stand
 * right below the end of a mapping behind which nothing can be read: that is where reading a stack
 * has to stop. Built with -O2 -fomit-frame-pointer.
 */
#include <err.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "burn.h"

#define STACK_BYTES 65536
#define WHOLE       __attribute__((noipa))

static volatile uint64_t sink;
static uint64_t end_ns;

WHOLE static void leaf(void)
{
	uint64_t value = sink;

	for (int i = 0; i < 20000; i++)
		value = value * 6364136223846793005u + 1442695040888963407u;
	sink = value;
}

WHOLE static void middle(void)
{
	leaf();
	sink++;
}

WHOLE static int outer(void *unused)
{
	(void)unused;
	while (clock_cpu_ns() < end_ns)
		for (int i = 0; i < 100; i++)
			middle();
	_exit(0);
}

int main(int argc, char **argv)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *stack = mmap(NULL, STACK_BYTES + page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || mprotect(stack + STACK_BYTES, page, PROT_NONE) < 0)
		err(1, "no stack");
	end_ns = burn_begin(argc > 1 ? argv[1] : NULL);
	/* As small a thread as there can be: a library's own would keep its data above the stack.
	 */
	if (clone(outer, stack + STACK_BYTES,
		  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
		  NULL) < 0)
		err(1, "no thread");
	for (;;)
		pause();
}
