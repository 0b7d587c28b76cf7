/* SPDX-License-Identifier: MIT */
/*
 * Functions of ELF files by address. Every byte of a file is chosen by an attacker: sizes, counts
 * and offsets are checked and bounded (SYMBOLS_* below), a damaged file costs its own names and
 * nothing else.
 *
 * Symbols come from .symtab, else .dynsym and .gnu_debugdata (xz) together.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/base/build_id.h"

#define SYMBOLS_FILE_BYTES_MAX (UINT64_C(4) << 30) /* larger files are not read */
#define SYMBOLS_NAME_BYTES_MAX 4096                /* a longer name is cut */

struct binary; /* one file's table */

/*
 * The table of an open file, the caller's; fd stays his and may be closed afterwards. 0, also where
 * it has no symbols; -EINVAL not a regular file; -ENOEXEC not an ELF file of this machine; -EFBIG;
 * -ENOMEM; -EIO.
 */
int binary_open(int fd, struct binary **ret);
struct binary *binary_free(struct binary *binary);
/* Lower-case hex, "" where the file has none. */
const char *binary_build_id(const struct binary *binary);
size_t binary_bytes(const struct binary *binary);

/* Where an offset into the file lies in its own address space. 0; -ENOENT: in no loadable segment.
 */
int binary_find_vaddr(const struct binary *binary, uint64_t file_offset, uint64_t *ret);

struct symbol {
	const char *name; /* demangled, cleaned; borrowed as the table */
	uint64_t start;   /* ELF vaddr of the function */
};
/* The function at an ELF vaddr. 1 found, 0: it has no name; -ENOMEM. */
int binary_find(const struct binary *binary, uint64_t vaddr, struct symbol *ret);
