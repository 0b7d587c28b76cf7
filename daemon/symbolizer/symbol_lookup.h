/* SPDX-License-Identifier: MIT */
/*
 * Finds the names of addresses in ELF files with their debug files, perf maps and jitdumps. For the
 * symbolizer process only: some of the libraries it relies on trust what they read.
 *
 * Functions come from the symbols of the debug file, else of the file itself; inlined functions and
 * lines from the DWARF of either. A debug file that does not belong to the file (by build-id, or by
 * the checksum in .gnu_debuglink where one of them has none) counts as none. What was read is kept,
 * for up to SYMBOL_LOOKUP_FILES_MAX files and SYMBOL_LOOKUP_BYTES; the least recently used is
 * dropped.
 */
#pragma once

#include "daemon/base/symbolizer_wire.h"

#define SYMBOL_LOOKUP_FILES_MAX 16
#define SYMBOL_LOOKUP_BYTES     (UINT64_C(512) << 20)

struct symbol_lookup;
struct symbol_set;

struct symbol_lookup *symbol_lookup_new(void); /* returns NULL if there is no memory */
struct symbol_lookup *symbol_lookup_free(struct symbol_lookup *lookup);

/* Opens the symbols of a source, or finds them where they were kept. fds: file, debug, alt as in
 * struct symbolizer_files, -1 where there is none; they stay the caller's. The result is borrowed
 * until the next symbol_lookup_open(). Returns 0 or -ENOEXEC, -ENODATA, -EFBIG, -ENOMEM, -EIO. */
int symbol_lookup_open(struct symbol_lookup *lookup, enum symbolizer_source source,
		       const int fds[3], struct symbol_set **ret);

/* Finds the frames of an address, as symbolizer_reply_get_names() in daemon/objfile/symbolizer.h
 * has them: outermost first. Always sets *ret_vaddr, to the address itself where it is in no
 * segment. The texts are borrowed until the next symbol_set_find() or symbol_lookup_open(). Returns
 * the number of frames; 0 if the address has no name. */
size_t symbol_set_find(struct symbol_set *set, uint64_t address, uint64_t *ret_vaddr,
		       struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX]);
