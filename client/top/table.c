/* SPDX-License-Identifier: MIT */
#include "client/top/table.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "client/base/text.h"

enum field { SELF, SELF_SHARE, TOTAL, TOTAL_SHARE, PID, TID, KIND, N_FIELDS };

static const struct {
	const char *title;
	int width; /* below 0: aligned to the left */
} columns_of[N_FIELDS] = {
	[SELF] = {"SELF", 7},          [SELF_SHARE] = {"SELF%", 6}, [TOTAL] = {"TOTAL", 7},
	[TOTAL_SHARE] = {"TOTAL%", 6}, [PID] = {"PID", 7},          [TID] = {"TID", 7},
	[KIND] = {"KIND", -6},
};

/* The first layout that fits is used. As in a query, a process has only one column of hits, because
 * it has no callers. */
static const struct table_layout {
	const char *by; /* NULL: all others */
	size_t columns; /* at least */
	enum field fields[N_FIELDS];
	size_t n;
} layouts[] = {
	{"process", 40, {TOTAL, TOTAL_SHARE, PID}, 3},
	{"process", 0, {TOTAL_SHARE}, 1},
	{"thread", 48, {TOTAL, TOTAL_SHARE, PID, TID}, 4},
	{"thread", 0, {TOTAL_SHARE}, 1},
	{NULL, 60, {SELF, SELF_SHARE, TOTAL, TOTAL_SHARE, KIND}, 5},
	{NULL, 30, {SELF_SHARE, TOTAL_SHARE}, 2},
	{NULL, 0, {SELF_SHARE}, 1},
};

static const struct table_layout *find_layout(const char *by, size_t columns)
{
	const struct table_layout *layout = layouts;

	while ((layout->by && strcmp(layout->by, by) != 0) || layout->columns > columns) {
		layout++;
		assert(layout < layouts + array_length(layouts));
	}
	return layout;
}

static void print_field(enum field field, const struct top_row *row, uint64_t samples, FILE *out)
{
	double all = samples ? (double)samples : 1;
	int width = columns_of[field].width;

	switch (field) {
	case SELF:
		fprintf(out, "%*" PRIu64, width, row->self);
		break;
	case SELF_SHARE:
		fprintf(out, "%*.2f", width, 100 * (double)row->self / all);
		break;
	case TOTAL:
		fprintf(out, "%*" PRIu64, width, row->total);
		break;
	case TOTAL_SHARE:
		fprintf(out, "%*.2f", width, 100 * (double)row->total / all);
		break;
	case PID:
		fprintf(out, "%*" PRIu64, width, row->name->pid);
		break;
	case TID:
		fprintf(out, "%*" PRIu64, width, row->name->tid);
		break;
	default:
		fprintf(out, "%*.6s", width, *row->name->kind ? row->name->kind : "-");
	}
	fputc(' ', out);
}

/* Joins the front, which is freed, and the name, which is cut to the rest of the line. */
static char *join(char *front, const char *name, size_t columns)
{
	_cleanup_free_ char *left = front;
	_cleanup_free_ char *clean = text_clean_copy(name);
	_cleanup_free_ char *cut = NULL;
	size_t width = left ? text_width(left) : 0;
	char *line;

	if (!left || !clean)
		return NULL;
	cut = text_cut_middle(clean, columns > width ? columns - width : 0);
	return cut && asprintf(&line, "%s%s", left, cut) >= 0 ? line : NULL;
}

/* Returns the columns before the name, or their titles where row is NULL. */
static char *format_front(const struct table_layout *layout, const struct top_row *row,
			  uint64_t samples)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < layout->n; i++)
		if (row)
			print_field(layout->fields[i], row, samples, out);
		else
			fprintf(out, "%*s ", columns_of[layout->fields[i]].width,
				columns_of[layout->fields[i]].title);
	if (fclose(out) != 0)
		free(take_ptr(text));
	return text;
}

char *top_table_title(const char *by, size_t columns)
{
	return join(format_front(find_layout(by, columns), NULL, 0), "NAME", columns);
}

char *top_table_row(const char *by, const struct top_row *row, uint64_t samples, size_t columns)
{
	return join(format_front(find_layout(by, columns), row, samples), row->name->name, columns);
}
