/* SPDX-License-Identifier: MIT */
/* The writing end of a stream, which waits for its reader for a limited time. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct export_pipe {
	int fd; /* does not block; SIGPIPE is blocked or ignored */
	const atomic_bool *stop;
	uint64_t idle_ns; /* how long the reader may pause */
	uint64_t end_ns;  /* CLOCK_MONOTONIC; when the reader must have taken everything */
};

/* Writes all data. Returns 0, -EPIPE if the reader is gone, -ETIMEDOUT if it is too slow,
 * -ECANCELED if *stop is set, or the error of write(). After an error some of the data may have
 * been written. */
int export_pipe_write(const struct export_pipe *pipe, const void *data, size_t size);
