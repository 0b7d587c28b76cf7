/* SPDX-License-Identifier: MIT */
/*
 * .gnu_debugdata: a small ELF file in the file, packed with xz: the symbols that some distributions
 * keep of stripped programs. gdb's manual, "Debugging information in a special section". The only
 * owner of liblzma: libelf does not unpack it, and libdwfl does so without a bound.
 */
#pragma once

#include "daemon/symbolizer/elf/file.h"

/* 0, then *ret ends with elf_file_done(); -ENODATA: there is none; else what xz_unpack() or
 * elf_file_open_memory() say. */
int debugdata_open(const struct elf_file *elf, struct elf_file *ret);

#define XZ_MEMORY_BYTES (UINT64_C(64) << 20) /* that the decoder may use beside its output */

/* Into memory that the caller owns. 0; -EINVAL: damaged; -E2BIG: more than max bytes, or the
 * decoder asks for too much memory; -ENOMEM. */
int xz_unpack(const void *data, size_t size, size_t max, char **ret, size_t *ret_size);

/* The checksum of .gnu_debuglink (that of zlib), begun with 0 and gone on with what it gave. */
uint32_t xz_crc32(const void *data, size_t size, uint32_t crc);
