/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/python_parts.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/dwarf/eh_frame.h"
#include "daemon/symbolizer/dwarf/eh_rule.h"

#define FUNCTION_BYTES_MAX (UINT64_C(4) << 20)
#define ENTRIES_MAX        1000000 /* of .eh_frame */

/* An entry (FDE) of .eh_frame. */
struct fragment_entry {
	uint64_t start, end;
	bool is_known; /* it was checked already */
};

struct part_search {
	struct fragment_entry *entries; /* rising */
	size_t n_entries, size;
	Dwarf_CFI *cfi;
	uint64_t start, end; /* address range of the function */
	struct elf_symbol *parts;
	size_t n_parts;
};

static int compare_entries(const void *a, const void *b)
{
	const struct fragment_entry *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static int read_entries(struct part_search *search, struct eh_frame *eh)
{
	struct fragment_entry entry = {};
	int r;

	while (search->n_entries < ENTRIES_MAX && eh_frame_next(eh, &entry.start, &entry.end) > 0) {
		r = array_reserve(search->entries, search->size, search->n_entries + 1);
		if (r < 0)
			return r;
		search->entries[search->n_entries++] = entry;
	}
	if (search->n_entries > 0)
		qsort(search->entries, search->n_entries, sizeof(entry), compare_entries);
	return 0;
}

static struct fragment_entry *find_entry(const struct part_search *search, uint64_t address)
{
	size_t n = array_upper_bound(search->entries, search->n_entries, .start, address);

	return n && address < search->entries[n - 1].end ? &search->entries[n - 1] : NULL;
}

/* True if the code of an entry begins with a frame set up: where a function begins, only its return
 * address is on the stack. */
static bool begins_in_a_frame(const struct part_search *search, const struct fragment_entry *entry)
{
	_cleanup_free_ Dwarf_Frame *frame = NULL;
	struct ox_rule rule;

	if (dwarf_cfi_addrframe(search->cfi, entry->start, &frame) != 0) {
		frame = NULL;
		return false;
	}
	eh_rule_read(frame, &rule);
	return (rule.kind == OX_RULE_RSP && rule.cfa_offset != 8) || rule.kind == OX_RULE_RBP;
}

static void take_target(struct part_search *search, uint64_t target)
{
	struct fragment_entry *entry;

	if (target >= search->start && target < search->end)
		return;
	entry = find_entry(search, target);
	if (!entry || entry->is_known || search->n_parts >= PYTHON_PARTS_MAX)
		return;
	entry->is_known = true;
	if (begins_in_a_frame(search, entry))
		search->parts[search->n_parts++] =
			(struct elf_symbol){entry->start, entry->end - entry->start};
}

/* Takes the targets of jmp rel32 (e9) and jcc rel32 (0f 80 .. 0f 8f), wherever these bytes occur:
 * bytes that are no jump lead to no such place. */
static void take_jumps(struct part_search *search, const uint8_t *code, size_t size)
{
	for (size_t i = 0; i + 6 <= size; i++) {
		size_t opcode = code[i] == 0xe9                            ? 1
				: code[i] == 0x0f && code[i + 1] >> 4 == 8 ? 2
									   : 0;
		int32_t distance;

		if (!opcode)
			continue;
		memcpy(&distance, code + i + opcode, sizeof(distance));
		take_target(search, search->start + i + opcode + sizeof(distance) + distance);
	}
}

static void search_elf(struct part_search *search, const struct elf_file *file, Elf *elf,
		       const uint8_t *code)
{
	struct eh_frame eh;

	if (eh_frame_open(&eh, file, elf) < 0 || read_entries(search, &eh) < 0)
		return;
	search->cfi = dwarf_getcfi_elf(elf);
	if (!search->cfi)
		return;
	take_jumps(search, code, search->end - search->start);
	dwarf_cfi_end(search->cfi);
}

size_t python_parts_find(const struct elf_file *file, uint64_t start, uint64_t end,
			 struct elf_symbol ret[static PYTHON_PARTS_MAX])
{
	struct part_search search = {.start = start, .end = end, .parts = ret};
	_cleanup_free_ uint8_t *code = NULL;
	uint64_t offset, bytes;
	Elf *mapped;

	assert(start <= end);
	if (end - start > FUNCTION_BYTES_MAX ||
	    elf_file_find_vaddr(file, start, &offset, &bytes) < 0 || bytes < end - start)
		return 0;
	code = malloc(end - start);
	if (!code || elf_file_read(file, offset, end - start, code) < 0)
		return 0;
	mapped = eh_frame_is_plain(file) ? NULL : elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	search_elf(&search, file, mapped ?: file->handle, code);
	elf_end(mapped);
	free(search.entries);
	return search.n_parts;
}
