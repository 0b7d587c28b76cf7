/* SPDX-License-Identifier: MIT */
/* The screen as lines of text, for a terminal of any size; screen.h shows them. */
#pragma once

#include "client/top/view.h"

enum top_style {
	TOP_STYLE_PLAIN,
	TOP_STYLE_GOOD,
	TOP_STYLE_BAD,
	TOP_STYLE_TITLE,
	TOP_STYLE_SELECTED,
	TOP_STYLE_PYTHON,
	TOP_STYLE_KERNEL,
	TOP_STYLE_FOOT,
	N_TOP_STYLES,
};

struct top_page_line {
	char *text; /* clean; top_screen_show() cuts text that is too wide. NULL: empty */
	enum top_style style;
};

struct top_page {
	struct top_page_line *lines;
	size_t rows;
	size_t columns;
	long cursor; /* column in the last line; below 0: none */
};

/* The content of a page, borrowed. */
struct top_picture {
	const struct top_sum *sum;
	struct json_object *status; /* NULL: not known */
	double daemon_share;        /* below 0: not known */
	bool restricted;
	const char *by;
	const char *kind;    /* NULL: all */
	const char *filter;  /* NULL: none */
	const char *problem; /* "": none */
};

/* Fits the view to the page and fills *ret, which the caller ends with top_page_done(). Returns 0
 * or -ENOMEM. */
int top_page_make(const struct top_picture *picture, struct top_view *view, size_t rows,
		  size_t columns, struct top_page *ret);
void top_page_done(struct top_page *page);
/* Returns how many rows of the table fit on a page of that height. */
size_t top_page_room(size_t rows);
