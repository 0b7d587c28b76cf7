/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/perf_map.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/ranges.h"

#define READ_BYTES 262144

struct perf_map_entry {
	uint64_t start;
	const char *name; /* within text */
};

struct perf_map {
	char *text;
	size_t text_bytes;
	struct perf_map_entry *entries; /* in the order of the lines */
	size_t n_entries;
	size_t entries_size;
	struct ranges *ranges; /* address -> index in entries */
};

struct perf_map *perf_map_free(struct perf_map *map)
{
	if (!map)
		return NULL;
	ranges_free(map->ranges);
	free(map->entries);
	free(map->text);
	free(map);
	return NULL;
}

define_cleanup(struct perf_map *, perf_map_free);

/* Parses a hexadecimal number; some writers put "0x" before it. Returns its end; NULL if there is
 * no number, or it has more than 64 bits. */
static char *read_hex(char *at, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n;

	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
		at += 2;
	for (n = 0; n <= 16; n++, at++) {
		char c = *at | 0x20;

		if (c >= '0' && c <= '9' && *at >= '0')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	*ret = value;
	return n > 0 && n <= 16 ? at : NULL;
}

/* Adds a line, which ends with a NUL; one that is not of the form is passed over. */
static int add_line(struct perf_map *map, char *line)
{
	uint64_t start, size;
	char *at = read_hex(line, &start);
	int r;

	if (at && *at == ' ')
		at = read_hex(at + 1, &size);
	else
		at = NULL;
	if (!at || *at != ' ' || !at[1] || map->n_entries >= PERF_MAP_ENTRIES_MAX)
		return 0;
	r = array_reserve(map->entries, map->entries_size, map->n_entries + 1);
	if (r < 0)
		return r;
	r = ranges_add(map->ranges, start, size, map->n_entries);
	if (r < 0)
		return r == -E2BIG ? 0 : r;
	map->entries[map->n_entries++] = (struct perf_map_entry){start, at + 1};
	return 0;
}

/* Adds all lines but one without an end, which is still being written. */
static int add_lines(struct perf_map *map, char *text, size_t length)
{
	for (char *end; (end = memchr(text, '\n', length));) {
		int r;

		*end = '\0';
		r = add_line(map, text);
		if (r < 0)
			return r;
		length -= end + 1 - text;
		text = end + 1;
	}
	return ranges_sort(map->ranges);
}

int perf_map_parse(char *text, size_t length, struct perf_map **ret)
{
	_cleanup_(perf_map_free_p) struct perf_map *map = calloc(1, sizeof(*map));
	int r;

	if (!map)
		return -ENOMEM;
	map->ranges = ranges_new();
	if (!map->ranges)
		return -ENOMEM;
	r = add_lines(map, text, length);
	if (r < 0)
		return r;
	map->text = text;
	map->text_bytes = length;
	*ret = take_ptr(map);
	return 0;
}

static int read_all(int fd, char **ret, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0, size = 0;

	while (length < PERF_MAP_BYTES_MAX) {
		ssize_t n;

		if (array_reserve(text, size, length + READ_BYTES) < 0)
			return -ENOMEM;
		n = pread(fd, text + length, READ_BYTES, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -EIO;
		if (n == 0)
			break;
		length += n;
	}
	*ret = take_ptr(text);
	*ret_length = length;
	return 0;
}

int perf_map_read(int fd, struct perf_map **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t length;
	int r = read_all(fd, &text, &length);

	if (r < 0)
		return r;
	r = perf_map_parse(text, length, ret);
	if (r < 0)
		return r;
	(void)take_ptr(text);
	return 0;
}

const char *perf_map_find(const struct perf_map *map, uint64_t address, uint64_t *ret_start)
{
	uint32_t index = ranges_find(map->ranges, address);

	if (index == RANGES_NONE)
		return NULL;
	assert(index < map->n_entries);
	*ret_start = map->entries[index].start;
	return map->entries[index].name;
}

size_t perf_map_bytes(const struct perf_map *map)
{
	return sizeof(*map) + map->text_bytes + map->entries_size * sizeof(*map->entries) +
	       ranges_bytes(map->ranges);
}
