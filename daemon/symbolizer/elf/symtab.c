/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/symtab.h"

#include <assert.h>
#include <errno.h>
#include <gelf.h>

#define STRINGS_MAX      (UINT64_C(128) << 20)
#define SYMTAB_BYTES_MAX (UINT64_C(256) << 20)

int elf_symtab_open(struct elf_symtab *symtab, const struct elf_file *elf, uint32_t type)
{
	const Elf64_Shdr *section = elf_file_find_section(elf, type, NULL);
	Elf_Data *names;

	assert(type == SHT_SYMTAB || type == SHT_DYNSYM);
	*symtab = (struct elf_symtab){};
	if (!section || section->sh_link >= elf->n_sections)
		return -ENODATA;
	names = elf_file_get_data(elf, &elf->sections[section->sh_link], STRINGS_MAX);
	symtab->symbols = elf_file_get_data(elf, section, SYMTAB_BYTES_MAX);
	if (!names || !symtab->symbols)
		return -ENODATA;
	symtab->names = names->d_buf;
	symtab->names_bytes = names->d_size;
	return symtab->names[symtab->names_bytes - 1] == '\0' ? 0 : -ENODATA;
}

int elf_symtab_foreach(const struct elf_symtab *symtab, elf_symtab_fn fn, void *userdata)
{
	GElf_Sym symbol;

	assert(symtab->symbols && symtab->names);
	for (int i = 0; i < SYMBOLS_MAX && gelf_getsym(symtab->symbols, i, &symbol); i++) {
		int r;

		if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= symtab->names_bytes ||
		    !symtab->names[symbol.st_name])
			continue;
		r = fn(userdata, &symbol, symtab->names + symbol.st_name);
		if (r < 0)
			return r;
	}
	return 0;
}
