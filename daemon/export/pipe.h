/* SPDX-License-Identifier: MIT */
/* The writing end of a stream: waits for its reader, but not for ever. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct export_pipe {
	int fd; /* does not block; SIGPIPE is blocked or ignored */
	const atomic_bool *stop;
	uint64_t idle_ns; /* how long the reader may take nothing */
	uint64_t end_ns;  /* CLOCK_MONOTONIC; when it has to be through */
};

/* 0; -EPIPE: the reader is gone; -ETIMEDOUT: it is too slow; -ECANCELED: to be stopped. Of what
 * could not be written a part may have been. */
int export_pipe_write(const struct export_pipe *pipe, const void *data, size_t size);
