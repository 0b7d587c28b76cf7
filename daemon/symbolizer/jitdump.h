/* SPDX-License-Identifier: MIT */
/*
 * Reads what a process writes of the code that it made at run time: jit-PID.dump, with names and
 * source lines (linux: tools/perf/Documentation/jitdump-specification.txt). Of code made at the
 * same place, the latest holds; code that was moved is found where it is now. Inlining is not in
 * that format. Bytes of code are passed over. A damaged record ends the reading: what stood before
 * it holds.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define JITDUMP_BYTES_MAX   (UINT64_C(1) << 30) /* the rest of a longer one is not read */
#define JITDUMP_RECORDS_MAX 2000000
#define JITDUMP_LINES_MAX   4000000
#define JITDUMP_TEXT_MAX    (64u << 20) /* all names and paths together */

struct jitdump;

/* Reads the file. The descriptor stays the caller's. Returns 0; -ENOEXEC if it is no jitdump of
 * this machine; -ENOMEM; -EIO. */
int jitdump_read(int fd, struct jitdump **ret);
struct jitdump *jitdump_free(struct jitdump *dump);

struct jitdump_name {
	const char *function; /* as it was written; borrowed from the dump */
	const char *file;     /* "" if unknown */
	uint64_t start;
	uint32_t line; /* 0 if unknown */
};
/* Finds the function at an address. Returns 0 or -ENOENT. */
int jitdump_find(const struct jitdump *dump, uint64_t address, struct jitdump_name *ret);
size_t jitdump_bytes(const struct jitdump *dump);
