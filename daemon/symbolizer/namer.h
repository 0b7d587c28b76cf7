/* SPDX-License-Identifier: MIT */
/*
 * Names of addresses, of whatever source: ELF files with their debug files, perf maps, jitdumps.
 * Runs in the symbolizer process only: some of what it stands on believes what it reads.
 *
 * Functions come from the symbols of the debug file, else of the file itself; inlined functions and
 * lines from the DWARF of either. A debug file that is not that of the file (by build-id, or by the
 * checksum in .gnu_debuglink where one of them has none) counts as none. What was read is kept: of
 * NAMER_FILES_MAX files, or until it is NAMER_BYTES; the least recently used goes.
 */
#pragma once

#include "daemon/base/symbolizer_wire.h"

#define NAMER_FILES_MAX 16
#define NAMER_BYTES     (UINT64_C(512) << 20)

struct namer;
struct named;

struct namer *namer_new(void); /* NULL: no memory */
struct namer *namer_free(struct namer *namer);

/* fds: file, debug, alt as in struct symbolizer_files. The descriptors stay the caller's; -1 where
 * there is none. Result borrowed until the next namer_open(). 0 or -ENOEXEC -ENODATA -EFBIG -ENOMEM
 * -EIO. */
int namer_open(struct namer *namer, enum symbolizer_source source, const int fds[3],
	       struct named **ret);

/* As symbolizer_reply_get_names() in daemon/objfile/symbolizer.h: outermost first, number of
 * frames; 0: no name, *ret_vaddr is set all the same (to the address itself where it is in no
 * segment). Texts borrowed until the next named_find() or namer_open(). */
size_t named_find(struct named *named, uint64_t address, uint64_t *ret_vaddr,
		  struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX]);
