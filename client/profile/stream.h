/* SPDX-License-Identifier: MIT */
/*
 * The stream of an export (daemon/base/export.proto), part by part. Its numbers and texts come from
 * another process and are not checked here: whoever reads a number checks it (profile.h does).
 */
#pragma once

#include <stdint.h>

#include "daemon/base/export.pb-c.h"

struct stream;

/* Makes a stream of a pipe; takes the descriptor, also on failure. Returns 0 or -ENOMEM. */
int stream_new(int fd, struct stream **ret);
struct stream *stream_free(struct stream *stream);

/* Reads the next part into *ret, borrowed until the next call. Returns 1; 0 at the proper end;
 * -EPIPE where the stream broke off; -EBADMSG where it is no such stream; -EREMOTEIO where the
 * daemon failed on the way, for the reason stream_failure(); -ENOMEM; or the error of reading. */
int stream_next(struct stream *stream, const Oxprof__Part **ret);
const char *stream_failure(const struct stream *stream);
