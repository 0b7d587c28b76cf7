/* SPDX-License-Identifier: MIT */
#include "daemon/export/pipe.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "daemon/base/clock.h"

#define LOOK_MSEC 50 /* between two checks of `stop` */

static int pipe_wait(const struct export_pipe *pipe, uint64_t until_ns)
{
	struct pollfd wait = {.fd = pipe->fd, .events = POLLOUT};

	if (clock_monotonic_ns() >= until_ns)
		return -ETIMEDOUT;
	return poll(&wait, 1, LOOK_MSEC) < 0 && errno != EINTR ? -errno : 0;
}

int export_pipe_write(const struct export_pipe *pipe, const void *data, size_t size)
{
	uint64_t taken_ns = clock_monotonic_ns();
	const char *rest = data;

	assert(pipe->fd >= 0);
	/* An export that is to be stopped writes no more, not even the rest of this part. */
	while (size > 0 && !atomic_load(pipe->stop)) {
		ssize_t n = write(pipe->fd, rest, size);
		uint64_t until_ns = taken_ns + pipe->idle_ns;
		int r;

		if (n > 0) {
			rest += n;
			size -= (size_t)n;
			taken_ns = clock_monotonic_ns();
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		r = pipe_wait(pipe, until_ns < pipe->end_ns ? until_ns : pipe->end_ns);
		if (r < 0)
			return r;
	}
	return atomic_load(pipe->stop) ? -ECANCELED : 0;
}
