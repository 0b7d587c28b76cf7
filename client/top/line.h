/* SPDX-License-Identifier: MIT */
/* A line of text that is being typed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#define TOP_LINE_MAX 1000 /* characters */

struct top_line {
	wchar_t text[TOP_LINE_MAX + 1];
	size_t n;
	size_t at; /* of the cursor */
};

/* Begins with the text (UTF-8; NULL: none), cursor behind it. What is no character is left out. */
void top_line_set(struct top_line *line, const char *text);
/* What cannot be shown, and what no longer fits, is not taken. */
void top_line_insert(struct top_line *line, wchar_t character);
void top_line_erase(struct top_line *line, bool before); /* before the cursor, or at it */
void top_line_clear(struct top_line *line);
void top_line_move(struct top_line *line, long by);
/* From that character on, in UTF-8; the caller frees. NULL: no memory. */
char *top_line_get(const struct top_line *line, size_t first);
/* Columns of a terminal from there to the cursor. */
size_t top_line_width(const struct top_line *line, size_t first);
/* Where to begin so that the cursor is not further away than that. */
size_t top_line_find_first(const struct top_line *line, size_t width);
