/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/dynamic.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define ENTRIES_MAX   256  /* entries of the dynamic section */
#define CHAIN_MAX     1024 /* symbols of one bucket that are searched */
#define NAME_MAX_FIND 64

/* Finds the file offset of an address; 0 if it is not in the file. */
static uint64_t find_offset(const struct elf_file *elf, uint64_t vaddr)
{
	uint64_t offset, bytes;

	return elf_file_find_vaddr(elf, vaddr, &offset, &bytes) < 0 ? 0 : offset;
}

static void take_entry(struct elf_dynamic *dynamic, const Elf64_Dyn *entry)
{
	uint64_t value = entry->d_un.d_val;

	switch (entry->d_tag) {
	case DT_GNU_HASH:
		dynamic->gnu_hash = find_offset(dynamic->elf, value);
		break;
	case DT_HASH:
		dynamic->hash = find_offset(dynamic->elf, value);
		break;
	case DT_SYMTAB:
		dynamic->symbols = find_offset(dynamic->elf, value);
		break;
	case DT_STRTAB:
		dynamic->strings = find_offset(dynamic->elf, value);
		break;
	case DT_SONAME:
		dynamic->soname = value;
		break;
	default:
		break;
	}
}

static void read_entries(struct elf_dynamic *dynamic, const Elf64_Phdr *segment)
{
	Elf64_Dyn entries[ENTRIES_MAX];
	size_t n = segment->p_filesz / sizeof(*entries);

	n = n < ENTRIES_MAX ? n : ENTRIES_MAX;
	if (elf_file_read(dynamic->elf, segment->p_offset, n * sizeof(*entries), entries) < 0)
		return;
	for (size_t i = 0; i < n && entries[i].d_tag != DT_NULL; i++)
		take_entry(dynamic, &entries[i]);
}

static int read_hash_head(struct elf_dynamic *dynamic)
{
	uint32_t head[4];

	if (dynamic->gnu_hash &&
	    elf_file_read(dynamic->elf, dynamic->gnu_hash, sizeof(head), head) == 0 && head[0] &&
	    head[2]) {
		dynamic->n_buckets = head[0];
		dynamic->first = head[1];
		dynamic->n_words = head[2];
		dynamic->shift = head[3] & 31;
		return 0;
	}
	dynamic->gnu_hash = 0;
	if (!dynamic->hash ||
	    elf_file_read(dynamic->elf, dynamic->hash, 2 * sizeof(*head), head) < 0 || !head[0])
		return -ENODATA;
	dynamic->n_buckets = head[0];
	dynamic->n_chains = head[1];
	return 0;
}

int elf_dynamic_open(struct elf_dynamic *dynamic, const struct elf_file *elf)
{
	*dynamic = (struct elf_dynamic){.elf = elf};
	for (size_t i = 0; i < elf->n_segments; i++)
		if (elf->segments[i].p_type == PT_DYNAMIC) {
			read_entries(dynamic, &elf->segments[i]);
			break;
		}
	if (!dynamic->symbols || !dynamic->strings)
		return -ENODATA;
	return read_hash_head(dynamic);
}

/* True if the string at that offset is this name; an offset that is not in the file has none. */
static bool has_name(const struct elf_dynamic *dynamic, uint32_t at, const char *name)
{
	char text[NAME_MAX_FIND];
	size_t bytes = strlen(name) + 1;

	return bytes <= sizeof(text) &&
	       elf_file_read(dynamic->elf, dynamic->strings + at, bytes, text) == 0 &&
	       memcmp(text, name, bytes) == 0;
}

static bool check_symbol(const struct elf_dynamic *dynamic, uint64_t index, const char *name,
			 struct elf_symbol *ret)
{
	Elf64_Sym symbol;

	if (elf_file_read(dynamic->elf, dynamic->symbols + index * sizeof(symbol), sizeof(symbol),
			  &symbol) < 0 ||
	    symbol.st_shndx == SHN_UNDEF || !has_name(dynamic, symbol.st_name, name))
		return false;
	*ret = (struct elf_symbol){symbol.st_value, symbol.st_size};
	return true;
}

static bool is_in_bloom(const struct elf_dynamic *dynamic, uint32_t hash)
{
	uint64_t at = dynamic->gnu_hash + 16 + hash / 64 % dynamic->n_words * UINT64_C(8), word;
	uint64_t bits = UINT64_C(1) << hash % 64 | UINT64_C(1) << (hash >> dynamic->shift) % 64;

	return elf_file_read(dynamic->elf, at, sizeof(word), &word) == 0 && (word & bits) == bits;
}

/* Searches the symbols of a bucket, which lie side by side, as do their hashes; the lowest bit of a
 * hash marks the last one. */
static int find_in_chain(const struct elf_dynamic *dynamic, uint64_t index, uint32_t hash,
			 const char *name, struct elf_symbol *ret)
{
	uint64_t at = dynamic->gnu_hash + 16 + UINT64_C(8) * dynamic->n_words +
		      UINT64_C(4) * dynamic->n_buckets + UINT64_C(4) * (index - dynamic->first);
	uint32_t link = 0;

	for (unsigned int i = 0; i < CHAIN_MAX && !(link & 1); i++, index++, at += sizeof(link)) {
		if (elf_file_read(dynamic->elf, at, sizeof(link), &link) < 0)
			return -ENOENT;
		if ((link | 1) == (hash | 1) && check_symbol(dynamic, index, name, ret))
			return 0;
	}
	return -ENOENT;
}

static int find_gnu(const struct elf_dynamic *dynamic, const char *name, struct elf_symbol *ret)
{
	uint64_t buckets = dynamic->gnu_hash + 16 + UINT64_C(8) * dynamic->n_words;
	uint32_t hash = 5381, index;

	for (const char *at = name; *at; at++)
		hash = hash * 33 + (uint8_t)*at;
	if (!is_in_bloom(dynamic, hash) ||
	    elf_file_read(dynamic->elf, buckets + hash % dynamic->n_buckets * UINT64_C(4),
			  sizeof(index), &index) < 0 ||
	    index < dynamic->first)
		return -ENOENT;
	return find_in_chain(dynamic, index, hash, name, ret);
}

static uint32_t hash_sysv(const char *name)
{
	uint32_t hash = 0;

	for (; *name; name++) {
		uint32_t high;

		hash = (hash << 4) + (uint8_t)*name;
		high = hash & 0xf0000000;
		hash = (hash ^ high >> 24) & ~high;
	}
	return hash;
}

static int find_sysv(const struct elf_dynamic *dynamic, const char *name, struct elf_symbol *ret)
{
	uint64_t buckets = dynamic->hash + 8;
	uint64_t chains = buckets + UINT64_C(4) * dynamic->n_buckets;
	uint64_t at = buckets + UINT64_C(4) * (hash_sysv(name) % dynamic->n_buckets);
	uint32_t index;

	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		if (elf_file_read(dynamic->elf, at, sizeof(index), &index) < 0 || index == 0 ||
		    index >= dynamic->n_chains)
			return -ENOENT;
		if (check_symbol(dynamic, index, name, ret))
			return 0;
		at = chains + UINT64_C(4) * index;
	}
	return -ENOENT;
}

int elf_dynamic_find(const struct elf_dynamic *dynamic, const char *name, struct elf_symbol *ret)
{
	assert(dynamic->n_buckets > 0);
	assert(!dynamic->gnu_hash || dynamic->n_words > 0);
	return dynamic->gnu_hash ? find_gnu(dynamic, name, ret) : find_sysv(dynamic, name, ret);
}

void elf_dynamic_read_soname(const struct elf_dynamic *dynamic, char *ret, size_t size)
{
	uint64_t at, left;

	assert(size > 0);
	*ret = '\0';
	if (!dynamic->soname || __builtin_add_overflow(dynamic->strings, dynamic->soname, &at) ||
	    at >= dynamic->elf->size)
		return;
	left = dynamic->elf->size - at;
	left = left < size ? left : size;
	if (elf_file_read(dynamic->elf, at, left, ret) < 0 || !memchr(ret, '\0', left))
		*ret = '\0';
}
