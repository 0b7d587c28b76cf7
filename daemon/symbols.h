/* SPDX-License-Identifier: MIT */
/*
 * Functions of ELF files by address. Every byte of a file is chosen by an attacker: sizes, counts
 * and offsets are checked and bounded (SYMBOLS_* below), a damaged file costs its own names and
 * nothing else.
 *
 * Symbols come from .symtab, else .dynsym and .gnu_debugdata (xz) together. Tables are cached by
 * device, inode, size, mtime and shared between processes; the least recently used go when the
 * cache is over its budget.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/maps.h"

#define SYMBOLS_FILE_BYTES_MAX (UINT64_C(4) << 30)   /* larger files are not read */
#define SYMBOLS_MAX            2000000               /* symbols of one file */
#define SYMBOLS_FILES_MAX      1024                  /* tables in the cache */
#define SYMBOLS_NAME_BYTES_MAX 4096                  /* a longer name is cut */
#define SYMBOLS_DEBUGDATA_MAX  (UINT64_C(64) << 20)  /* unpacked .gnu_debugdata */
#define SYMBOLS_CACHE_BYTES    (UINT64_C(256) << 20) /* all tables together */

struct symbols;
struct binary; /* one file's table */

struct symbols *symbols_new(void);
struct symbols *symbols_free(struct symbols *symbols);

/*
 * The table of an open file; fd stays the caller's and may be closed afterwards. The result is
 * borrowed until the next symbols_open(). 0, also where it has no symbols; -EINVAL not a regular
 * file; -ENOEXEC not an ELF file of this machine (remembered, so that it is not read again);
 * -EFBIG; -ENOMEM; -EIO.
 */
int symbols_open(struct symbols *symbols, int fd, struct binary **ret);
/* Lower-case hex, "" where the file has none. */
const char *binary_build_id(const struct binary *binary);

struct symbol {
	/* Demangled, cleaned; "" where the table has none for the address. Borrowed as the table.
	 */
	const char *name;
	uint64_t start; /* ELF vaddr of the function; of the address itself without a name */
};
/* The function at an offset into the file (not an address). 1 found, 0: no name, ret->start is the
 * vaddr of the offset; -ENOENT: no loadable segment holds it; -ENOMEM. */
int binary_find(const struct binary *binary, uint64_t file_offset, struct symbol *ret);
size_t symbols_bytes(const struct symbols *symbols);
