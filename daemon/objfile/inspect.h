/* SPDX-License-Identifier: MIT */
/*
 * What an ELF file says of itself, at once: a symbolizer (symbolizer.h) of its own, that is asked
 * nothing else, and whose answer is waited for. It takes some 50 us, and one that has to be started
 * some ms.
 *
 * The file may lie on a file system that a user made to hang: so the wait is bounded, by
 * LOOK_WAIT_USEC for each file and by a share of the time for all of them.
 */
#pragma once

#include "daemon/objfile/symbolizer.h"

#define LOOK_WAIT_USEC  UINT64_C(200000)
#define LOOK_SAVED_USEC UINT64_C(2000000) /* may be waited at a stretch ... */
#define LOOK_SHARE      4                 /* ... and is earned again in so many times that */

struct look;

/* program: path of oxprof-symbolizer. Starts nothing yet. 0 or -ENOMEM, -errno. */
int look_new(const char *program, struct look **ret);
struct look *look_free(struct look *look);

/* Always fills ret; zeros with an error. 0; -ENOEXEC: no ELF file of this machine; -EBADMSG: it
 * cannot be read; -ETIMEDOUT: not in that time; -EAGAIN: not now, and that is not the file's fault:
 * others have taken all the time, the symbolizer got no CPU, or it cannot be started. The
 * descriptor stays the caller's. */
int look_at(struct look *look, int fd, struct symbolizer_about *ret);

/* The interpreter in it, likewise. */
int look_at_python(struct look *look, int fd, struct symbolizer_python *ret);

/* Ends the process; the next look starts another. */
void look_rest(struct look *look);
/* For the event loop, as those of symbolizer.h: a process has ended. */
int look_fd(const struct look *look);
void look_dispatch(struct look *look);
