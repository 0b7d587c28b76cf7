/* SPDX-License-Identifier: MIT */
#include "tests/support/made/eh_image.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void eh_image_put(struct eh_image *image, const void *data, size_t size)
{
	cr_assert(image->size + size <= sizeof(image->bytes));
	if (size)
		memcpy(image->bytes + image->size, data, size);
	image->size += size;
}

/* Appends an entry: its length, its head, its instructions, and DW_CFA_nop up to 8 bytes. */
static void eh_image_entry(struct eh_image *image, const void *head, size_t head_size,
			   const uint8_t *code, size_t code_size)
{
	uint32_t length = ((head_size + code_size + 4 + 7) & ~7u) - 4;
	size_t end = image->size + 4 + length;

	eh_image_put(image, &length, sizeof(length));
	eh_image_put(image, head, head_size);
	eh_image_put(image, code, code_size);
	image->size = end;
}

void eh_image_init(struct eh_image *image, const char *augmentation)
{
	static const uint8_t tail[] = {1, 0x78, 16, 1, 0x1b}, code[] = {0x0c, 7, 8, 0x90, 1};
	size_t length = strlen(augmentation) + 1;
	uint8_t head[32] = {[4] = 1};

	memset(image, 0, sizeof(*image));
	image->has_sections = true;
	image->type = SHT_PROGBITS;
	image->size = EH_OFFSET;
	memcpy(head + 5, augmentation, length);
	memcpy(head + 5 + length, tail, sizeof(tail));
	eh_image_entry(image, head, 5 + length + sizeof(tail), code, sizeof(code));
}

void eh_image_add(struct eh_image *image, uint64_t start, uint32_t bytes, const uint8_t *code,
		  size_t size)
{
	uint8_t head[13] = {};
	uint32_t cie = image->size + 4 - EH_OFFSET;
	int32_t relative = start - (EH_VADDR + image->size + 8 - EH_OFFSET);

	memcpy(head, &cie, 4);
	memcpy(head + 4, &relative, 4);
	memcpy(head + 8, &bytes, 4);
	eh_image_entry(image, head, sizeof(head), code, size);
}

static void eh_image_sections(struct eh_image *image, uint64_t eh_bytes)
{
	static const char names[] = "\0.eh_frame\0.shstrtab";
	const uint64_t names_offset = image->size;
	Elf64_Shdr sections[3] = {};

	sections[1] = (Elf64_Shdr){.sh_name = 1,
				   .sh_type = image->type,
				   .sh_flags = SHF_ALLOC,
				   .sh_addr = EH_VADDR,
				   .sh_offset = EH_OFFSET,
				   .sh_size = eh_bytes};
	sections[2] = (Elf64_Shdr){.sh_name = 11,
				   .sh_type = SHT_STRTAB,
				   .sh_offset = names_offset,
				   .sh_size = sizeof(names)};
	eh_image_put(image, names, sizeof(names));
	image->size = (image->size + 7) & ~7u;
	image->header.e_shoff = image->size;
	image->header.e_shentsize = sizeof(sections[0]);
	image->header.e_shnum = 3;
	image->header.e_shstrndx = 2;
	eh_image_put(image, sections, sizeof(sections));
}

int eh_image_finish(struct eh_image *image)
{
	const uint64_t eh_bytes = image->size + 4 - EH_OFFSET; /* a length of 0 closes it */
	const uint8_t hdr[8] = {1, 0x1b, 0xff, 0xff, EH_OFFSET - EH_HDR_OFFSET - 4};
	Elf64_Phdr segments[3] = {
		{.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0x400000, .p_filesz = 0x1000},
		{.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = 0x1000, .p_vaddr = EH_TEXT},
		{.p_type = PT_GNU_EH_FRAME, .p_offset = EH_HDR_OFFSET, .p_filesz = sizeof(hdr)},
	};
	int fd = memfd_create("image", MFD_CLOEXEC);

	segments[1].p_filesz = EH_TEXT_BYTES;
	segments[2].p_vaddr = 0x400000 + EH_HDR_OFFSET;
	image->size += 4;
	image->header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = 1,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	memcpy(image->bytes + sizeof(Elf64_Ehdr), segments, sizeof(segments));
	memcpy(image->bytes + EH_HDR_OFFSET, hdr, sizeof(hdr));
	if (image->has_sections)
		eh_image_sections(image, eh_bytes);
	memcpy(image->bytes, &image->header, sizeof(image->header));
	cr_assert(fd >= 0 && write(fd, image->bytes, image->size) == (ssize_t)image->size);
	return fd;
}
