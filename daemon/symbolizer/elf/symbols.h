/* SPDX-License-Identifier: MIT */
/*
 * Finds functions of ELF files by address. Every byte of a file is chosen by an attacker: sizes,
 * counts and offsets are checked and bounded (SYMBOLS_* below), and a damaged file loses its own
 * names and nothing else.
 *
 * Symbols come from .symtab, else .dynsym and .gnu_debugdata (xz) together.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SYMBOLS_FILE_BYTES_MAX (UINT64_C(4) << 30) /* larger files are not read */
#define SYMBOLS_NAME_BYTES_MAX 4096                /* a longer name is cut */

struct binary; /* one file's table */

/*
 * Reads the table of an open file, which is the caller's to free; fd stays the caller's and may be
 * closed afterwards. Returns 0, also if there are no symbols; -EINVAL if fd is no regular file;
 * -ENOEXEC if it is no ELF file of this machine; -EFBIG; -ENOMEM; -EIO.
 */
int binary_open(int fd, struct binary **ret);
struct binary *binary_free(struct binary *binary);
size_t binary_bytes(const struct binary *binary);

/* Finds where an offset of the file lies in its own address space. Returns 0, or -ENOENT if it is
 * in no loadable segment. */
int binary_find_vaddr(const struct binary *binary, uint64_t file_offset, uint64_t *ret);

struct symbol {
	const char *name; /* demangled and cleaned; borrowed as long as the table is there */
	uint64_t start;   /* ELF vaddr of the function */
};
/* Finds the function at an ELF vaddr. Returns 1 if there is one, 0 if not, or -ENOMEM. */
int binary_find(const struct binary *binary, uint64_t vaddr, struct symbol *ret);
