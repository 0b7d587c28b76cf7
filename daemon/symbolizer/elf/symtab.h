/* SPDX-License-Identifier: MIT */
/*
 * The symbols of a table of an ELF file, one after the other, with their names. Format: System V
 * gABI, chapter 4, "Symbol Table".
 */
#pragma once

#include "daemon/symbolizer/elf/file.h"

struct elf_symtab {
	const struct elf_file *elf; /* borrowed */
	const Elf64_Shdr *section;
	char *names; /* its table of strings */
	uint64_t names_bytes;
};

/* type: SHT_SYMTAB or SHT_DYNSYM. 0; -ENODATA: there is none, or its names are damaged; -ENOMEM;
 * -EIO. */
int elf_symtab_open(struct elf_symtab *symtab, const struct elf_file *elf, uint32_t type);
void elf_symtab_done(struct elf_symtab *symtab);

/* A negative result ends it and is returned. */
typedef int (*elf_symtab_fn)(void *userdata, const Elf64_Sym *symbol, const char *name);

/* All that are defined and have a name, at most SYMBOLS_MAX. 0, also where it is damaged later on;
 * -ENODATA: it is from the start; -ENOMEM; -EIO. */
int elf_symtab_foreach(const struct elf_symtab *symtab, elf_symtab_fn fn, void *userdata);
