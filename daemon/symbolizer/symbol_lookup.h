/* SPDX-License-Identifier: MIT */
/*
 * Names of addresses, of whatever source: ELF files with their debug files, perf maps, jitdumps.
 * Runs in the symbolizer process only: some of what it stands on believes what it reads.
 *
 * Functions come from the symbols of the debug file, else of the file itself; inlined functions and
 * lines from the DWARF of either. A debug file that is not that of the file (by build-id, or by the
 * checksum in .gnu_debuglink where one of them has none) counts as none. What was read is kept: of
 * SYMBOL_LOOKUP_FILES_MAX files, or until it is SYMBOL_LOOKUP_BYTES; the least recently used goes.
 */
#pragma once

#include "daemon/base/symbolizer_wire.h"

#define SYMBOL_LOOKUP_FILES_MAX 16
#define SYMBOL_LOOKUP_BYTES     (UINT64_C(512) << 20)

struct symbol_lookup;
struct symbol_set;

struct symbol_lookup *symbol_lookup_new(void); /* NULL: no memory */
struct symbol_lookup *symbol_lookup_free(struct symbol_lookup *lookup);

/* fds: file, debug, alt as in struct symbolizer_files. The descriptors stay the caller's; -1 where
 * there is none. Result borrowed until the next symbol_lookup_open(). 0 or -ENOEXEC -ENODATA -EFBIG
 * -ENOMEM -EIO. */
int symbol_lookup_open(struct symbol_lookup *lookup, enum symbolizer_source source,
		       const int fds[3], struct symbol_set **ret);

/* As symbolizer_reply_get_names() in daemon/objfile/symbolizer.h: outermost first, number of
 * frames; 0: no name, *ret_vaddr is set all the same (to the address itself where it is in no
 * segment). Texts borrowed until the next symbol_set_find() or symbol_lookup_open(). */
size_t symbol_set_find(struct symbol_set *set, uint64_t address, uint64_t *ret_vaddr,
		       struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX]);
