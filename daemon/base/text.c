/* SPDX-License-Identifier: MIT */
#include "daemon/base/text.h"

#include <stdint.h>
#include <string.h>

#define REPLACEMENT    "\xef\xbf\xbd" /* U+FFFD */
#define REPLACEMENT_CP 0xfffd

/* Reads one character of valid UTF-8 at text. Returns its length, 0 where there is none. */
static size_t read_character(const unsigned char *text, size_t length, uint32_t *ret)
{
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = *text < 0x80 ? 1 : *text < 0xc2 ? 0 : *text < 0xe0 ? 2 : *text < 0xf0 ? 3 : 4;
	uint32_t point = n == 1 ? *text : *text & (0x7fu >> n);

	if (!n || n > length || *text > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (text[i] & 0x3f);
	}
	if (point < lowest[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret = point;
	return n;
}

/* True if the character is no control character, and does not move or mirror the rest of a line on
 * a terminal. */
static bool is_shown(uint32_t point)
{
	if (point < 0x20 || (point >= 0x7f && point < 0xa0))
		return false;
	return !(point >= 0x2028 && point <= 0x202e) && !(point >= 0x2066 && point <= 0x2069);
}

size_t text_clean(const char *text, size_t length, char *ret, size_t size)
{
	const unsigned char *in = (const unsigned char *)text;
	size_t written = 0;

	if (!size)
		return 0;
	for (size_t at = 0, n; at < length; at += n ? n : 1) {
		uint32_t point = REPLACEMENT_CP;
		const void *from = in + at;
		size_t bytes = n = read_character(in + at, length - at, &point);

		if (!n || !is_shown(point)) {
			from = REPLACEMENT;
			bytes = sizeof(REPLACEMENT) - 1;
		}
		if (written + bytes > size - 1)
			break;
		memcpy(ret + written, from, bytes);
		written += bytes;
	}
	ret[written] = '\0';
	return written;
}

bool text_is_clean(const char *text)
{
	const unsigned char *in = (const unsigned char *)text;
	size_t length = strlen(text), n;

	for (size_t at = 0; at < length; at += n) {
		uint32_t point;

		n = read_character(in + at, length - at, &point);
		if (!n || !is_shown(point))
			return false;
	}
	return true;
}
