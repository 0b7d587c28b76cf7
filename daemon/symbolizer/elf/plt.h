/* SPDX-License-Identifier: MIT */
/* The stubs through which an ELF file calls other files' functions: no symbol names them. */
#pragma once

#include <stdint.h>

#include "daemon/symbolizer/elf/file.h"

#define PLT_SLOTS_MAX  65536
#define PLT_BYTES_MAX  (1u << 20) /* of one section of stubs */
#define PLT_NAME_BYTES 1024       /* a longer name is cut */

/* name: of the function behind the stub, borrowed for the call. A negative result stops and is
 * returned. */
typedef int (*plt_fn)(void *userdata, uint64_t address, uint32_t size, const char *name);
/* 0, also where there are none or they are damaged; -ENOMEM; or what fn returned. */
int plt_foreach(const struct elf_file *elf, plt_fn fn, void *userdata);
