/* SPDX-License-Identifier: MIT */
/*
 * Inlined functions and source lines of an ELF file, from DWARF (versions 2 to 5, also compressed
 * and shared by dwz), through libdw. Not from split DWARF (.dwo): these files lie where they were
 * built.
 *
 * The file is mapped by libdw and its contents are believed by it: only for a process that may die.
 * What can be bounded is: units, ranges, entries visited, depth, unpacked sections.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LINES_UNITS_MAX  500000
#define LINES_RANGES_MAX 4000000
#define LINES_DEPTH_MAX  64                /* of blocks and inlined functions in a function */
#define LINES_VISITS_MAX UINT64_C(8000000) /* entries, until lines_renew() */

struct lines;

/* fd: of the file with the DWARF; alt: what it shares with others, -1: none. Both stay the caller's
 * and have to stay open. 0; -ENODATA: there is none, or it wants an alt that is not there;
 * -EFBIG; -ENOMEM; -EIO. */
int lines_open(int fd, int alt, struct lines **ret);
struct lines *lines_free(struct lines *lines);
/* The next request: it may take as much time as the one before. */
void lines_renew(struct lines *lines);

/* Of one place. Names as they stand in the file, borrowed from the lines; NULL: unknown. */
struct lines_frame {
	const char *function; /* mangled, where there is such a name */
	const char *file;
	uint32_t line; /* where it calls the next one, or stands; 0: unknown */
};
/* Outermost first, at most max of them: those that are too many are left out at the inner end,
 * whose line is then that of the last one kept. 0: nothing known of the address. */
size_t lines_find(struct lines *lines, uint64_t vaddr, size_t max, struct lines_frame *ret);
/* Bytes held besides what libdw holds. */
size_t lines_bytes(const struct lines *lines);
