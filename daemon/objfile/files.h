/* SPDX-License-Identifier: MIT */
/*
 * Which file stands behind a mapping. Told apart by what fstat() says of the opened file, never by
 * a build-id alone: that one is a claim of the file's own. Each mapping is opened once, and each
 * file looked into once; it has the same number whoever has it mapped, as long as it is remembered.
 */
#pragma once

#include <stdint.h>

#include "daemon/objfile/inspect.h"
#include "daemon/process/images.h"

struct files;

/* Borrows the inspector. */
struct files *files_new(const char *proc, struct inspector *inspector);
struct files *files_free(struct files *files);

/* The number of the file, from 1 on; 0: there is none, or it cannot be opened (any more). ret_fd
 * unless NULL: it is opened again, for the caller to close; -1 where that fails. */
uint32_t files_find(struct files *files, const struct image *image, const struct mapping *mapping,
		    int *ret_fd);
/* Where code at an offset of the file lies in the file's own address space (ELF vaddr). -ENOENT: no
 * segment with code is there, or it is no ELF file. */
int files_find_vaddr(const struct files *files, uint32_t number, uint64_t offset,
		     uint64_t *ret_vaddr);
/* What the file says of itself, borrowed until the next call here; zeros: it is no ELF file, or
 * cannot be read. */
const struct elf_info *files_get_elf_info(const struct files *files, uint32_t number);
/* The interpreter in it, likewise; NULL: there is none, or it cannot be read. */
const struct symbolizer_python *files_get_python(const struct files *files, uint32_t number);
/* How often 0 was the answer only for the moment: whoever goes by it asks again later. */
uint64_t files_count_late(const struct files *files);
/* Beyond this many it is time for files_clear(): some 1.6 KB each. */
#define FILES_MAX 20000
uint32_t files_count(const struct files *files);
/* Forgets all numbers: so must whoever keeps some. */
void files_clear(struct files *files);
