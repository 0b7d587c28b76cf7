/* SPDX-License-Identifier: MIT */
/*
 * Finds the file behind a mapping. Files are told apart by what fstat() says of the opened file,
 * never by a build-id alone, which is only a claim of the file. Each mapping is opened once, and
 * each file is read once; a file has the same number whichever process has it mapped, until the
 * files are cleared.
 */
#pragma once

#include <stdint.h>

#include "daemon/objfile/inspect.h"
#include "daemon/process/images.h"

struct files;

/* Borrows the inspector. Returns NULL if there is no memory. */
struct files *files_new(const char *proc, struct inspector *inspector);
struct files *files_free(struct files *files);

/* Returns the number of the file, from 1 on; 0 if there is none, or it cannot be opened (any more).
 * Unless ret_fd is NULL, it gets a new descriptor of the file, owned by the caller; -1 if that
 * fails. */
uint32_t files_find(struct files *files, const struct image *image, const struct mapping *mapping,
		    int *ret_fd);
/* Finds where code at an offset of the file lies in the file's own address space (ELF vaddr).
 * Returns 0, or -ENOENT if no segment with code is there, or the file is no ELF file. */
int files_find_vaddr(const struct files *files, uint32_t number, uint64_t offset,
		     uint64_t *ret_vaddr);
/* Returns what the file says of itself, borrowed until the next call of this module; zeros if it is
 * no ELF file, or cannot be read. */
const struct elf_info *files_get_elf_info(const struct files *files, uint32_t number);
/* Returns what the file says of the interpreter in it, borrowed likewise; NULL if there is none, or
 * it cannot be read. */
const struct symbolizer_python *files_get_python(const struct files *files, uint32_t number);
/* Counts how often files_find() returned 0 only because a file could not be read at that moment: a
 * caller whose result was computed while this grew has to ask again later. */
uint64_t files_count_late(const struct files *files);
/* The caller calls files_clear() beyond this many files, of some 1.6 KB each. */
#define FILES_MAX 20000
uint32_t files_count(const struct files *files);
/* Forgets all numbers; so all that were kept elsewhere become invalid. */
void files_clear(struct files *files);
