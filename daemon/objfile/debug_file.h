/* SPDX-License-Identifier: MIT */
/*
 * Finds the separate debug file of an ELF file, as the process that has it mapped sees the file
 * system, and then as PID 1 does: by build-id in /usr/lib/debug/.build-id, by .gnu_debuglink beside
 * the file, in .debug, and in /usr/lib/debug. Finds also the file that the debug file shares with
 * others (.gnu_debugaltlink), below /usr/lib/debug. inspect.h reads what these files say of
 * themselves, and opens them: with the rights of the process, since the names of these files stand
 * in a file that its user may have made.
 *
 * A debug file is a claim: that of a container must not name a file for anyone outside of it. So a
 * caller that remembers names has to remember what they were read from (struct file_id).
 */
#pragma once

#include <stdint.h>

#include "daemon/base/file_id.h"
#include "daemon/objfile/inspect.h"

#define DEBUG_FILE_PATH_BYTES 96

struct debug_file {
	char build_id[BUILD_ID_TEXT_BYTES]; /* of the file itself; "" if it has none */
	int debug;                          /* owned by the caller, like alt; -1 if there is none */
	int alt;                            /* -1 if there is none, or none is wanted */
	struct file_id debug_id, alt_id;    /* zeros if there is none */
};

/* The file whose debug file is wanted, as the process has it. */
struct debug_file_owner {
	uint32_t pid;
	int fd;
	const char *path; /* as the process sees it */
	const struct elf_info *info;
};
/* Finds the debug file and what it shares with others; always fills *ret. The checksum of a debug
 * file without a build-id is not compared: that is left to the symbolizer. Returns 0, also if there
 * is none; or -EAGAIN if a file could not be inspected for now, and then nothing is open. */
int debug_file_find(struct inspector *inspector, const char *proc,
		    const struct debug_file_owner *owner, struct debug_file *ret);
/* Formats the path of the debug file of a build-id (of 2 bytes or more). Returns 0, or -EINVAL if
 * the text is no build-id and would not be safe in a path. */
int debug_file_format_path(const char *build_id, char ret[static DEBUG_FILE_PATH_BYTES]);
/* Closes the descriptors; *debug_file has none afterwards. */
void debug_file_done(struct debug_file *debug_file);
