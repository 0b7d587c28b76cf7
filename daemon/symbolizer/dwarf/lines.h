/* SPDX-License-Identifier: MIT */
/*
 * Finds inlined functions and source lines of an ELF file in its DWARF (versions 2 to 5, also
 * compressed and shared by dwz), through libdw. Split DWARF (.dwo) is not read: these files lie
 * where they were built.
 *
 * libdw maps the file and trusts its contents: so this is only for a process that may die. These
 * are bounded: units, ranges, entries visited, depth, unpacked sections.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LINES_UNITS_MAX  500000
#define LINES_RANGES_MAX 4000000
#define LINES_DEPTH_MAX  64                /* depth of blocks and inlined functions in a function */
#define LINES_VISITS_MAX UINT64_C(8000000) /* entries visited until dwarf_lines_renew() */

struct dwarf_lines;

/* Opens the DWARF and reads its units. fd: the file with the DWARF; alt: the file that it shares
 * with others, -1 if there is none. Both stay the caller's and have to stay open. Returns 0;
 * -ENODATA if there is no DWARF, or it wants an alt that is not there; -EFBIG; -ENOMEM; -EIO. */
int dwarf_lines_open(int fd, int alt, struct dwarf_lines **ret);
struct dwarf_lines *dwarf_lines_free(struct dwarf_lines *lines);
/* Begins another request, which may visit as many entries as the one before. */
void dwarf_lines_renew(struct dwarf_lines *lines);

/* One frame. Names are as they stand in the file, borrowed from the lines; NULL if unknown. */
struct dwarf_lines_frame {
	const char *function; /* mangled, if there is such a name */
	const char *file;
	uint32_t line; /* where it calls the next frame, or is itself; 0 if unknown */
};
/* Finds the frames of an address, outermost first, at most `max` of them (at least 1): further ones
 * are left out at the inner end, and then the last one kept has the line of its call. Returns the
 * number of frames; 0 if nothing is known of the address. */
size_t dwarf_lines_find(struct dwarf_lines *lines, uint64_t vaddr, size_t max,
			struct dwarf_lines_frame *ret);
/* Counts the bytes held besides what libdw holds. */
size_t dwarf_lines_bytes(const struct dwarf_lines *lines);
