/* SPDX-License-Identifier: MIT */
/* Edits a line of text while the user types. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#define TOP_LINE_MAX 1000 /* characters */

struct top_line {
	wchar_t text[TOP_LINE_MAX + 1];
	size_t n;
	size_t at; /* index of the cursor, 0 to n */
};

/* Replaces the line by the text (UTF-8; NULL: none) and puts the cursor at its end. Leaves out
 * bytes that are no character. */
void top_line_set(struct top_line *line, const char *text);
/* Inserts a character at the cursor, unless it is not printable or the line is full. */
void top_line_insert(struct top_line *line, wchar_t character);
void top_line_erase(struct top_line *line, bool before); /* before the cursor, or at it */
void top_line_clear(struct top_line *line);
void top_line_move(struct top_line *line, long by);
/* Returns the text from character `first` on in UTF-8, which the caller frees; NULL: no memory. */
char *top_line_get(const struct top_line *line, size_t first);
/* Returns the width in columns from character `first` to the cursor. */
size_t top_line_width(const struct top_line *line, size_t first);
/* Returns the first character to show so that the cursor is at most `width` columns behind it. */
size_t top_line_find_first(const struct top_line *line, size_t width);
