/* SPDX-License-Identifier: MIT */
#include "client/base/grid.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "client/base/text.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

#define GAP            2 /* between two columns */
#define FLEXIBLE_LEAST 16

struct grid {
	const struct grid_column *columns;
	size_t n_columns;
	char **cells;
	size_t n_cells;
	size_t capacity;
	bool failed;
};

struct grid *grid_new(const struct grid_column *columns, size_t n)
{
	struct grid *grid = calloc(1, sizeof(*grid));

	assert(n > 0);
	if (grid) {
		grid->columns = columns;
		grid->n_columns = n;
	}
	return grid;
}

struct grid *grid_free(struct grid *grid)
{
	if (grid) {
		for (size_t i = 0; i < grid->n_cells; i++)
			free(grid->cells[i]);
		free(grid->cells);
		free(grid);
	}
	return NULL;
}

void grid_add(struct grid *grid, const char *text)
{
	char *copy = text_clean_copy(text);

	if (!copy || array_reserve(grid->cells, grid->capacity, grid->n_cells + 1) < 0) {
		free(copy);
		grid->failed = true;
		return;
	}
	grid->cells[grid->n_cells++] = copy;
}

void grid_add_format(struct grid *grid, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list list;

	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		text = NULL;
	va_end(list);
	if (text)
		grid_add(grid, text);
	else
		grid->failed = true;
}

static void measure(const struct grid *grid, size_t *widths)
{
	for (size_t i = 0; i < grid->n_columns; i++)
		widths[i] = text_width(grid->columns[i].title);
	for (size_t i = 0; i < grid->n_cells; i++) {
		size_t width = text_width(grid->cells[i]);

		if (width > widths[i % grid->n_columns])
			widths[i % grid->n_columns] = width;
	}
}

/* Narrows the flexible columns until a row fits into the limit, but none below FLEXIBLE_LEAST. */
static void fit(const struct grid *grid, size_t *widths, size_t limit)
{
	size_t total = GAP * (grid->n_columns - 1);

	for (size_t i = 0; i < grid->n_columns; i++)
		total += widths[i];
	for (size_t i = 0; i < grid->n_columns && total > limit; i++) {
		size_t surplus = total - limit;

		if (!grid->columns[i].flexible || widths[i] <= FLEXIBLE_LEAST)
			continue;
		if (surplus > widths[i] - FLEXIBLE_LEAST)
			surplus = widths[i] - FLEXIBLE_LEAST;
		widths[i] -= surplus;
		total -= surplus;
	}
}

static void print_spaces(size_t n, FILE *out)
{
	fprintf(out, "%*s", (int)n, "");
}

static int print_cell(const struct grid_column *column, const char *text, size_t width, bool last,
		      FILE *out)
{
	_cleanup_free_ char *cut = NULL;
	size_t used = text_width(text);

	if (used > width) {
		cut = text_cut_middle(text, width);
		if (!cut)
			return -ENOMEM;
		text = cut;
		used = text_width(cut);
	}
	assert(used <= width);
	if (column->right)
		print_spaces(width - used, out);
	fputs(text, out);
	if (!last)
		print_spaces((column->right ? 0 : width - used) + GAP, out);
	return 0;
}

static int print_row(const struct grid *grid, char *const *cells, const size_t *widths, FILE *out)
{
	for (size_t i = 0; i < grid->n_columns; i++) {
		int r = print_cell(&grid->columns[i], cells ? cells[i] : grid->columns[i].title,
				   widths[i], i + 1 == grid->n_columns, out);

		if (r < 0)
			return r;
	}
	return 0;
}

int grid_print(const struct grid *grid, const struct screen *screen, FILE *out)
{
	_cleanup_free_ size_t *widths = calloc(grid->n_columns, sizeof(*widths));
	int r;

	if (grid->failed || !widths)
		return -ENOMEM;
	/* Every row is complete. */
	assert(grid->n_cells % grid->n_columns == 0);
	measure(grid, widths);
	if (screen->columns > 0)
		fit(grid, widths, screen->columns);
	fputs(screen_style(screen, STYLE_HEADER), out);
	r = print_row(grid, NULL, widths, out);
	fprintf(out, "%s\n", screen_style(screen, STYLE_OFF));
	if (r < 0)
		return r;
	for (size_t i = 0; i < grid->n_cells; i += grid->n_columns) {
		r = print_row(grid, grid->cells + i, widths, out);
		if (r < 0)
			return r;
		fputc('\n', out);
	}
	return 0;
}
