/* SPDX-License-Identifier: MIT */
/*
 * secret [closed]: spins in secret_work() until it is killed. With "closed" it makes its memory not
 * dumpable first, as who holds keys does. The tests install it with the set-gid bit, or so that it
 * may be executed and not read: what it does is then not for the user who runs it.
 */
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>

static volatile uint64_t sink;

__attribute__((noinline)) static void secret_work(void)
{
	/* The variable is on the stack, so that gcc gives a function without calls its frame. */
	for (volatile int i = 0; i < 50000; i++)
		sink = sink * 31 + (uint64_t)i;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "closed") && prctl(PR_SET_DUMPABLE, 0) < 0)
		return 1;
	for (;;)
		secret_work();
}
