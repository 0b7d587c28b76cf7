/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/dwarf/lines.h"

#include <assert.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/dwarf/file.h"

#define LOOK_BACK       16
#define FORM_RANGES_MAX 65536 /* ranges of one entry */

struct entry_range {
	uint64_t start;
	uint64_t end;
	Dwarf_Off entry; /* the entry that has the range */
};

/* Ranges sorted by start. They may overlap: of those that hold an address, the nearest before it
 * counts. */
struct index {
	struct entry_range *ranges;
	size_t n;
	size_t size;
};

/* The functions of a unit, which are read when the first address in it is looked up. */
struct unit {
	Dwarf_Off entry;
	bool is_read;
	struct index functions;
};

struct dwarf_lines {
	Dwarf *dwarf;
	Dwarf *alt;
	struct index units; /* the entry of a range is an index in unit */
	struct unit *unit;
	size_t n_units;
	size_t units_size;
	size_t n_ranges; /* of all indexes */
	uint64_t visits;
};

static void index_done(struct index *index)
{
	free(index->ranges);
}

struct dwarf_lines *dwarf_lines_free(struct dwarf_lines *lines)
{
	if (!lines)
		return NULL;
	for (size_t i = 0; i < lines->n_units; i++)
		index_done(&lines->unit[i].functions);
	free(lines->unit);
	index_done(&lines->units);
	dwarf_file_close(lines->dwarf, lines->alt);
	free(lines);
	return NULL;
}

define_cleanup(struct dwarf_lines *, dwarf_lines_free);

void dwarf_lines_renew(struct dwarf_lines *lines)
{
	lines->visits = 0;
}

/* Counts the visit of an entry. Returns false if there were too many. */
static bool visit(struct dwarf_lines *lines)
{
	return lines->visits++ < LINES_VISITS_MAX;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct entry_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end > y->end ? -1 : x->end < y->end; /* so that an inner range is nearer */
}

static void index_sort(struct index *index)
{
	if (index->n > 0)
		qsort(index->ranges, index->n, sizeof(*index->ranges), compare_ranges);
}

static const struct entry_range *index_find(const struct index *index, uint64_t address)
{
	size_t n = array_upper_bound(index->ranges, index->n, .start, address);

	for (size_t i = 0; i < LOOK_BACK && i < n; i++)
		if (address < index->ranges[n - 1 - i].end)
			return &index->ranges[n - 1 - i];
	return NULL;
}

/* Adds the ranges of an entry of the file. Those beyond the bounds, or damaged, are left out. A
 * range at 0 is that of a function that the linker threw away. */
static int add_ranges(struct dwarf_lines *lines, struct index *index, Dwarf_Die *die,
		      Dwarf_Off entry)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t offset = 0;

	for (size_t i = 0; i < FORM_RANGES_MAX; i++) {
		offset = dwarf_ranges(die, offset, &base, &start, &end);
		if (offset <= 0)
			return 0;
		if (start == 0 || end <= start || lines->n_ranges >= LINES_RANGES_MAX)
			continue;
		if (array_reserve(index->ranges, index->size, index->n + 1) < 0)
			return -ENOMEM;
		index->ranges[index->n++] = (struct entry_range){start, end, entry};
		lines->n_ranges++;
	}
	return 0;
}

static int add_unit(struct dwarf_lines *lines, Dwarf_Die *die)
{
	int r;

	if (lines->n_units >= LINES_UNITS_MAX)
		return 0;
	r = array_reserve(lines->unit, lines->units_size, lines->n_units + 1);
	if (r < 0)
		return r;
	lines->unit[lines->n_units] = (struct unit){.entry = dwarf_dieoffset(die)};
	return add_ranges(lines, &lines->units, die, lines->n_units++);
}

/* Reads the ranges of all units. They are not taken from .debug_aranges, which is often left out,
 * or has some units only. */
static int read_units(struct dwarf_lines *lines)
{
	Dwarf_Off offset = 0, next;
	size_t header;

	for (; visit(lines); offset = next) {
		Dwarf_Die die;

		if (dwarf_nextcu(lines->dwarf, offset, &next, &header, NULL, NULL, NULL) != 0 ||
		    next <= offset)
			break;
		if (dwarf_offdie(lines->dwarf, offset + header, &die) &&
		    dwarf_tag(&die) == DW_TAG_compile_unit && add_unit(lines, &die) < 0)
			return -ENOMEM;
	}
	index_sort(&lines->units);
	return 0;
}

/* True if functions stand in such an entry: besides in the unit itself, they stand in namespaces
 * and types (Rust, C++ by clang). */
static bool may_hold_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_module || tag == DW_TAG_enumeration_type ||
	       tag == DW_TAG_union_type;
}

static int add_functions(struct dwarf_lines *lines, struct unit *unit, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (depth >= LINES_DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return 0;
	do {
		int tag = dwarf_tag(&die), r = 0;

		if (!visit(lines))
			return 0;
		if (tag == DW_TAG_subprogram)
			r = add_ranges(lines, &unit->functions, &die, dwarf_dieoffset(&die));
		else if (may_hold_functions(tag))
			r = add_functions(lines, unit, &die, depth + 1);
		if (r < 0)
			return r;
	} while (dwarf_siblingof(&die, &die) == 0);
	return 0;
}

/* Finds the unit of an address, and its entry, and reads its functions. Returns NULL if there is
 * none. */
static struct unit *find_unit(struct dwarf_lines *lines, uint64_t vaddr, Dwarf_Die *ret)
{
	const struct entry_range *range = index_find(&lines->units, vaddr);
	struct unit *unit = range ? &lines->unit[range->entry] : NULL;

	assert(!range || range->entry < lines->n_units);
	if (!unit || !dwarf_offdie(lines->dwarf, unit->entry, ret))
		return NULL;
	if (!unit->is_read) {
		unit->is_read = true;
		(void)add_functions(lines, unit, ret, 0); /* without memory some are missing */
		index_sort(&unit->functions);
	}
	return unit;
}

/* Finds the block or inlined function, directly within this one, that holds the address. */
static bool find_inner(struct dwarf_lines *lines, Dwarf_Die *parent, uint64_t vaddr, Dwarf_Die *ret)
{
	Dwarf_Die die;

	if (dwarf_child(parent, &die) != 0)
		return false;
	do {
		int tag = dwarf_tag(&die);

		if (!visit(lines))
			return false;
		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
		     tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
		    dwarf_haspc(&die, vaddr) > 0) {
			*ret = die;
			return true;
		}
	} while (dwarf_siblingof(&die, &die) == 0);
	return false;
}

static const char *find_name(Dwarf_Die *die)
{
	static const unsigned int names[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name,
					     DW_AT_name};

	for (size_t i = 0; i < array_length(names); i++) {
		Dwarf_Attribute attribute;
		const char *name =
			dwarf_formstring(dwarf_attr_integrate(die, names[i], &attribute));

		if (name && name[0])
			return name;
	}
	return NULL;
}

static bool find_number(Dwarf_Die *die, unsigned int name, Dwarf_Word *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_attr(die, name, &attribute) && dwarf_formudata(&attribute, ret) == 0;
}

/* Finds where an inlined function was called: a line in the function around it. */
static void find_call(Dwarf_Die *unit, Dwarf_Die *inlined, struct dwarf_lines_frame *caller)
{
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t n_files;

	if (find_number(inlined, DW_AT_call_line, &line) && line <= UINT32_MAX)
		caller->line = line;
	if (find_number(inlined, DW_AT_call_file, &file) &&
	    dwarf_getsrcfiles(unit, &files, &n_files) == 0 && file < n_files)
		caller->file = dwarf_filesrc(files, file, NULL, NULL);
}

static void find_line(Dwarf_Die *unit, uint64_t vaddr, struct dwarf_lines_frame *frame)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, vaddr);
	int number;

	if (!line)
		return;
	frame->file = dwarf_linesrc(line, NULL, NULL);
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		frame->line = number;
}

size_t dwarf_lines_find(struct dwarf_lines *lines, uint64_t vaddr, size_t max,
			struct dwarf_lines_frame *ret)
{
	Dwarf_Die unit_die, die;
	struct unit *unit = find_unit(lines, vaddr, &unit_die);
	const struct entry_range *function;
	size_t n = 0;

	assert(max > 0);
	if (!unit)
		return 0;
	memset(ret, 0, max * sizeof(*ret));
	function = index_find(&unit->functions, vaddr);
	if (function && dwarf_offdie(lines->dwarf, function->entry, &die)) {
		ret[n++].function = find_name(&die);
		for (int i = 0; i < LINES_DEPTH_MAX && find_inner(lines, &die, vaddr, &die); i++) {
			if (dwarf_tag(&die) != DW_TAG_inlined_subroutine)
				continue;
			find_call(&unit_die, &die, &ret[n - 1]);
			if (n == max)
				return n;
			ret[n++].function = find_name(&die);
		}
	}
	n = n ? n : 1;
	find_line(&unit_die, vaddr, &ret[n - 1]);
	return ret[0].function || ret[0].line ? n : 0;
}

size_t dwarf_lines_bytes(const struct dwarf_lines *lines)
{
	return sizeof(*lines) + lines->units_size * sizeof(*lines->unit) +
	       lines->n_ranges * sizeof(struct entry_range);
}

int dwarf_lines_open(int fd, int alt, struct dwarf_lines **ret)
{
	_cleanup_(dwarf_lines_free_p) struct dwarf_lines *lines = calloc(1, sizeof(*lines));
	int r;

	if (!lines)
		return -ENOMEM;
	r = dwarf_file_open(fd, alt, &lines->dwarf, &lines->alt);
	if (r < 0)
		return r;
	r = read_units(lines);
	if (r < 0)
		return r;
	*ret = take_ptr(lines);
	return 0;
}
