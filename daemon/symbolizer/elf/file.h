/* SPDX-License-Identifier: MIT */
/*
 * One ELF file of x86-64, by libelf: segments, sections, build-id. Every byte of it is an
 * attacker's, and he may change the file while it is read: so libelf copies out by pread() what it
 * is asked for, within the size that the file had at first, and nothing is mapped (a mapped file
 * that is cut short under a symbolizer kills him by SIGBUS).
 */
#pragma once

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/build_id.h"

#define SYMBOLS_MAX           2000000              /* symbols of one file */
#define SYMBOLS_DEBUGDATA_MAX (UINT64_C(64) << 20) /* unpacked .gnu_debugdata */

#define ELF_FILE_SEGMENTS_MAX 1024

struct elf_file {
	Elf *handle;
	int fd;       /* borrowed; -1: memory */
	char *memory; /* what it is read from, unless from fd */
	uint64_t size;
	const Elf64_Phdr *segments; /* of the handle */
	size_t n_segments;
	Elf64_Shdr *sections;
	size_t n_sections;
	size_t names; /* the section of the sections' names, 0: none */
};

/* 0; -ENOEXEC: not a program or library of this machine; -ENOMEM; -EIO. Damaged tables of segments
 * or sections count as empty. */
int elf_file_open(struct elf_file *elf, int fd);
/* The same for what malloc() gave, which is the file's from then on, also where this fails. */
int elf_file_open_memory(struct elf_file *elf, char *memory, size_t size);
void elf_file_done(struct elf_file *elf);

/* Where an ELF vaddr is in the file, and how many bytes from there on. 0; -ENOENT: it is not. */
int elf_file_find_vaddr(const struct elf_file *elf, uint64_t vaddr, uint64_t *ret_offset,
			uint64_t *ret_bytes);
/* Exactly size bytes, not of memory. 0; -ERANGE: the file is not that long; -EIO. */
int elf_file_read(const struct elf_file *elf, uint64_t offset, uint64_t size, void *ret);
/* A whole section, borrowed as the file, never empty. NULL: no section, one that is empty, damaged,
 * or larger than max bytes. */
Elf_Data *elf_file_get_data(const struct elf_file *elf, const Elf64_Shdr *section, uint64_t max);
/* The first section of that type and, unless NULL, name; NULL: none. */
const Elf64_Shdr *elf_file_find_section(const struct elf_file *elf, uint32_t type,
					const char *name);
const char *elf_file_section_name(const struct elf_file *elf, const Elf64_Shdr *section);
/* Length of the build-id, 0: none. dwelf_elf_gnu_build_id() does not see one whose length is no
 * multiple of 4 and that ld wrote without padding, nor a segment where there are sections. */
size_t elf_file_read_build_id(const struct elf_file *elf, uint8_t ret[static BUILD_ID_BYTES]);
/* The name in .gnu_debuglink, borrowed, and the checksum of the file of that name. NULL: none. */
const char *elf_file_get_debuglink(const struct elf_file *elf, uint32_t *ret_checksum);
