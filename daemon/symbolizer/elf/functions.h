/* SPDX-License-Identifier: MIT */
/*
 * Reads the functions of one ELF file, sorted by address: from .symtab, else from .dynsym and
 * .gnu_debugdata together; and the stubs of its PLT.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/symbolizer/elf/file.h"

/* 16 bytes: a large library has some hundred thousand of them. */
struct elf_function {
	uint64_t start; /* ELF vaddr */
	uint32_t size;  /* never 0 */
	uint32_t name;  /* offset in names */
};

struct functions {
	struct elf_function *entries;
	size_t n_entries;
	char *names; /* the string tables as they are in the file, and the names of the stubs */
	size_t names_bytes;
};

/* Reads the functions. Returns 0, also if there are none; or -ENOMEM. */
int functions_read(struct functions *functions, const struct elf_file *elf);
void functions_done(struct functions *functions);
/* Returns the function that holds the address; NULL if none does. */
const struct elf_function *functions_find(const struct functions *functions, uint64_t address);
