/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/functions.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/elf/debugdata.h"
#include "daemon/symbolizer/elf/plt.h"
#include "daemon/symbolizer/elf/symtab.h"

#define NAME_LOOKED_AT 256 /* bytes of a name that are compared between aliases */
#define STUB_NAMES_MAX (1u << 20)
#define STUB_RANK      6 /* any symbol has a better rank */
#define LOOK_BACK      16

/* A symbol before it is sorted, ended and chosen. */
struct candidate {
	uint64_t start;
	uint32_t size; /* 0 if unknown */
	uint32_t name;
	uint8_t rank; /* lower is better */
};

/* A range of addresses that holds code. */
struct code_range {
	uint64_t start;
	uint64_t end;
};

struct builder {
	const struct elf_file *elf;
	struct candidate *candidates;
	size_t n_candidates;
	size_t size;
	char *names;
	size_t names_bytes;
	size_t names_size;
	size_t stub_bytes;
	struct code_range *ranges; /* sorted */
	size_t n_ranges;
};

static void builder_done(struct builder *builder)
{
	free(builder->candidates);
	free(builder->names);
	free(builder->ranges);
}

static int add_candidate(struct builder *builder, const struct candidate *candidate)
{
	int r;

	if (builder->n_candidates >= SYMBOLS_MAX)
		return 0;
	r = array_reserve(builder->candidates, builder->size, builder->n_candidates + 1);
	if (r < 0)
		return r;
	builder->candidates[builder->n_candidates++] = *candidate;
	return 0;
}

/* Appends strings and a NUL, and returns their offset. The names grow by an eighth, not twofold as
 * by array_reserve(): the tables of strings of a file are few, and of up to 128 MiB. */
static int add_strings(struct builder *builder, const char *strings, size_t bytes, uint32_t *ret)
{
	size_t end = builder->names_bytes + bytes + 1;

	if (end > builder->names_size) {
		size_t size = end + end / 8;
		char *grown = realloc(builder->names, size);

		if (!grown)
			return -ENOMEM;
		builder->names = grown;
		builder->names_size = size;
	}
	memcpy(builder->names + builder->names_bytes, strings, bytes);
	builder->names[end - 1] = '\0';
	*ret = builder->names_bytes;
	builder->names_bytes = end;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct code_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void add_range(struct builder *builder, uint64_t start, uint64_t size)
{
	if (size > 0 && start <= UINT64_MAX - size)
		builder->ranges[builder->n_ranges++] = (struct code_range){start, start + size};
}

static bool section_is_code(const Elf64_Shdr *section)
{
	return (section->sh_flags & (SHF_ALLOC | SHF_EXECINSTR)) == (SHF_ALLOC | SHF_EXECINSTR);
}

/* Finds the ranges of code: sections, or segments in a file without sections. */
static int find_code(struct builder *builder)
{
	const struct elf_file *elf = builder->elf;

	builder->ranges = calloc(elf->n_sections + elf->n_segments + 1, sizeof(*builder->ranges));
	if (!builder->ranges)
		return -ENOMEM;
	for (size_t i = 0; i < elf->n_sections; i++)
		if (section_is_code(&elf->sections[i]))
			add_range(builder, elf->sections[i].sh_addr, elf->sections[i].sh_size);
	for (size_t i = 0; i < elf->n_segments && elf->n_sections == 0; i++)
		if (elf->segments[i].p_type == PT_LOAD && elf->segments[i].p_flags & PF_X)
			add_range(builder, elf->segments[i].p_vaddr, elf->segments[i].p_memsz);
	qsort(builder->ranges, builder->n_ranges, sizeof(*builder->ranges), compare_ranges);
	return 0;
}

/* True if a symbol is a function, or a label of assembler code, which is the worse name of an
 * address. */
static bool symbol_is_function(const struct elf_file *elf, const Elf64_Sym *symbol)
{
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);

	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		return true;
	return type == STT_NOTYPE && symbol->st_shndx < elf->n_sections &&
	       section_is_code(&elf->sections[symbol->st_shndx]);
}

static uint8_t symbol_rank(const Elf64_Sym *symbol)
{
	unsigned int binding = ELF64_ST_BIND(symbol->st_info);
	uint8_t rank = binding == STB_GLOBAL ? 0 : binding == STB_WEAK ? 1 : 2;

	return ELF64_ST_TYPE(symbol->st_info) == STT_NOTYPE ? rank + 3 : rank;
}

/* A table that is being read. */
struct symbol_reading {
	struct builder *builder;
	const struct elf_file *elf;
	uint32_t names; /* offset in the builder's names at which those of the table begin */
};

static int add_symbol(void *userdata, const Elf64_Sym *symbol, const char *name)
{
	const struct symbol_reading *reading = userdata;
	struct candidate candidate = {
		.start = symbol->st_value,
		.size = symbol->st_size < UINT32_MAX ? symbol->st_size : UINT32_MAX,
		.name = reading->names + symbol->st_name,
		.rank = symbol_rank(symbol),
	};

	(void)name;
	return symbol_is_function(reading->elf, symbol)
		       ? add_candidate(reading->builder, &candidate)
		       : 0;
}

/* Adds the table of that type, with its strings. What is damaged is left out. */
static int add_table(struct builder *builder, const struct elf_file *elf, uint32_t type)
{
	struct elf_symtab symtab;
	struct symbol_reading reading = {.builder = builder, .elf = elf};
	int r = elf_symtab_open(&symtab, elf, type);

	if (r < 0)
		return r == -ENODATA ? 0 : r;
	r = add_strings(builder, symtab.names, symtab.names_bytes, &reading.names);
	return r < 0 ? r : elf_symtab_foreach(&symtab, add_symbol, &reading);
}

/* Adds the symbols that distributions keep of stripped programs. */
static int add_debugdata(struct builder *builder)
{
	struct elf_file inner;
	int r = debugdata_open(builder->elf, &inner);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = add_table(builder, &inner, SHT_SYMTAB);
	elf_file_done(&inner);
	return r;
}

static int add_stub(void *userdata, uint64_t address, uint32_t size, const char *name)
{
	struct candidate candidate = {.start = address, .size = size, .rank = STUB_RANK};
	struct builder *builder = userdata;
	char text[PLT_NAME_BYTES + sizeof("@plt")];
	int length = snprintf(text, sizeof(text), "%s@plt", name);
	int r;

	builder->stub_bytes += length + 1;
	if (builder->stub_bytes > STUB_NAMES_MAX)
		return 0;
	r = add_strings(builder, text, length, &candidate.name);
	return r < 0 ? r : add_candidate(builder, &candidate);
}

static int add_all(struct builder *builder)
{
	int r;

	r = add_table(builder, builder->elf, SHT_SYMTAB);
	if (r < 0)
		return r;
	if (builder->n_candidates == 0) {
		r = add_table(builder, builder->elf, SHT_DYNSYM);
		if (r < 0)
			return r;
		r = add_debugdata(builder);
	}
	return r < 0 ? r : plt_foreach(builder->elf, add_stub, builder);
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

/* Compares two aliases of the same rank (the strongest binding comes first): the fewest leading
 * underscores, then the shortest name is better. */
static bool name_is_better(const char *name, const char *than)
{
	size_t underscores = strspn(name, "_"), than_underscores = strspn(than, "_");
	size_t length, than_length;

	if (underscores != than_underscores)
		return underscores < than_underscores;
	length = strnlen(name, NAME_LOOKED_AT);
	than_length = strnlen(than, NAME_LOOKED_AT);
	if (length != than_length)
		return length < than_length;
	return strncmp(name, than, NAME_LOOKED_AT) < 0;
}

/* Leaves one candidate for each address; they have to be sorted. */
static void choose_names(struct builder *builder)
{
	struct candidate *chosen = builder->candidates;
	size_t n = builder->n_candidates;

	for (size_t i = 1; i < n; i++) {
		const struct candidate *next = &builder->candidates[i];

		assert(next->start >= chosen->start);
		if (next->start != chosen->start) {
			*++chosen = *next;
			continue;
		}
		if (next->rank == chosen->rank &&
		    name_is_better(builder->names + next->name, builder->names + chosen->name))
			chosen->name = next->name;
		if (next->size > chosen->size)
			chosen->size = next->size;
	}
	builder->n_candidates = n ? chosen - builder->candidates + 1 : 0;
}

/* Finds the end of the code that holds the address, 0 if none does. Addresses have to come in
 * rising order. */
static uint64_t find_code_end(const struct builder *builder, size_t *cursor, uint64_t address)
{
	while (*cursor + 1 < builder->n_ranges && builder->ranges[*cursor + 1].start <= address)
		(*cursor)++;
	if (*cursor >= builder->n_ranges || builder->ranges[*cursor].start > address ||
	    builder->ranges[*cursor].end <= address)
		return 0;
	return builder->ranges[*cursor].end;
}

/* Gives each function its end: one without a size ends where the next one begins, and is left out
 * as a mere label where it lies in another. Returns how many there are. */
static size_t end_functions(const struct builder *builder, struct elf_function *entries)
{
	uint64_t covered = 0;
	size_t n = 0, cursor = 0;

	for (size_t i = 0; i < builder->n_candidates; i++) {
		const struct candidate *candidate = &builder->candidates[i];
		uint64_t limit = find_code_end(builder, &cursor, candidate->start), end;

		if (limit == 0 || (candidate->size == 0 && candidate->start < covered))
			continue;
		if (candidate->size > 0)
			end = candidate->start + candidate->size;
		else
			end = i + 1 < builder->n_candidates ? candidate[1].start : limit;
		if (end > limit || end < candidate->start)
			end = limit;
		if (end - candidate->start > UINT32_MAX)
			end = candidate->start + UINT32_MAX;
		if (candidate->size > 0 && end > covered)
			covered = end;
		entries[n++] = (struct elf_function){
			.start = candidate->start,
			.size = end - candidate->start,
			.name = candidate->name,
		};
	}
	return n;
}

static int finish(struct builder *builder, struct functions *ret)
{
	struct functions functions = {};

	assert(builder->n_candidates > 0);
	qsort(builder->candidates, builder->n_candidates, sizeof(*builder->candidates),
	      compare_candidates);
	choose_names(builder);
	functions.entries = calloc(builder->n_candidates, sizeof(*functions.entries));
	if (!functions.entries)
		return -ENOMEM;
	functions.n_entries = end_functions(builder, functions.entries);
	functions.names_bytes = builder->names_bytes;
	functions.names = realloc(builder->names, builder->names_bytes) ?: builder->names;
	builder->names = NULL;
	*ret = functions;
	return 0;
}

int functions_read(struct functions *functions, const struct elf_file *elf)
{
	_cleanup_(builder_done) struct builder builder = {.elf = elf};
	int r;

	r = find_code(&builder);
	if (r < 0)
		return r;
	r = add_all(&builder);
	if (r < 0)
		return r;
	if (builder.n_candidates == 0) {
		*functions = (struct functions){};
		return 0;
	}
	return finish(&builder, functions);
}

void functions_done(struct functions *functions)
{
	free(functions->entries);
	free(functions->names);
	*functions = (struct functions){};
}

/* Searches backwards: functions may lie in one another, so that the nearest one before the address
 * need not hold it. */
const struct elf_function *functions_find(const struct functions *functions, uint64_t address)
{
	size_t n = array_upper_bound(functions->entries, functions->n_entries, .start, address);

	for (size_t i = 0; i < LOOK_BACK && i < n; i++) {
		const struct elf_function *function = &functions->entries[n - 1 - i];

		if (address - function->start < function->size)
			return function;
	}
	return NULL;
}
