/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/plt.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

#define RELOCATIONS_CHUNK 1024
#define RELOCATIONS_MAX   4000000

/* A word that the dynamic linker fills with the address of a function. */
struct plt_slot {
	uint64_t address;
	uint32_t symbol; /* index in .dynsym */
};

struct plt_slots {
	struct plt_slot *entries;
	size_t n_entries;
	size_t size;
};

static void slots_done(struct plt_slots *slots)
{
	free(slots->entries);
}

static int compare_slots(const void *a, const void *b)
{
	const struct plt_slot *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->symbol < y->symbol ? -1 : x->symbol > y->symbol;
}

static int add_slot(struct plt_slots *slots, const Elf64_Rela *relocation)
{
	uint32_t type = ELF64_R_TYPE(relocation->r_info);

	if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) ||
	    slots->n_entries >= PLT_SLOTS_MAX)
		return 0;
	if (array_reserve(slots->entries, slots->size, slots->n_entries + 1) < 0)
		return -ENOMEM;
	slots->entries[slots->n_entries++] = (struct plt_slot){
		.address = relocation->r_offset,
		.symbol = ELF64_R_SYM(relocation->r_info),
	};
	return 0;
}

static int add_slots(struct plt_slots *slots, const struct elf_file *elf, const Elf64_Shdr *section)
{
	_cleanup_free_ Elf64_Rela *relocations = calloc(RELOCATIONS_CHUNK, sizeof(*relocations));
	uint64_t n_relocations = section->sh_size / sizeof(*relocations);

	if (!relocations)
		return -ENOMEM;
	if (n_relocations > RELOCATIONS_MAX)
		n_relocations = RELOCATIONS_MAX;
	for (uint64_t i = 0; i < n_relocations; i += RELOCATIONS_CHUNK) {
		uint64_t n = n_relocations - i;

		n = n < RELOCATIONS_CHUNK ? n : RELOCATIONS_CHUNK;
		if (elf_file_read(elf, section->sh_offset + i * sizeof(*relocations),
				  n * sizeof(*relocations), relocations) < 0)
			return 0;
		for (uint64_t j = 0; j < n; j++)
			if (add_slot(slots, &relocations[j]) < 0)
				return -ENOMEM;
	}
	return 0;
}

static int read_slots(struct plt_slots *slots, const struct elf_file *elf)
{
	static const char *const names[] = {".rela.plt", ".rela.dyn"};

	for (size_t i = 0; i < array_length(names); i++) {
		const Elf64_Shdr *section = elf_file_find_section(elf, SHT_RELA, names[i]);
		int r = section ? add_slots(slots, elf, section) : 0;

		if (r < 0)
			return r;
	}
	if (slots->n_entries > 0)
		qsort(slots->entries, slots->n_entries, sizeof(*slots->entries), compare_slots);
	return 0;
}

static const struct plt_slot *find_slot(const struct plt_slots *slots, uint64_t address)
{
	size_t n = array_upper_bound(slots->entries, slots->n_entries, .address, address);

	return n && slots->entries[n - 1].address == address ? &slots->entries[n - 1] : NULL;
}

/* True if the code is "[endbr64] [bnd] jmp *slot(%rip)"; *ret is the slot's address then. */
static bool decode_stub(const uint8_t *code, size_t size, uint64_t address, uint64_t *ret)
{
	static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
	size_t at = 0;
	int32_t distance;

	if (size >= sizeof(endbr64) && memcmp(code, endbr64, sizeof(endbr64)) == 0)
		at += sizeof(endbr64);
	if (at < size && code[at] == 0xf2)
		at++;
	if (size - at < 6 || code[at] != 0xff || code[at + 1] != 0x25)
		return false;
	memcpy(&distance, code + at + 2, sizeof(distance));
	*ret = address + at + 6 + distance;
	return true;
}

/* Reads the name of a symbol. Names are read one by one: stubs are few, and the tables may be
 * large. */
static bool read_name(const struct elf_file *elf, uint32_t index, char ret[static PLT_NAME_BYTES])
{
	const Elf64_Shdr *symbols = elf_file_find_section(elf, SHT_DYNSYM, NULL), *strings;
	uint64_t size;
	Elf64_Sym symbol;

	if (!symbols || symbols->sh_link >= elf->n_sections ||
	    index >= symbols->sh_size / sizeof(symbol) ||
	    elf_file_read(elf, symbols->sh_offset + (uint64_t)index * sizeof(symbol),
			  sizeof(symbol), &symbol) < 0)
		return false;
	strings = &elf->sections[symbols->sh_link];
	if (symbol.st_name >= strings->sh_size)
		return false;
	size = strings->sh_size - symbol.st_name;
	size = size < PLT_NAME_BYTES - 1 ? size : PLT_NAME_BYTES - 1;
	if (elf_file_read(elf, strings->sh_offset + symbol.st_name, size, ret) < 0)
		return false;
	ret[size] = '\0';
	return ret[0] != '\0';
}

static int visit_section(const struct elf_file *elf, const Elf64_Shdr *section,
			 const struct plt_slots *slots, plt_fn fn, void *userdata)
{
	uint32_t step = section->sh_entsize == 8 ? 8 : 16;
	const Elf_Data *code = elf_file_get_data(elf, section, PLT_BYTES_MAX);
	char name[PLT_NAME_BYTES];
	int r;

	for (uint64_t at = 0; code && at + step <= code->d_size; at += step) {
		uint64_t address = section->sh_addr + at, target;
		const struct plt_slot *slot;

		if (!decode_stub((uint8_t *)code->d_buf + at, step, address, &target))
			continue;
		slot = find_slot(slots, target);
		if (!slot || !read_name(elf, slot->symbol, name))
			continue;
		r = fn(userdata, address, step, name);
		if (r < 0)
			return r;
	}
	return 0;
}

int plt_foreach(const struct elf_file *elf, plt_fn fn, void *userdata)
{
	static const char *const names[] = {".plt", ".plt.sec", ".plt.got"};
	_cleanup_(slots_done) struct plt_slots slots = {};
	int r;

	r = read_slots(&slots, elf);
	if (r < 0)
		return r;
	for (size_t i = 0; i < array_length(names); i++) {
		const Elf64_Shdr *section = elf_file_find_section(elf, SHT_PROGBITS, names[i]);

		r = section ? visit_section(elf, section, &slots, fn, userdata) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}
