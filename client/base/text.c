/* SPDX-License-Identifier: MIT */
#include "client/base/text.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"

#define ELLIPSIS "\xe2\x80\xa6"

static bool is_continuation(const char *text, size_t n)
{
	for (size_t i = 1; i <= n; i++)
		if ((text[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* Decodes one character into *ret. Returns its length, or 0 where the bytes are not UTF-8.
 * mbrtowc() would work in a UTF-8 locale only, and text has to come out the same in every
 * locale. */
static size_t read_character(const char *text, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char lead = (unsigned char)text[0];
	size_t length = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);

	if (length == 0 || lead > 0xf4 || !is_continuation(text, length - 1))
		return 0;
	for (size_t i = 1; i < length; i++)
		code = code << 6 | (text[i] & 0x3f);
	if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret = code;
	return length;
}

/* Measures one character. Returns its length, which is 1 for a byte that is no character, so that
 * callers always move on. */
static size_t measure_character(const char *text, size_t *ret_width)
{
	uint32_t code;
	size_t length = read_character(text, &code);
	int width = length > 0 ? wcwidth((wchar_t)code) : -1;

	*ret_width = width < 0 ? 1 : (size_t)width;
	return length > 0 ? length : 1;
}

bool text_is_utf8(const char *text)
{
	uint32_t code;

	while (*text) {
		size_t length = read_character(text, &code);

		if (length == 0)
			return false;
		text += length;
	}
	return true;
}

bool text_locale_is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", NULL);
	bool is_utf8 = locale && !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");

	if (locale)
		freelocale(locale);
	return is_utf8;
}

size_t text_width(const char *text)
{
	size_t total = 0, width;

	while (*text) {
		text += measure_character(text, &width);
		total += width;
	}
	return total;
}

/* Returns how many bytes at the beginning fit into width columns. */
static size_t find_head(const char *text, size_t width)
{
	size_t at = 0, used = 0, one;

	while (text[at]) {
		size_t length = measure_character(text + at, &one);

		if (used + one > width)
			break;
		used += one;
		at += length;
	}
	return at;
}

/* Returns where the longest end begins that fits into width columns. */
static size_t find_tail(const char *text, size_t width)
{
	size_t at = 0, left = text_width(text), one;

	while (left > width) {
		at += measure_character(text + at, &one);
		left -= one;
	}
	/* Characters that combine with the last one that was cut off go with it. */
	for (size_t length; text[at]; at += length) {
		length = measure_character(text + at, &one);
		if (one > 0)
			break;
	}
	return at;
}

char *text_cut_middle(const char *text, size_t width)
{
	size_t head;
	char *cut;

	if (text_width(text) <= width)
		return strdup(text);
	if (width == 0)
		return strdup("");
	head = find_head(text, width / 2);
	if (asprintf(&cut, "%.*s" ELLIPSIS "%s", (int)head, text,
		     text + find_tail(text, width - 1 - width / 2)) < 0)
		return NULL;
	return cut;
}

char *text_clean_copy(const char *text)
{
	size_t length = strlen(text);
	size_t size = 3 * length + 1; /* a bad byte becomes a character of three */
	char *copy = malloc(size);

	if (copy)
		text_clean(text, length, copy, size);
	return copy;
}

char *text_format_interval(double ns, char ret[static TEXT_NUMBER_BYTES])
{
	if (ns >= 1e9)
		snprintf(ret, TEXT_NUMBER_BYTES, "%.4gs", ns / 1e9);
	else if (ns >= 1e6)
		snprintf(ret, TEXT_NUMBER_BYTES, "%.4gms", ns / 1e6);
	else if (ns >= 1e3)
		snprintf(ret, TEXT_NUMBER_BYTES, "%.4gus", ns / 1e3);
	else
		snprintf(ret, TEXT_NUMBER_BYTES, "%.4gns", ns);
	return ret;
}

char *text_format_bytes(uint64_t bytes, char ret[static TEXT_NUMBER_BYTES])
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit < sizeof(units) - 2; unit++)
		value /= 1024;
	snprintf(ret, TEXT_NUMBER_BYTES, unit == 0 ? "%.0f%c" : "%.1f%c", value, units[unit]);
	return ret;
}
