/* SPDX-License-Identifier: MIT */
/*
 * Reads .gnu_debugdata: a small ELF file in the file, packed with xz, with the symbols that some
 * distributions keep of stripped programs. gdb's manual, "Debugging information in a special
 * section". This is the only owner of liblzma: libelf does not unpack it, and libdwfl does so
 * without a bound.
 */
#pragma once

#include "daemon/symbolizer/elf/file.h"

/* Opens the inner file. Returns 0, and then *ret has to be closed by elf_file_done(); -ENODATA if
 * there is none; or an error of xz_unpack() or elf_file_open_memory(). */
int debugdata_open(const struct elf_file *elf, struct elf_file *ret);

#define XZ_MEMORY_BYTES (UINT64_C(64) << 20) /* for the decoder, beside its output */

/* Unpacks into memory that the caller owns. Returns 0; -EINVAL if the data is damaged; -E2BIG if
 * there are more than max bytes, or the decoder asks for too much memory; -ENOMEM. */
int xz_unpack(const void *data, size_t size, size_t max, char **ret, size_t *ret_size);

/* Computes the checksum of .gnu_debuglink (that of zlib); crc is 0 at first, then the result for
 * the data before. */
uint32_t xz_crc32(const void *data, size_t size, uint32_t crc);
