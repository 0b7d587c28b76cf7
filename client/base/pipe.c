/* SPDX-License-Identifier: MIT */
#include "client/base/pipe.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

ssize_t pipe_read(int fd, void *buffer, size_t size)
{
	/* Nothing read into no room would pass for the end. */
	assert(size > 0);
	for (;;) {
		ssize_t n = read(fd, buffer, size);

		if (n >= 0)
			return n;
		if (errno == EAGAIN)
			poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1);
		else if (errno != EINTR)
			return -errno;
	}
}

ssize_t pipe_read_all(int fd, void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pipe_read(fd, (char *)buffer + done, size - done);

		if (n < 0)
			return n;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}
