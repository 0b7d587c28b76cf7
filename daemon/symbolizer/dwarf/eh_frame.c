/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/dwarf/eh_frame.h"

#include <assert.h>
#include <dwarf.h>
#include <errno.h>
#include <string.h>

#define NO_CIE UINT64_MAX

/* Finds the section; lld gives it a type of its own, as the psABI does. */
static const Elf64_Shdr *find_section(const struct elf_file *file)
{
	const Elf64_Shdr *section = elf_file_find_section(file, SHT_PROGBITS, ".eh_frame");

	return section ? section : elf_file_find_section(file, SHT_X86_64_UNWIND, ".eh_frame");
}

bool eh_frame_is_plain(const struct elf_file *file)
{
	return elf_file_find_section(file, SHT_PROGBITS, ".eh_frame");
}

static int open_section(struct eh_frame *eh, const struct elf_file *file, Elf *elf)
{
	const Elf64_Shdr *section = find_section(file);
	Elf_Scn *scn;

	if (!section)
		return -ENODATA;
	if (section->sh_size > EH_FRAME_BYTES_MAX)
		return -EFBIG;
	scn = elf_getscn(elf, section - file->sections);
	eh->data = scn ? elf_rawdata(scn, NULL) : NULL;
	eh->vaddr = section->sh_addr;
	return eh->data && eh->data->d_buf ? 0 : -ENODATA;
}

static const Elf64_Phdr *find_header(const struct elf_file *file)
{
	for (size_t i = 0; i < file->n_segments; i++)
		if (file->segments[i].p_type == PT_GNU_EH_FRAME && file->segments[i].p_filesz > 0)
			return &file->segments[i];
	return NULL;
}

/* Opens .eh_frame in a file without section headers, where nothing says how long it is: it ends at
 * the end of its segment, or at the entry of length 0 that closes it. */
static int open_segment(struct eh_frame *eh, const struct elf_file *file, Elf *elf)
{
	const Elf64_Phdr *header = find_header(file);
	uint8_t head[8]; /* version, three encodings, the pointer to .eh_frame */
	int32_t pointer;
	uint64_t size, offset;

	if (!header || elf_file_read(file, header->p_offset, sizeof(head), head) < 0 ||
	    head[0] != 1 || head[1] != (DW_EH_PE_pcrel | DW_EH_PE_sdata4))
		return -ENODATA;
	memcpy(&pointer, head + 4, sizeof(pointer));
	eh->vaddr = header->p_vaddr + 4 + pointer;
	if (elf_file_find_vaddr(file, eh->vaddr, &offset, &size) < 0)
		return -ENODATA;
	size = size < EH_FRAME_BYTES_MAX ? size : EH_FRAME_BYTES_MAX;
	eh->data = elf_getdata_rawchunk(elf, offset, size, ELF_T_BYTE);
	return eh->data && eh->data->d_buf ? 0 : -ENODATA;
}

int eh_frame_open(struct eh_frame *eh, const struct elf_file *file, Elf *elf)
{
	int r;

	*eh = (struct eh_frame){.ident = (unsigned char *)elf_getident(elf, NULL),
				.cie_offset = NO_CIE};
	if (!eh->ident)
		return -ENODATA;
	r = open_section(eh, file, elf);
	return r == -ENODATA ? open_segment(eh, file, elf) : r;
}

/* Returns how many bytes a pointer of that encoding takes; 0 if .eh_frame has none such. */
static size_t pointer_bytes(int encoding)
{
	switch (encoding & 0x0f) {
	case DW_EH_PE_udata2:
	case DW_EH_PE_sdata2:
		return 2;
	case DW_EH_PE_udata4:
	case DW_EH_PE_sdata4:
		return 4;
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return 8;
	default:
		return 0;
	}
}

static uint64_t read_pointer(const uint8_t *at, int encoding)
{
	uint64_t value = 0;
	size_t bytes = pointer_bytes(encoding);

	assert(bytes > 0);
	memcpy(&value, at, bytes);
	if ((encoding & DW_EH_PE_signed) && bytes < 8 && value >> (bytes * 8 - 1))
		value |= UINT64_MAX << (bytes * 8);
	return value;
}

/* Returns how the FDEs of a CIE encode their addresses, -1 if unknown: that is the letter R of its
 * augmentation, before which the data of other letters is skipped. */
static int read_encoding(const Dwarf_CIE *cie)
{
	const uint8_t *at = cie->augmentation_data, *end = at + cie->augmentation_data_size;
	const char *letter = cie->augmentation;

	if (*letter == '\0')
		return DW_EH_PE_absptr;
	if (*letter++ != 'z' || !at)
		return -1;
	for (; *letter; letter++) {
		size_t skip = 1;

		if (*letter == 'S' || *letter == 'B')
			continue;
		if (at == end)
			return -1;
		if (*letter == 'R')
			return *at;
		if (*letter == 'P')
			skip += pointer_bytes(*at);
		else if (*letter != 'L')
			return -1;
		if (skip > (size_t)(end - at))
			return -1;
		at += skip;
	}
	return DW_EH_PE_absptr;
}

static int find_encoding(struct eh_frame *eh, uint64_t cie_offset)
{
	Dwarf_CFI_Entry entry;
	Dwarf_Off next;

	if (eh->cie_offset == cie_offset)
		return eh->pointer;
	eh->cie_offset = cie_offset;
	eh->pointer = -1;
	if (cie_offset < eh->data->d_size &&
	    dwarf_next_cfi(eh->ident, eh->data, true, cie_offset, &next, &entry) == 0 &&
	    dwarf_cfi_cie_p(&entry))
		eh->pointer = read_encoding(&entry.cie);
	return eh->pointer;
}

static bool read_range(struct eh_frame *eh, const Dwarf_FDE *fde, uint64_t *ret_start,
		       uint64_t *ret_end)
{
	int encoding = find_encoding(eh, fde->CIE_pointer);
	size_t bytes = encoding < 0 ? 0 : pointer_bytes(encoding);
	int relative = encoding & 0x70;
	uint64_t start, length;

	if (bytes == 0 || (encoding & DW_EH_PE_indirect) ||
	    (relative != DW_EH_PE_absptr && relative != DW_EH_PE_pcrel) ||
	    (size_t)(fde->end - fde->start) < 2 * bytes)
		return false;
	start = read_pointer(fde->start, encoding);
	if (relative == DW_EH_PE_pcrel)
		start += eh->vaddr + (fde->start - (const uint8_t *)eh->data->d_buf);
	/* The length is in the same format, but it is no address, and never negative. */
	length = read_pointer(fde->start + bytes, encoding & 0x07);
	*ret_start = start;
	return !__builtin_add_overflow(start, length, ret_end) && length > 0;
}

int eh_frame_next(struct eh_frame *eh, uint64_t *ret_start, uint64_t *ret_end)
{
	assert(eh->ident && eh->data);
	while (eh->offset < eh->data->d_size) {
		Dwarf_Off next = eh->offset;
		Dwarf_CFI_Entry entry;
		int r = dwarf_next_cfi(eh->ident, eh->data, true, eh->offset, &next, &entry);

		/* A damaged entry is skipped where its length makes sense. */
		if (r > 0 || next <= eh->offset)
			return 0;
		eh->offset = next;
		if (r == 0 && !dwarf_cfi_cie_p(&entry) &&
		    read_range(eh, &entry.fde, ret_start, ret_end))
			return 1;
	}
	return 0;
}
