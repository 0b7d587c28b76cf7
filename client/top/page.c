/* SPDX-License-Identifier: MIT */
#include "client/top/page.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/base/text.h"
#include "client/top/header.h"
#include "client/top/table.h"

#define KEYS_USUAL "q quit  s t n sort  / filter  p pause  u unpause  b by  k kind  "

#define DETAIL_ROWS 12 /* a page of at least this height has a line for the whole name */

static const char *const help[] = {
	"q             quit",
	"s t n         sort by self, total, name (left, right: previous, next)",
	"up down PgUp PgDn Home End   move; the line below has the whole name",
	"/             filter: a regular expression; Enter applies it, Esc cancels",
	"p             pause all of your targets",
	"u             unpause: resume your previous targets",
	"b             next grouping of rows: function, module, process, thread",
	"k             next kind of frames: all, Python only, native only",
	"+ -           show the last 1, 5, 15, 60 seconds, or all since this count began",
	"space         freeze what is shown; counting goes on",
	"h ?           this help",
	"",
	"SELF: the function itself ran. TOTAL: it or a function that it called ran.",
	"Percentages are of all samples in the span, also those that the filter hides.",
};

struct page_layout {
	size_t details; /* lines of the header below the first */
	size_t room;    /* rows of the table */
	bool has_name;
};

/* Shares the rows out: first to the first line, the title and the last line, then to three rows of
 * the table, then to the header, and the rest to the table. */
static struct page_layout find_layout(size_t rows)
{
	size_t left = rows > 3 ? rows - 3 : 0;
	struct page_layout layout = {.has_name = rows >= DETAIL_ROWS};

	left -= layout.has_name;
	layout.details = left > 3 ? left - 3 : 0;
	if (layout.details > TOP_HEADER_MAX)
		layout.details = TOP_HEADER_MAX;
	layout.room = left - layout.details;
	return layout;
}

size_t top_page_room(size_t rows)
{
	return find_layout(rows).room;
}

/* Puts the cleaned text into a line of the page, if the page has that line, and frees the text.
 * Returns 0 or -ENOMEM, also where the text is NULL. */
static int put(struct top_page *page, size_t line, enum top_style style, char *text)
{
	_cleanup_free_ char *taken = text;
	char *clean = taken ? text_clean_copy(taken) : NULL;

	if (!clean)
		return -ENOMEM;
	if (line >= page->rows) {
		free(clean);
		return 0;
	}
	free(page->lines[line].text);
	page->lines[line] = (struct top_page_line){clean, style};
	return 0;
}

static int put_header(struct top_page *page, const struct top_picture *picture,
		      const struct top_view *view, const struct page_layout *layout)
{
	int r = put(page, 0, top_header_is_running(picture) ? TOP_STYLE_GOOD : TOP_STYLE_BAD,
		    top_header_state(picture, view, layout->details < 2));

	if (r < 0)
		return r;
	for (size_t i = 0; i < layout->details; i++) {
		r = put(page, i + 1, TOP_STYLE_PLAIN, top_header_line(picture, i));
		if (r < 0)
			return r;
	}
	return 0;
}

static enum top_style style_of_kind(const char *kind)
{
	return !strcmp(kind, "python")   ? TOP_STYLE_PYTHON
	       : !strcmp(kind, "kernel") ? TOP_STYLE_KERNEL
					 : TOP_STYLE_PLAIN;
}

static const char *explain_nothing(const struct top_picture *picture)
{
	if (!picture->status)
		return "";
	if (!top_header_is_running(picture))
		return "Nothing is sampled. Press u to resume the previous targets, or run: "
		       "oxprofctl unpause --pid=N";
	if (picture->sum->samples && picture->filter)
		return "No name matches the filter.";
	return "No samples in this span.";
}

static int put_table(struct top_page *page, const struct top_picture *picture,
		     const struct top_view *view, const struct page_layout *layout)
{
	const struct top_sum *sum = picture->sum;
	size_t line = layout->details + 1;
	int r = put(page, line++, TOP_STYLE_TITLE, top_table_title(picture->by, page->columns));

	if (r < 0)
		return r;
	if (sum->n == 0 && layout->room)
		return put(page, line, TOP_STYLE_PLAIN, strdup(explain_nothing(picture)));
	for (size_t i = view->first; i < sum->n && i < view->first + layout->room; i++) {
		const struct top_row *row = &sum->rows[i];

		r = put(page, line++,
			i == view->at ? TOP_STYLE_SELECTED : style_of_kind(row->name->kind),
			top_table_row(picture->by, row, sum->samples, page->columns));
		if (r < 0)
			return r;
	}
	return 0;
}

static int put_help(struct top_page *page, const struct page_layout *layout)
{
	/* The line for the name is free while there is no table. */
	size_t line = layout->details + 1, room = layout->room + layout->has_name;
	int r = put(page, line++, TOP_STYLE_TITLE, strdup("KEYS"));

	if (r < 0)
		return r;
	for (size_t i = 0; i < array_length(help) && i < room; i++) {
		r = put(page, line++, TOP_STYLE_PLAIN, strdup(help[i]));
		if (r < 0)
			return r;
	}
	return 0;
}

/* Returns "name  file:line" of the selected row, which the caller frees; NULL: no memory. */
static char *describe_selected(const struct top_sum *sum, const struct top_view *view,
			       size_t columns)
{
	const struct top_name *name = sum->rows[view->at].name;
	_cleanup_free_ char *whole = NULL, *clean = NULL;
	char number[24] = "";

	assert(view->at < sum->n);
	if (name->line)
		snprintf(number, sizeof(number), ":%" PRIu64, name->line);
	if (asprintf(&whole, "%s%s%s%s", name->name, *name->file ? "  " : "", name->file,
		     *name->file ? number : "") < 0) {
		whole = NULL;
		return NULL;
	}
	clean = text_clean_copy(whole);
	return clean ? text_cut_middle(clean, columns) : NULL;
}

static const char *choose_keys(size_t columns)
{
	static const char *const keys[] = {
		KEYS_USUAL "+ - span  space freeze  h help",
		KEYS_USUAL "h help",
		"q quit  / filter  h help",
		"q quit  h help",
	};
	size_t i = 0;

	while (i + 1 < array_length(keys) && strlen(keys[i]) > columns)
		i++;
	return keys[i];
}

static int put_filter(struct top_page *page, const struct top_view *view)
{
	static const char prompt[] = "Filter: ";
	const struct top_line *line = &view->line;
	size_t width = sizeof(prompt); /* with the cursor */
	size_t first = top_line_find_first(line, page->columns > width ? page->columns - width : 0);
	_cleanup_free_ char *shown = top_line_get(line, first);
	char *text;

	if (!shown || asprintf(&text, "%s%s", prompt, shown) < 0)
		return -ENOMEM;
	page->cursor = (long)(strlen(prompt) + top_line_width(line, first));
	return put(page, page->rows - 1, TOP_STYLE_PLAIN, text);
}

/* Puts the message into the last line, and its beginning into the line above where it is wider. */
static int put_message(struct top_page *page, const char *message, const struct page_layout *layout)
{
	_cleanup_free_ char *text = text_clean_copy(message);
	size_t length, at;

	if (!text)
		return -ENOMEM;
	length = at = strlen(text);
	if (layout->has_name && text_width(text) > page->columns) {
		at = page->columns < length ? page->columns : length;
		while (at > 0 && text[at] != ' ')
			at--;
	}
	if (at == 0 || at == length)
		return put(page, page->rows - 1, TOP_STYLE_BAD, take_ptr(text));
	text[at] = '\0';
	if (put(page, page->rows - 2, TOP_STYLE_BAD, strdup(text)) < 0)
		return -ENOMEM;
	return put(page, page->rows - 1, TOP_STYLE_BAD, strdup(text + at + 1));
}

static int put_foot(struct top_page *page, const struct top_picture *picture,
		    const struct top_view *view, const struct page_layout *layout)
{
	assert(page->rows > 0);
	if (view->mode == TOP_MODE_FILTER)
		return put_filter(page, view);
	if (view->message)
		return put_message(page, view->message, layout);
	if (*picture->problem)
		return put_message(page, picture->problem, layout);
	return put(page, page->rows - 1, TOP_STYLE_FOOT, strdup(choose_keys(page->columns)));
}

/* Puts all lines of a page that has at least one. Returns 0 or -ENOMEM. */
static int put_all(struct top_page *page, const struct top_picture *picture,
		   const struct top_view *view, const struct page_layout *layout)
{
	int r = put_header(page, picture, view, layout);

	if (r < 0)
		return r;
	r = view->mode == TOP_MODE_HELP ? put_help(page, layout)
					: put_table(page, picture, view, layout);
	if (r < 0)
		return r;
	if (layout->has_name && picture->sum->n && view->mode != TOP_MODE_HELP) {
		r = put(page, page->rows - 2, TOP_STYLE_PLAIN,
			describe_selected(picture->sum, view, page->columns));
		if (r < 0)
			return r;
	}
	return put_foot(page, picture, view, layout);
}

int top_page_make(const struct top_picture *picture, struct top_view *view, size_t rows,
		  size_t columns, struct top_page *ret)
{
	_cleanup_(top_page_done) struct top_page page = {
		.lines = calloc(rows + 1, sizeof(*page.lines)),
		.rows = rows,
		.columns = columns,
		.cursor = -1,
	};
	struct page_layout layout = find_layout(rows);
	int r;

	assert(picture->sum && picture->by && picture->problem);
	if (!page.lines)
		return -ENOMEM;
	top_view_fit(view, picture->sum, layout.room);
	r = rows ? put_all(&page, picture, view, &layout) : 0;
	if (r < 0)
		return r;
	*ret = page;
	page = (struct top_page){0};
	return 0;
}

void top_page_done(struct top_page *page)
{
	for (size_t i = 0; page->lines && i < page->rows; i++)
		free(page->lines[i].text);
	free(page->lines);
	*page = (struct top_page){0};
}
