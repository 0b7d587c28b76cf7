/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/dwarf/eh_rows.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "daemon/symbolizer/dwarf/eh_frame.h"
#include "daemon/symbolizer/dwarf/eh_rule.h"

#define ADDRESS_MAX UINT64_C(0xffffffff)

/* A range of code and its rule, as libdw has it. Spans are in no order and may overlap. */
struct span {
	uint32_t start;
	uint32_t end;
	uint32_t rule;
};

struct eh_rows {
	struct table *rules; /* the keys are struct ox_rule; index 0 is the gap, 1 is bad */
	struct ox_rule *rule_list;
	struct span *spans;
	size_t n_spans, spans_size;
	struct symbolizer_row *rows;
	size_t n_rows;
	struct ox_rule last; /* the rule found last: most rows repeat one */
	uint32_t last_index;
};

#define RULE_GAP 0u
#define RULE_BAD 1u

define_cleanup(struct eh_rows *, eh_rows_free);

struct eh_rows *eh_rows_free(struct eh_rows *rows)
{
	if (!rows)
		return NULL;
	table_free(rows->rules);
	free(rows->rule_list);
	free(rows->spans);
	free(rows->rows);
	free(rows);
	return NULL;
}

/* Finds the index of a rule; one that there is no room for becomes RULE_BAD. */
static int find_rule(struct eh_rows *rows, const struct ox_rule *rule, uint32_t *ret)
{
	int r;

	if (memcmp(rule, &rows->last, sizeof(*rule)) == 0 && table_count(rows->rules)) {
		*ret = rows->last_index;
		return 0;
	}
	if (table_count(rows->rules) < OX_RULES_MAX) {
		r = table_intern(rows->rules, rule, sizeof(*rule), ret);
		if (r < 0)
			return r;
	} else if (table_find(rows->rules, rule, sizeof(*rule), ret) < 0) {
		*ret = RULE_BAD;
	}
	rows->last = *rule;
	rows->last_index = *ret;
	return 0;
}

static struct eh_rows *new_rows(void)
{
	static const struct ox_rule gap = {.kind = OX_RULE_GAP}, bad = {.kind = OX_RULE_BAD};
	_cleanup_(eh_rows_free_p) struct eh_rows *rows = calloc(1, sizeof(*rows));
	uint32_t index;

	if (!rows)
		return NULL;
	rows->rules = table_new();
	if (!rows->rules || find_rule(rows, &gap, &index) < 0 || find_rule(rows, &bad, &index) < 0)
		return NULL;
	assert(index == RULE_BAD);
	return take_ptr(rows);
}

static int add_span(struct eh_rows *rows, uint64_t start, uint64_t end, const struct ox_rule *rule)
{
	struct span *span;
	uint32_t index;
	int r;

	assert(start < end && end <= ADDRESS_MAX);
	r = find_rule(rows, rule, &index);
	if (r < 0)
		return r;
	span = rows->n_spans ? &rows->spans[rows->n_spans - 1] : NULL;
	if (span && span->end == start && span->rule == index) {
		span->end = end;
		return 0;
	}
	if (rows->n_spans >= SYMBOLIZER_ROWS_MAX)
		return -EFBIG;
	r = array_reserve(rows->spans, rows->spans_size, rows->n_spans + 1);
	if (r < 0)
		return r;
	rows->spans[rows->n_spans++] = (struct span){start, end, index};
	return 0;
}

/* Adds the range of one FDE. Where libdw refuses it, its rest is bad: a guess by frame pointer
 * would be wrong. */
static int add_range(struct eh_rows *rows, Dwarf_CFI *cfi, uint64_t start, uint64_t end)
{
	int r;

	for (uint64_t at = start; at < end;) {
		struct ox_rule rule = {.kind = OX_RULE_BAD};
		Dwarf_Addr row_end = end;
		_cleanup_free_ Dwarf_Frame *frame = NULL;

		if (dwarf_cfi_addrframe(cfi, at, &frame) == 0) {
			if (dwarf_frame_info(frame, NULL, &row_end, NULL) < 0 || row_end <= at ||
			    row_end > end)
				row_end = end;
			eh_rule_read(frame, &rule);
		} else {
			frame = NULL;
		}
		r = add_span(rows, at, row_end, &rule);
		if (r < 0)
			return r;
		at = row_end;
	}
	return 0;
}

/* Cuts the range to the code that the kernel would map, below 4 GiB. Returns false if nothing is
 * left: linkers leave entries for functions that they threw away. */
static bool clip_range(const struct elf_file *file, uint64_t *start, uint64_t *end)
{
	for (size_t i = 0; i < file->n_segments; i++) {
		const Elf64_Phdr *segment = &file->segments[i];
		uint64_t last;

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) ||
		    *start < segment->p_vaddr || *start - segment->p_vaddr >= segment->p_filesz ||
		    __builtin_add_overflow(segment->p_vaddr, segment->p_filesz, &last))
			continue;
		*end = *end < last ? *end : last;
		*end = *end < ADDRESS_MAX ? *end : ADDRESS_MAX;
		return *start < *end;
	}
	return false;
}

static int add_ranges(struct eh_rows *rows, const struct elf_file *file, struct eh_frame *eh,
		      Dwarf_CFI *cfi)
{
	uint64_t start, end;

	while (eh_frame_next(eh, &start, &end) > 0) {
		int r = clip_range(file, &start, &end) ? add_range(rows, cfi, start, end) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_spans(struct eh_rows *rows, const struct elf_file *file, Elf *elf)
{
	struct eh_frame eh;
	Dwarf_CFI *cfi;
	int r;

	r = eh_frame_open(&eh, file, elf);
	if (r < 0)
		return r;
	cfi = dwarf_getcfi_elf(elf);
	if (!cfi)
		return -ENODATA;
	r = add_ranges(rows, file, &eh, cfi);
	dwarf_cfi_end(cfi);
	return r;
}

static int compare_spans(const void *a, const void *b)
{
	const struct span *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return (left->end > right->end) - (left->end < right->end);
}

static void add_row(struct eh_rows *rows, uint32_t address, uint32_t rule)
{
	struct symbolizer_row *last = rows->n_rows ? &rows->rows[rows->n_rows - 1] : NULL;

	assert(!last || last->address <= address);
	if (last && last->address == address) {
		last->rule = rule;
		if (rows->n_rows > 1 && last[-1].rule == rule)
			rows->n_rows--;
	} else if (last ? last->rule != rule : rule != RULE_GAP) {
		rows->rows[rows->n_rows++] = (struct symbolizer_row){address, rule};
	}
}

/* Sorts the spans and makes rows of them. Of overlapping spans, the one with the later start holds
 * up to its end, and what the earlier one has beyond that counts as a gap. */
static int make_rows(struct eh_rows *rows)
{
	if (rows->n_spans == 0)
		return -ENODATA;
	rows->rows = calloc(2 * rows->n_spans + 1, sizeof(*rows->rows));
	if (!rows->rows)
		return -ENOMEM;
	qsort(rows->spans, rows->n_spans, sizeof(*rows->spans), compare_spans);
	for (size_t i = 0; i < rows->n_spans; i++) {
		const struct span *span = &rows->spans[i];

		add_row(rows, span->start, span->rule);
		if (i + 1 == rows->n_spans || span->end < span[1].start)
			add_row(rows, span->end, RULE_GAP);
	}
	assert(rows->n_rows > 0 && rows->rows[rows->n_rows - 1].rule == RULE_GAP);
	if (rows->n_rows > SYMBOLIZER_ROWS_MAX)
		return -EFBIG;
	return 0;
}

static int list_rules(struct eh_rows *rows)
{
	rows->rule_list = calloc(table_count(rows->rules), sizeof(*rows->rule_list));
	if (!rows->rule_list)
		return -ENOMEM;
	for (uint32_t i = 0; i < table_count(rows->rules); i++)
		memcpy(&rows->rule_list[i], table_get_key(rows->rules, i, NULL),
		       sizeof(*rows->rule_list));
	return 0;
}

/* Reads the file by copying, so that a file that is cut short meanwhile kills nobody, and a
 * large one costs no more than its .eh_frame. Only where libdw would copy all of the file, it is
 * mapped. */
static int read_elf(struct eh_rows *rows, const struct elf_file *file)
{
	Elf *mapped = eh_frame_is_plain(file) ? NULL : elf_begin(file->fd, ELF_C_READ_MMAP, NULL);
	int r = read_spans(rows, file, mapped ?: file->handle);

	elf_end(mapped);
	if (r < 0)
		return r;
	r = make_rows(rows);
	return r < 0 ? r : list_rules(rows);
}

int eh_rows_read(int fd, struct eh_rows **ret)
{
	_cleanup_(eh_rows_free_p) struct eh_rows *rows = new_rows();
	struct elf_file file;
	int r;

	if (!rows)
		return -ENOMEM;
	r = elf_file_open(&file, fd);
	if (r < 0)
		return r;
	r = read_elf(rows, &file);
	elf_file_done(&file);
	if (r < 0)
		return r;
	*ret = take_ptr(rows);
	return 0;
}

void eh_rows_get(const struct eh_rows *rows, struct symbolizer_table *ret)
{
	*ret = (struct symbolizer_table){
		.rules = rows->rule_list,
		.n_rules = table_count(rows->rules),
		.rows = rows->rows,
		.n_rows = rows->n_rows,
	};
}
