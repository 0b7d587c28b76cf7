/* SPDX-License-Identifier: MIT */
/*
 * Finds the stubs through which an ELF file calls functions of other files: no symbol names them.
 *
 * Relocations are read in pieces, and of .dynsym only what is needed: with gelf_getrela() and
 * gelf_getsym() these tables lie whole in memory, and the functions of Chromium took 20.7 ms of CPU
 * instead of 7.1 ms.
 */
#pragma once

#include <stdint.h>

#include "daemon/symbolizer/elf/file.h"

#define PLT_SLOTS_MAX  65536
#define PLT_BYTES_MAX  (1u << 20) /* bytes of one section of stubs */
#define PLT_NAME_BYTES 1024       /* a longer name is cut */

/* Takes a stub; name is that of the function behind it, borrowed for the call. A negative result
 * stops plt_foreach(), which returns it. */
typedef int (*plt_fn)(void *userdata, uint64_t address, uint32_t size, const char *name);
/* Calls fn for each stub. Returns 0, also where there are none or they are damaged; -ENOMEM; or
 * what fn returned. */
int plt_foreach(const struct elf_file *elf, plt_fn fn, void *userdata);
