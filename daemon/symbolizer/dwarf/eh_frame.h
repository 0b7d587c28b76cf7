/* SPDX-License-Identifier: MIT */
/* The .eh_frame of an ELF file: where it is, and the ranges of code that its entries (FDEs) cover.
 */
#pragma once

#include <elfutils/libdw.h>
#include <stdbool.h>

#include "daemon/symbolizer/elf/file.h"

#define EH_FRAME_BYTES_MAX (UINT64_C(256) << 20)

struct eh_frame {
	const unsigned char *ident; /* e_ident */
	Elf_Data *data;
	uint64_t vaddr;  /* of its first byte */
	uint64_t offset; /* of the entry that is next */
	/* The last entry's CIE: files have few, and each FDE names one. */
	uint64_t cie_offset;
	int pointer; /* DW_EH_PE_* of its FDEs; -1: unknown */
};

/* Whether libdw finds it by its section. Otherwise it looks for a segment, and takes in the whole
 * file from there on. */
bool eh_frame_is_plain(const struct elf_file *file);
/* Both are borrowed. 0; -ENODATA; -EFBIG. */
int eh_frame_open(struct eh_frame *eh, const struct elf_file *file, Elf *elf);
/* The next range [*ret_start, *ret_end), never empty, in no order. 1: there was one; 0: that was
 * all, or the rest is damaged. */
int eh_frame_next(struct eh_frame *eh, uint64_t *ret_start, uint64_t *ret_end);
