/* SPDX-License-Identifier: MIT */
/* Reading what another process writes. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Waits for at least one byte, also where the writer set the pipe to non-blocking. Returns the
 * number of bytes, 0 at the end, or the error of reading. */
ssize_t pipe_read(int fd, void *buffer, size_t size);
/* Reads until the buffer is full or the end comes. Returns the number of bytes, which is less than
 * size only at the end, or the error of reading. */
ssize_t pipe_read_all(int fd, void *buffer, size_t size);
