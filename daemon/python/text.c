/* SPDX-License-Identifier: MIT */
#include "daemon/python/text.h"

#include <assert.h>
#include <string.h>

#include "daemon/base/text.h"

#define REPLACEMENT 0xfffdu
#define CUT         "..."
#define CUT_BYTES   (sizeof(CUT) - 1)

static uint32_t read_point(const uint8_t *data, unsigned width)
{
	uint32_t point = 0;

	for (unsigned i = 0; i < width; i++)
		point |= (uint32_t)data[i] << 8 * i;
	if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return REPLACEMENT;
	return point;
}

/* Returns the length, at most 4. */
static size_t write_point(uint32_t point, char *ret)
{
	size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	static const unsigned heads[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i > 0; i--, point >>= 6)
		ret[i] = (char)(0x80 | (point & 0x3f));
	ret[0] = (char)(heads[n] | point);
	return n;
}

size_t python_text_decode(const void *data, size_t n_bytes, unsigned width, char *ret, size_t size)
{
	size_t written = 0, cut = 0, n = 0;

	assert(size > CUT_BYTES && (data || !n_bytes));
	if (width == 1 || width == 2 || width == 4)
		n = n_bytes / width;
	for (size_t i = 0; i < n; i++) {
		char raw[4], clean[8];
		size_t length =
			write_point(read_point((const uint8_t *)data + i * width, width), raw);

		length = text_clean(raw, length, clean, sizeof(clean));
		if (length > size - 1 - written) {
			memcpy(ret + cut, CUT, CUT_BYTES);
			written = cut + CUT_BYTES;
			break;
		}
		memcpy(ret + written, clean, length);
		written += length;
		if (written + CUT_BYTES < size)
			cut = written;
	}
	ret[written] = '\0';
	return written;
}
