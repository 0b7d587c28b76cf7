/* SPDX-License-Identifier: MIT */
/*
 * Reads the symbols of a table of an ELF file, one after the other, with their names. Format:
 * System V gABI, chapter 4, "Symbol Table".
 */
#pragma once

#include "daemon/symbolizer/elf/file.h"

struct elf_symtab {
	Elf_Data *symbols;
	const char *names; /* the table of strings, which ends with a NUL */
	size_t names_bytes;
};

/* Opens the table of a type, SHT_SYMTAB or SHT_DYNSYM. Borrows from the file. Returns 0, or
 * -ENODATA if there is none, or it or its names are damaged. */
int elf_symtab_open(struct elf_symtab *symtab, const struct elf_file *elf, uint32_t type);

/* Takes a symbol. A negative result stops elf_symtab_foreach(), which returns it. */
typedef int (*elf_symtab_fn)(void *userdata, const Elf64_Sym *symbol, const char *name);

/* Calls fn for all symbols that are defined and have a name, at most SYMBOLS_MAX. Returns 0 or what
 * fn returned. */
int elf_symtab_foreach(const struct elf_symtab *symtab, elf_symtab_fn fn, void *userdata);
