/* SPDX-License-Identifier: MIT */
#include "daemon/python/lines.h"

#include <assert.h>
#include <stdbool.h>

#include "bpf/python.h"

#define VERSION_RANGES    0x030au /* 3.10 */
#define VERSION_LOCATIONS 0x030bu /* 3.11+ */

#define RANGE_NO_LINE (-128)

/* Codes of a location, of 4 bits; 0 to 9 are short ones of the same line, 15 has no line. */
#define LOCATION_ONE_LINE   10 /* to 12: so many lines further less 10 */
#define LOCATION_NO_COLUMNS 13
#define LOCATION_LONG       14
#define LOCATION_HEAD       0x80 /* the first byte of each, and no other */

/* Searches pairs of steps: unsigned bytes of code, then signed lines. A pair holds from its address
 * on, so that the last one has no end. */
static int64_t find_in_steps(const uint8_t *table, size_t n_bytes, int64_t first_line,
			     uint32_t position)
{
	uint64_t address = 0;
	int64_t line = first_line;

	for (size_t i = 0; i + 1 < n_bytes; i += 2) {
		address += table[i];
		if (address > position)
			break;
		line += (int8_t)table[i + 1];
	}
	return line;
}

/* Searches pairs of a range's bytes of code and of how many lines it is further than the last that
 * had one. A step of many lines is made of empty ranges, which are no instructions. */
static int64_t find_in_ranges(const uint8_t *table, size_t n_bytes, int64_t first_line,
			      uint32_t position)
{
	uint64_t end = 0;
	int64_t line = first_line, shown = first_line;

	for (size_t i = 0; i + 1 < n_bytes; i += 2) {
		int8_t step = (int8_t)table[i + 1];

		if (step != RANGE_NO_LINE) {
			line += step;
			if (table[i])
				shown = line;
		}
		end += table[i];
		if (position < end)
			return shown;
	}
	return first_line;
}

/* Reads a signed number: 6 bits a byte, the lowest first, and bit 64 where it goes on; the lowest
 * bit of the whole is the sign. Returns false where it is damaged. */
static bool read_signed(const uint8_t *at, const uint8_t *end, int64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 36 && at < end && !(*at & LOCATION_HEAD); shift += 6) {
		uint8_t byte = *at++;

		value |= (uint64_t)(byte & 63) << shift;
		if (byte & 64)
			continue;
		if (value > UINT32_MAX)
			return false;
		*ret = value & 1 ? -(int64_t)(value >> 1) : (int64_t)(value >> 1);
		return true;
	}
	return false;
}

static bool read_location(const uint8_t *at, const uint8_t *end, unsigned code, int64_t *ret_step)
{
	*ret_step = 0;
	if (code == LOCATION_NO_COLUMNS || code == LOCATION_LONG)
		return read_signed(at, end, ret_step);
	if (code >= LOCATION_ONE_LINE && code < LOCATION_NO_COLUMNS)
		*ret_step = code - LOCATION_ONE_LINE;
	return true;
}

static int64_t find_in_locations(const uint8_t *table, size_t n_bytes, int64_t first_line,
				 uint32_t position)
{
	const uint8_t *at = table, *end = table + n_bytes;
	int64_t line = first_line, shown = first_line, step;
	uint64_t address = 0;

	while (at < end) {
		uint8_t head = *at++;
		unsigned code = head >> 3 & 15;

		if (!(head & LOCATION_HEAD) || !read_location(at, end, code, &step))
			break;
		line += step;
		if (line != 0)
			shown = line;
		address += 2 * ((head & 7u) + 1);
		if (position < address)
			return shown;
		while (at < end && !(*at & LOCATION_HEAD))
			at++;
	}
	return first_line;
}

uint32_t python_lines_find(uint32_t version, const uint8_t *table, size_t n_bytes,
			   int32_t first_line, uint32_t position)
{
	int64_t line;

	assert(table || !n_bytes);
	if (position == OX_PYTHON_NOT_BEGUN)
		line = first_line;
	else if (version >= VERSION_LOCATIONS)
		line = find_in_locations(table, n_bytes, first_line, position);
	else if (version == VERSION_RANGES)
		line = find_in_ranges(table, n_bytes, first_line, position);
	else
		line = find_in_steps(table, n_bytes, first_line, position);
	return line < 0 || line > INT32_MAX ? 0 : (uint32_t)line;
}
