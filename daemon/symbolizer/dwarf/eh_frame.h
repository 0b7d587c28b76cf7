/* SPDX-License-Identifier: MIT */
/* Reads the .eh_frame of an ELF file: where it is, and the ranges of code that its entries (FDEs)
 * cover. */
#pragma once

#include <elfutils/libdw.h>
#include <stdbool.h>

#include "daemon/symbolizer/elf/file.h"

#define EH_FRAME_BYTES_MAX (UINT64_C(256) << 20)

struct eh_frame {
	const unsigned char *ident; /* e_ident */
	Elf_Data *data;
	uint64_t vaddr;  /* address of its first byte */
	uint64_t offset; /* offset of the next entry */
	/* The CIE of the last entry is kept: files have few, and each FDE refers to one. */
	uint64_t cie_offset;
	int pointer; /* DW_EH_PE_* of its FDEs; -1 if unknown */
};

/* True if libdw finds .eh_frame by its section. Otherwise libdw looks for a segment, and reads the
 * whole file from there on. */
bool eh_frame_is_plain(const struct elf_file *file);
/* Opens .eh_frame; borrows both the file and `elf`, which libdw reads it by. Returns 0, -ENODATA or
 * -EFBIG. */
int eh_frame_open(struct eh_frame *eh, const struct elf_file *file, Elf *elf);
/* Reads the next range [*ret_start, *ret_end), which is never empty; they come in no order. Returns
 * 1 if there was one; 0 at the end, or where the rest is damaged. */
int eh_frame_next(struct eh_frame *eh, uint64_t *ret_start, uint64_t *ret_end);
