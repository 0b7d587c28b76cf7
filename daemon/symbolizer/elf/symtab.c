/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/symtab.h"

#include <errno.h>

#include "daemon/base/cleanup.h"

#define STRINGS_MAX   (UINT64_C(128) << 20)
#define SYMBOLS_PIECE UINT64_C(4096)

int elf_symtab_open(struct elf_symtab *symtab, const struct elf_file *elf, uint32_t type)
{
	const Elf64_Shdr *section = elf_file_find_section(elf, type, NULL), *link;
	int r;

	*symtab = (struct elf_symtab){.elf = elf, .section = section};
	if (!section || section->sh_link >= elf->n_sections)
		return -ENODATA;
	link = &elf->sections[section->sh_link];
	r = elf_file_read_section(elf, link, STRINGS_MAX, &symtab->names);
	if (r < 0)
		return r == -ENOMEM || r == -EIO ? r : -ENODATA;
	symtab->names_bytes = link->sh_size;
	return 0;
}

void elf_symtab_done(struct elf_symtab *symtab)
{
	free(symtab->names);
	*symtab = (struct elf_symtab){};
}

static int tell_symbols(const struct elf_symtab *symtab, const Elf64_Sym *symbols, uint64_t n,
			elf_symtab_fn fn, void *userdata)
{
	int r = 0;

	for (uint64_t i = 0; i < n && r >= 0; i++)
		if (symbols[i].st_shndx != SHN_UNDEF && symbols[i].st_name < symtab->names_bytes &&
		    symtab->names[symbols[i].st_name])
			r = fn(userdata, &symbols[i], symtab->names + symbols[i].st_name);
	return r < 0 ? r : 0;
}

/* Read in pieces: none is kept. */
int elf_symtab_foreach(const struct elf_symtab *symtab, elf_symtab_fn fn, void *userdata)
{
	_cleanup_free_ Elf64_Sym *symbols = calloc(SYMBOLS_PIECE, sizeof(*symbols));
	uint64_t n_symbols = symtab->section->sh_size / sizeof(*symbols);
	int r = 0;

	if (!symbols)
		return -ENOMEM;
	n_symbols = n_symbols < SYMBOLS_MAX ? n_symbols : SYMBOLS_MAX;
	for (uint64_t i = 0; i < n_symbols && r >= 0; i += SYMBOLS_PIECE) {
		uint64_t n = n_symbols - i < SYMBOLS_PIECE ? n_symbols - i : SYMBOLS_PIECE;

		r = elf_file_read(symtab->elf, symtab->section->sh_offset + i * sizeof(*symbols),
				  n * sizeof(*symbols), symbols);
		if (r < 0)
			return r == -EIO ? r : i ? 0 : -ENODATA;
		r = tell_symbols(symtab, symbols, n, fn, userdata);
	}
	return r;
}
