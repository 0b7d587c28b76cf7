/* SPDX-License-Identifier: MIT */
/*
 * What an ELF file says of itself, at once: a symbolizer (symbolizer.h) of its own, that is asked
 * nothing else, and whose answer is waited for. It takes some 50 us, and one that has to be started
 * some ms.
 *
 * The file may lie on a file system that a user made to hang: so the wait is bounded, by
 * INSPECT_WAIT_USEC for each file and by a share of the time for all of them.
 */
#pragma once

#include "daemon/objfile/symbolizer.h"

#define INSPECT_WAIT_USEC  UINT64_C(200000)
#define INSPECT_SAVED_USEC UINT64_C(2000000) /* may be waited at a stretch ... */
#define INSPECT_SHARE      4                 /* ... and is earned again in so many times that */

struct inspector;

/* program: path of oxprof-symbolizer. Starts nothing yet. 0 or -ENOMEM, -errno. */
int inspector_new(const char *program, struct inspector **ret);
struct inspector *inspector_free(struct inspector *inspector);

/* Always fills ret; zeros with an error. 0; -ENOEXEC: no ELF file of this machine; -EBADMSG: it
 * cannot be read; -ETIMEDOUT: not in that time; -EAGAIN: not now, and that is not the file's fault:
 * others have taken all the time, the symbolizer got no CPU, or it cannot be started. The
 * descriptor stays the caller's. */
int inspect_file(struct inspector *inspector, int fd, struct elf_info *ret);

/* The interpreter in it, likewise. */
int inspect_python(struct inspector *inspector, int fd, struct symbolizer_python *ret);

/* Ends the process; the next file starts another. */
void inspector_stop_if_idle(struct inspector *inspector);
/* For the event loop, as those of symbolizer.h: a process has ended. */
int inspector_fd(const struct inspector *inspector);
void inspector_dispatch(struct inspector *inspector);
