/* SPDX-License-Identifier: MIT */
#include "client/top/line.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

void top_line_set(struct top_line *line, const char *text)
{
	mbstate_t state = {0};
	wchar_t character;
	size_t length = text ? strlen(text) : 0;

	*line = (struct top_line){0};
	while (length > 0) {
		size_t n = mbrtowc(&character, text, length, &state);

		if (n == 0 || n > length) {
			state = (mbstate_t){0};
			n = 1;
		} else {
			top_line_insert(line, character);
		}
		text += n;
		length -= n;
	}
}

void top_line_insert(struct top_line *line, wchar_t character)
{
	assert(line->at <= line->n && line->n <= TOP_LINE_MAX);
	if (line->n == TOP_LINE_MAX || !iswprint((wint_t)character))
		return;
	wmemmove(line->text + line->at + 1, line->text + line->at, line->n - line->at + 1);
	line->text[line->at++] = character;
	line->n++;
}

void top_line_erase(struct top_line *line, bool before)
{
	assert(line->at <= line->n && line->n <= TOP_LINE_MAX);
	if (before ? line->at == 0 : line->at == line->n)
		return;
	line->at -= before;
	wmemmove(line->text + line->at, line->text + line->at + 1, line->n - line->at);
	line->n--;
}

void top_line_clear(struct top_line *line)
{
	*line = (struct top_line){0};
}

void top_line_move(struct top_line *line, long by)
{
	size_t room = by < 0 ? line->at : line->n - line->at;
	size_t steps = (size_t)labs(by);

	steps = steps < room ? steps : room;
	line->at = by < 0 ? line->at - steps : line->at + steps;
	assert(line->at <= line->n);
}

char *top_line_get(const struct top_line *line, size_t first)
{
	size_t size = (line->n - first) * MB_CUR_MAX + 1;
	char *text;

	assert(first <= line->n);
	text = malloc(size);
	/* Characters that were typed or read in this locale can be written in it, too. */
	if (text && wcstombs(text, line->text + first, size) == (size_t)-1)
		text[0] = '\0';
	return text;
}

size_t top_line_width(const struct top_line *line, size_t first)
{
	size_t width = 0;

	for (size_t i = first; i < line->at; i++)
		width += wcwidth(line->text[i]) > 0 ? (size_t)wcwidth(line->text[i]) : 0;
	return width;
}

size_t top_line_find_first(const struct top_line *line, size_t width)
{
	size_t first = 0;

	while (first < line->at && top_line_width(line, first) > width)
		first++;
	return first;
}
