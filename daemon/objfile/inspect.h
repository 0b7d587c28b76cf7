/* SPDX-License-Identifier: MIT */
/*
 * Reads what an ELF file says of itself, and waits for the result: by a symbolizer (symbolizer.h)
 * of its own, which gets no other requests. A file takes some 50 us; starting the process takes
 * some ms. Opens likewise files by their names, by oxprof-deputy (deputy.h).
 *
 * The file may lie on a file system that a user made to hang: so the wait is bounded, by
 * INSPECT_WAIT_USEC for each file and by a share of the time for all of them.
 */
#pragma once

#include "daemon/objfile/deputy.h"
#include "daemon/objfile/symbolizer.h"

#define INSPECT_WAIT_USEC  UINT64_C(200000)
#define INSPECT_SAVED_USEC UINT64_C(2000000) /* the longest time of waiting at a stretch, */
#define INSPECT_SHARE      4                 /* which takes this many times as long to earn again */

struct inspector;

/* Makes an inspector; `program` is the path of oxprof-symbolizer, which is started later, by the
 * first request, and `deputy` that of the socket of oxprof-deputy. Returns 0, -ENOMEM or another
 * negative errno. */
int inspector_new(const char *program, const char *deputy, struct inspector **ret);
struct inspector *inspector_free(struct inspector *inspector);

/* Reads what the file says of itself into *ret, zeros in case of an error. The descriptor stays the
 * caller's. Returns 0; -ENOEXEC if it is no ELF file of this machine; -EBADMSG if it cannot be
 * read; -ETIMEDOUT if it took too long; -EAGAIN if it cannot be read now, for no fault of the file:
 * other files have used up the time, the symbolizer got no CPU, or it cannot be started. */
int inspect_file(struct inspector *inspector, int fd, struct elf_info *ret);

/* Reads what the file says of the Python interpreter in it; returns as inspect_file(). */
int inspect_python(struct inspector *inspector, int fd, struct symbolizer_python *ret);

/* A file by its name, as a process sees the file system. */
struct named_file {
	const char *proc;
	uint32_t pid;
	const char *path;
	bool no_follow; /* the last part of the path may not be a link */
};
/* Opens the file with these rights, not with the daemon's: see deputy_open(). Returns the
 * descriptor or a negative errno: -EAGAIN if it cannot be opened now, for no fault of the file. */
int inspect_open(struct inspector *inspector, const struct named_file *file,
		 const struct deputy_rights *rights);
/* Makes what opens files start, so that the first file need not wait for that. */
void inspector_prepare(struct inspector *inspector);

/* Ends the processes unless they are busy; the next file starts others. */
void inspector_stop_if_idle(struct inspector *inspector);
/* Returns the descriptor for the event loop, readable when a process has ended;
 * inspector_dispatch() has to be called then (see symbolizer.h). */
int inspector_fd(const struct inspector *inspector);
void inspector_dispatch(struct inspector *inspector);
