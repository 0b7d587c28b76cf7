/* SPDX-License-Identifier: MIT */
/*
 * The symbols of a table of an ELF file, one after the other, with their names. Format: System V
 * gABI, chapter 4, "Symbol Table".
 */
#pragma once

#include "daemon/symbolizer/elf/file.h"

struct elf_symtab {
	Elf_Data *symbols;
	const char *names; /* its table of strings, which ends with a NUL */
	size_t names_bytes;
};

/* type: SHT_SYMTAB or SHT_DYNSYM. Borrows from the file. 0; -ENODATA: there is none, or it or its
 * names are damaged. */
int elf_symtab_open(struct elf_symtab *symtab, const struct elf_file *elf, uint32_t type);

/* A negative result ends it and is returned. */
typedef int (*elf_symtab_fn)(void *userdata, const Elf64_Sym *symbol, const char *name);

/* All that are defined and have a name, at most SYMBOLS_MAX. 0, or what fn returned. */
int elf_symtab_foreach(const struct elf_symtab *symtab, elf_symtab_fn fn, void *userdata);
