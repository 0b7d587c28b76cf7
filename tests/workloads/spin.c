/* SPDX-License-Identifier: MIT */
/*
 * Spins in leaf_spin() below outer_spin() until it is killed, with a system call now and then, so
 * that there are kernel frames too.
 */
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

static volatile uint64_t sink;

__attribute__((noinline)) static void leaf_spin(void)
{
	/* The variable is on the stack, so that gcc gives a function without calls its frame. */
	volatile int i;

	for (i = 0; i < 50000; i++)
		sink = sink * 31 + (uint64_t)i;
}

__attribute__((noinline)) static void leaf_read(int fd)
{
	static char bytes[65536];

	if (read(fd, bytes, sizeof(bytes)) > 0)
		sink++;
}

__attribute__((noinline)) static void outer_spin(int fd)
{
	leaf_spin();
	leaf_read(fd);
	sink++; /* not a tail call: this frame stays */
}

int main(void)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	for (;;)
		outer_spin(fd);
}
