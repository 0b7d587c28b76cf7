/* SPDX-License-Identifier: MIT */
/*
 * The layout of one ELF file of x86-64: segments, sections, build-id. Every byte of it is an
 * attacker's, and he may change the file while it is read: so all is copied out by pread(), checked
 * once, and never mapped (a mapped file that is cut short under a symbolizer kills him by SIGBUS).
 */
#pragma once

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/build_id.h"

#define SYMBOLS_MAX           2000000              /* symbols of one file */
#define SYMBOLS_DEBUGDATA_MAX (UINT64_C(64) << 20) /* unpacked .gnu_debugdata */

#define ELF_FILE_SEGMENTS_MAX 1024

struct elf_file {
	int fd;              /* -1: data */
	const uint8_t *data; /* borrowed, size bytes */
	uint64_t size;
	Elf64_Phdr *segments;
	size_t n_segments;
	Elf64_Shdr *sections;
	size_t n_sections;
	char *section_names; /* ends with a NUL */
	size_t section_names_bytes;
};

/* Both borrow what they read from. 0; -ENOEXEC: not a program or library of this machine; -ENOMEM;
 * -EIO. Damaged tables of segments or sections count as empty. */
int elf_file_open(struct elf_file *elf, int fd);
int elf_file_open_memory(struct elf_file *elf, const void *data, size_t size);
void elf_file_done(struct elf_file *elf);

/* Where an ELF vaddr is in the file, and how many bytes from there on. 0; -ENOENT: it is not. */
int elf_file_find_vaddr(const struct elf_file *elf, uint64_t vaddr, uint64_t *ret_offset,
			uint64_t *ret_bytes);
/* Exactly size bytes. 0; -ERANGE: the file is not that long; -EIO. */
int elf_file_read(const struct elf_file *elf, uint64_t offset, uint64_t size, void *ret);
/* The same for a whole section of at most max bytes, into memory that the caller owns, with a NUL
 * behind it. 0; -ERANGE; -EFBIG; -ENOMEM; -EIO. */
int elf_file_read_section(const struct elf_file *elf, const Elf64_Shdr *section, uint64_t max,
			  char **ret);
/* The first section of that type and, unless NULL, name; NULL: none. */
const Elf64_Shdr *elf_file_find_section(const struct elf_file *elf, uint32_t type,
					const char *name);
const char *elf_file_section_name(const struct elf_file *elf, const Elf64_Shdr *section);
/* Length of the build-id, 0: none. */
size_t elf_file_read_build_id(const struct elf_file *elf, uint8_t ret[static BUILD_ID_BYTES]);
