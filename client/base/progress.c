/* SPDX-License-Identifier: MIT */
#include "client/base/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/base/clock.h"

#define SILENT_NS UINT64_C(1000000000)

struct progress {
	int fd;
	const char *what;
	uint64_t shown_from_ns;
	unsigned percent; /* the one that is shown; > 100: none is */
};

struct progress *progress_new(int fd, const char *what)
{
	struct progress *progress = isatty(fd) ? malloc(sizeof(*progress)) : NULL;

	if (progress)
		*progress = (struct progress){fd, what, clock_monotonic_ns() + SILENT_NS, 101};
	return progress;
}

void progress_set(struct progress *progress, unsigned permille)
{
	unsigned percent = permille > 1000 ? 100 : permille / 10;

	if (!progress || percent == progress->percent ||
	    clock_monotonic_ns() < progress->shown_from_ns)
		return;
	progress->percent = percent;
	dprintf(progress->fd, "\roxprofctl: %s %u %%\033[K", progress->what, percent);
}

struct progress *progress_free(struct progress *progress)
{
	if (progress && progress->percent <= 100)
		dprintf(progress->fd, "\r\033[K");
	free(progress);
	return NULL;
}
