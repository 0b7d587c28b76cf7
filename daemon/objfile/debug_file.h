/* SPDX-License-Identifier: MIT */
/*
 * Finds the separate debug file of an ELF file, as the process that has it mapped sees the file
 * system, and then as PID 1 does: by build-id in /usr/lib/debug/.build-id, by .gnu_debuglink beside
 * the file, in .debug, and in /usr/lib/debug; and what that one shares with others
 * (.gnu_debugaltlink). What these files say of themselves, inspect.h tells.
 *
 * A debug file is a claim: that of a container must not name a file for anyone outside of it. So
 * who remembers names remembers what they were read from (struct file_id).
 */
#pragma once

#include <stdint.h>

#include "daemon/base/file_id.h"
#include "daemon/objfile/inspect.h"

#define DEBUG_FILE_PATH_BYTES 96

struct debug_file {
	char build_id[BUILD_ID_TEXT_BYTES]; /* of the file itself; "": none */
	int debug;                          /* -1: none; the caller's to close, as is alt */
	int alt;                            /* -1: none, or none is wanted */
	struct file_id debug_id, alt_id;    /* zeros: none */
};

/* The file whose debug file is wanted, as the process has it. */
struct debug_file_owner {
	uint32_t pid;
	int fd;
	const char *path; /* as the process sees it */
	const struct elf_info *info;
};
/* Always fills ret. 0, also where there is none; -EAGAIN: one could not be looked at for now, and
 * nothing is open. A debug file without a build-id may be a wrong one: its checksum is for the
 * symbolizer. */
int debug_file_find(struct inspector *inspector, const char *proc,
		    const struct debug_file_owner *owner, struct debug_file *ret);
/* Where that of a build-id (of 2 bytes or more) is. 0; -EINVAL: the text is no build-id, and would
 * not be safe in a path. */
int debug_file_format_path(const char *build_id, char ret[static DEBUG_FILE_PATH_BYTES]);
/* Closes what is open. */
void debug_file_done(struct debug_file *debug_file);
