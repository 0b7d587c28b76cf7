/* SPDX-License-Identifier: MIT */
/*
 * Reads one ELF file of x86-64 by libelf: segments, sections, build-id. Every byte of it is an
 * attacker's, who may change the file while it is read. So libelf copies what it needs by pread(),
 * within the size that the file had at first, and nothing is mapped: a mapped file that is cut
 * short kills the symbolizer by SIGBUS.
 */
#pragma once

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/base/build_id.h"

#define SYMBOLS_MAX           2000000              /* most symbols of one file */
#define SYMBOLS_DEBUGDATA_MAX (UINT64_C(64) << 20) /* most bytes of unpacked .gnu_debugdata */

#define ELF_FILE_SEGMENTS_MAX 1024

struct elf_file {
	Elf *handle;
	int fd;       /* borrowed; -1 if the file is in memory */
	char *memory; /* owned; the contents of the file, unless there is fd */
	uint64_t size;
	const Elf64_Phdr *segments; /* owned by the handle */
	size_t n_segments;
	Elf64_Shdr *sections;
	size_t n_sections;
	size_t names; /* index of the section of the sections' names; 0 if there is none */
};

/* Opens a file; borrows the descriptor. Damaged tables of segments or sections count as empty.
 * Returns 0; -ENOEXEC if it is no program or library of this machine; -ENOMEM; -EIO. */
int elf_file_open(struct elf_file *elf, int fd);
/* Opens a file in memory of malloc(), which the file owns from then on, also where this fails.
 * Returns as elf_file_open(). */
int elf_file_open_memory(struct elf_file *elf, char *memory, size_t size);
void elf_file_done(struct elf_file *elf);

/* Finds where an ELF vaddr is in the file, and how many bytes there are from there on. Returns 0,
 * or -ENOENT if it is not in the file. */
int elf_file_find_vaddr(const struct elf_file *elf, uint64_t vaddr, uint64_t *ret_offset,
			uint64_t *ret_bytes);
/* Reads exactly size bytes of a file that is not in memory. Returns 0; -ERANGE if the file is not
 * that long; -EIO. */
int elf_file_read(const struct elf_file *elf, uint64_t offset, uint64_t size, void *ret);
/* Returns the contents of a section, never empty, borrowed as long as the file is open; NULL if
 * there is no section, or it is empty, damaged, or larger than max bytes. */
Elf_Data *elf_file_get_data(const struct elf_file *elf, const Elf64_Shdr *section, uint64_t max);
/* Returns the first section of that type and, unless NULL, that name; NULL if there is none. */
const Elf64_Shdr *elf_file_find_section(const struct elf_file *elf, uint32_t type,
					const char *name);
const char *elf_file_section_name(const struct elf_file *elf, const Elf64_Shdr *section);
/* Reads the build-id. dwelf_elf_gnu_build_id() does not see one whose length is no multiple of 4
 * and that ld wrote without padding, nor a segment where there are sections. Returns its length; 0
 * if there is none. */
size_t elf_file_read_build_id(const struct elf_file *elf, uint8_t ret[static BUILD_ID_BYTES]);
/* Returns the name in .gnu_debuglink, borrowed, and the checksum of the file of that name; NULL if
 * there is none. */
const char *elf_file_get_debuglink(const struct elf_file *elf, uint32_t *ret_checksum);
