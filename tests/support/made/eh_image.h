/* SPDX-License-Identifier: MIT */
/* A hand-made ELF file with a segment of code and an .eh_frame of one CIE and some FDEs. */
#pragma once

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EH_TEXT       0x401000u
#define EH_TEXT_BYTES 0x1000u
#define EH_OFFSET     0x400u /* of .eh_frame in the file; .eh_frame_hdr is before it */
#define EH_VADDR      0x400400u
#define EH_HDR_OFFSET 0x3f0u

struct eh_image {
	uint8_t bytes[0x2000];
	Elf64_Ehdr header;
	size_t size; /* where the next entry goes */
	bool has_sections;
	uint32_t type; /* of the section */
};

/* Makes one with the CIE alone: CFA rsp+8, return address at CFA-8. augmentation: "zR" or "zRS";
 * addresses are pcrel sdata4. */
void eh_image_init(struct eh_image *image, const char *augmentation);

/* Adds the FDE of these bytes of code, with its instructions. */
void eh_image_add(struct eh_image *image, uint64_t start, uint32_t bytes, const uint8_t *code,
		  size_t size);

/* Writes the file. Returns its memfd, which is the caller's. */
int eh_image_finish(struct eh_image *image);
