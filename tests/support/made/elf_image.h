/* SPDX-License-Identifier: MIT */
/* ELF files with symbols, made in memory. */
#pragma once

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_OFFSET 0x1000
#define TEXT_VADDR  0x401000
#define TEXT_BYTES  0x1000
#define IMAGE_BYTES 0x8000
#define SECTIONS    8

#define GLOBAL_FUNCTION ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)
#define WEAK_FUNCTION   ELF64_ST_INFO(STB_WEAK, STT_FUNC)
#define LOCAL_FUNCTION  ELF64_ST_INFO(STB_LOCAL, STT_FUNC)
#define LOCAL_LABEL     ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE)

struct wanted {
	const char *name;
	uint64_t start; /* from the start of the text */
	uint64_t size;
	uint8_t info;
};

/* An ELF file in memory: one segment of code, a build-id, and the sections that are added. */
struct image {
	union {
		uint8_t bytes[IMAGE_BYTES];
		Elf64_Ehdr header;
	};
	size_t size;
};

/* Makes one without symbols. */
void image_init(struct image *image);

/* Adds a section with that content. Returns its index. */
size_t image_add_section(struct image *image, const char *name, uint32_t type, const void *data,
			 size_t size);

/* Returns the header of a section, which is in the image. */
Elf64_Shdr *image_section(struct image *image, size_t index);

/* Adds a table of symbols (type: SHT_SYMTAB, SHT_DYNSYM) and its strings; up to 63. */
void image_add_symbols(struct image *image, uint32_t type, const struct wanted *wanted, size_t n);

/* Returns a file with these bytes, a memfd, which is the caller's. */
int image_open_bytes(const void *bytes, size_t size);
