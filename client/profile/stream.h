/* SPDX-License-Identifier: MIT */
/*
 * The stream of an export (daemon/base/export.proto), part by part. It comes from the daemon, which
 * is believed as to its texts and numbers no further than that they lead nowhere outside: whoever
 * reads a number checks it (profile.h does).
 */
#pragma once

#include <stdint.h>

#include "daemon/base/export.pb-c.h"

struct stream;

/* Takes the descriptor, a pipe. 0 or -ENOMEM (then it is closed as well). */
int stream_new(int fd, struct stream **ret);
struct stream *stream_free(struct stream *stream);

/* 1: *ret is the next part, borrowed until the next call. 0: it has come to its proper end.
 * -EPIPE: it broke off, -EBADMSG: it is no such stream, -EREMOTEIO: the daemon failed on the way,
 * stream_failure() says why; -ENOMEM; the error of reading. */
int stream_next(struct stream *stream, const Oxprof__Part **ret);
const char *stream_failure(const struct stream *stream);
