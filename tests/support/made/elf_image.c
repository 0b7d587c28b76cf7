/* SPDX-License-Identifier: MIT */
#include "tests/support/made/elf_image.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

Elf64_Shdr *image_section(struct image *image, size_t index)
{
	return (Elf64_Shdr *)(image->bytes + image->header.e_shoff) + index;
}

size_t image_add_section(struct image *image, const char *name, uint32_t type, const void *data,
			 size_t size)
{
	Elf64_Shdr *names = image_section(image, 1);
	size_t index = image->header.e_shnum++;
	Elf64_Shdr *section = image_section(image, index);

	section->sh_name = names->sh_size;
	section->sh_type = type;
	section->sh_offset = image->size;
	section->sh_size = size;
	strcpy((char *)image->bytes + names->sh_offset + names->sh_size, name);
	names->sh_size += strlen(name) + 1;
	memcpy(image->bytes + image->size, data, size);
	image->size += (size + 7) & ~7ul;
	cr_assert(image->size <= IMAGE_BYTES && index < SECTIONS);
	return index;
}

void image_init(struct image *image)
{
	static const struct {
		Elf64_Nhdr header;
		char name[4];
		uint8_t id[20];
	} note = {{4, 20, NT_GNU_BUILD_ID}, "GNU", {0xab, 0xcd, 1, 2, 3}};
	Elf64_Phdr *segments = (Elf64_Phdr *)(image->bytes + sizeof(image->header));
	Elf64_Shdr *section;

	memset(image, 0, sizeof(*image));
	image->header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(image->header),
		.e_phentsize = sizeof(*segments),
		.e_phnum = 2,
		.e_shoff = TEXT_OFFSET + TEXT_BYTES,
		.e_shentsize = sizeof(*section),
		.e_shnum = 3,
		.e_shstrndx = 1,
	};
	segments[0] = (Elf64_Phdr){PT_LOAD,    PF_R | PF_X, TEXT_OFFSET, TEXT_VADDR,
				   TEXT_VADDR, TEXT_BYTES,  TEXT_BYTES,  4096};
	segments[1] =
		(Elf64_Phdr){PT_NOTE, PF_R, 0x800, 0x800, 0x800, sizeof(note), sizeof(note), 4};
	memcpy(image->bytes + 0x800, &note, sizeof(note));
	section = image_section(image, 1);
	*section = (Elf64_Shdr){.sh_type = SHT_STRTAB, .sh_offset = 0x900, .sh_size = 1};
	section[1] = (Elf64_Shdr){
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_EXECINSTR,
		.sh_addr = TEXT_VADDR,
		.sh_offset = TEXT_OFFSET,
		.sh_size = TEXT_BYTES,
	};
	image->size = image->header.e_shoff + SECTIONS * sizeof(*section);
}

void image_add_symbols(struct image *image, uint32_t type, const struct wanted *wanted, size_t n)
{
	Elf64_Sym symbols[64] = {};
	char strings[8192] = "";
	size_t length = 1, index;

	for (size_t i = 0; i < n; i++) {
		symbols[i + 1] = (Elf64_Sym){
			.st_name = length,
			.st_info = wanted[i].info,
			.st_shndx = 2,
			.st_value = TEXT_VADDR + wanted[i].start,
			.st_size = wanted[i].size,
		};
		length += sprintf(strings + length, "%s", wanted[i].name) + 1;
	}
	index = image_add_section(image, ".symbols", type, symbols, (n + 1) * sizeof(symbols[0]));
	image_section(image, index)->sh_link = index + 1;
	image_add_section(image, ".strings", SHT_STRTAB, strings, length);
}

int image_open_bytes(const void *bytes, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	cr_assert(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
	return fd;
}
