/* SPDX-License-Identifier: MIT */
#include "daemon/process/maps.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/cleanup.h"

struct maps_entry {
	struct mapping mapping;
	uint64_t hidden_ns; /* since_ns of the first newer one that covers all of it; 0: none */
};

/* Ordered by since_ns; of two with the same, the one added later stands later. */
struct maps_entries {
	size_t refs;
	size_t n_entries;
	size_t size;
	size_t path_bytes;
	struct maps_entry *entries;
};

/* Most children exec at once or change nothing: so a fork shares the list until somebody writes. */
struct maps {
	struct maps_entries *list;
};

static struct maps_entries *list_unref(struct maps_entries *list)
{
	if (!list || --list->refs > 0)
		return NULL;
	for (size_t i = 0; i < list->n_entries; i++)
		free((char *)list->entries[i].mapping.path);
	free(list->entries);
	free(list);
	return NULL;
}

define_cleanup(struct maps_entries *, list_unref);

static struct maps_entries *list_new(void)
{
	struct maps_entries *list = calloc(1, sizeof(*list));

	if (list)
		list->refs = 1;
	return list;
}

static struct maps_entries *list_duplicate(const struct maps_entries *list)
{
	_cleanup_(list_unref_p) struct maps_entries *new = list_new();

	if (!new)
		return NULL;
	new->entries = calloc(list->size ?: 1, sizeof(*new->entries));
	if (!new->entries)
		return NULL;
	new->size = list->size;
	new->path_bytes = list->path_bytes;
	for (size_t i = 0; i < list->n_entries; i++) {
		new->entries[i] = list->entries[i];
		new->entries[i].mapping.path = strdup(list->entries[i].mapping.path);
		if (!new->entries[i].mapping.path)
			return NULL;
		new->n_entries++;
	}
	return take_ptr(new);
}

struct maps *maps_free(struct maps *maps)
{
	if (!maps)
		return NULL;
	list_unref(maps->list);
	free(maps);
	return NULL;
}

define_cleanup(struct maps *, maps_free);

struct maps *maps_new(void)
{
	_cleanup_(maps_free_p) struct maps *maps = calloc(1, sizeof(*maps));

	if (!maps)
		return NULL;
	maps->list = list_new();
	return maps->list ? take_ptr(maps) : NULL;
}

struct maps *maps_copy(const struct maps *maps)
{
	struct maps *copy = calloc(1, sizeof(*copy));

	assert(maps->list->refs > 0);
	if (!copy)
		return NULL;
	copy->list = maps->list;
	copy->list->refs++;
	return copy;
}

bool mapping_is_file(const struct mapping *mapping)
{
	return mapping->path[0] == '/' && mapping->path[1] != '/'; /* "//anon" */
}

bool mapping_is_vdso(const struct mapping *mapping)
{
	return strcmp(mapping->path, "[vdso]") == 0;
}

static bool mapping_covers(const struct mapping *outer, const struct mapping *inner)
{
	return outer->start <= inner->start && inner->end <= outer->end;
}

/* True if the two are the same mapping. The build-id is not compared: /proc does not tell it, the
 * event does. */
static bool mapping_is_same(const struct mapping *a, const struct mapping *b)
{
	return a->start == b->start && a->end == b->end && a->file_offset == b->file_offset &&
	       a->inode == b->inode && a->dev_major == b->dev_major &&
	       a->dev_minor == b->dev_minor && strcmp(a->path, b->path) == 0;
}

/* True if the newest mapping there is the same one. Where a newer one covers any part of a mapping,
 * that mapping is not the newest. */
static bool maps_has(const struct maps *maps, const struct mapping *mapping)
{
	for (size_t i = maps->list->n_entries; i-- > 0;) {
		const struct mapping *old = &maps->list->entries[i].mapping;

		if (old->start < mapping->end && mapping->start < old->end)
			return old->since_ns <= mapping->since_ns && mapping_is_same(old, mapping);
	}
	return false;
}

/* Marks mappings that the new one covers, and drops those that nobody can ask for any more: samples
 * are resolved seconds after they were taken, never later. */
static void list_hide(struct maps_entries *list, const struct mapping *mapping)
{
	size_t kept = 0;

	assert(list->refs == 1);
	for (size_t i = 0; i < list->n_entries; i++) {
		struct maps_entry entry = list->entries[i];

		if (entry.hidden_ns && entry.hidden_ns + MAPS_HIDDEN_NS < mapping->since_ns) {
			list->path_bytes -= strlen(entry.mapping.path) + 1;
			free((char *)entry.mapping.path);
			continue;
		}
		if (!entry.hidden_ns && entry.mapping.since_ns <= mapping->since_ns &&
		    mapping_covers(mapping, &entry.mapping))
			entry.hidden_ns = mapping->since_ns;
		list->entries[kept++] = entry;
	}
	list->n_entries = kept;
}

/* Makes room for one more. Begins with less than array_reserve(): each process has such a list. */
static int list_reserve(struct maps_entries *list)
{
	size_t size = list->size ? list->size * 2 : 16;
	struct maps_entry *entries;

	if (list->n_entries < list->size)
		return 0;
	entries = reallocarray(list->entries, size, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	list->entries = entries;
	list->size = size;
	return 0;
}

static int list_insert(struct maps_entries *list, const struct mapping *mapping)
{
	size_t path_bytes = strnlen(mapping->path, MAPS_PATH_BYTES - 1) + 1;
	size_t at = list->n_entries;
	char *path;

	assert(list->refs == 1 && mapping->end > mapping->start);
	if (list->n_entries >= MAPS_MAX || list->path_bytes + path_bytes > MAPS_PATHS_MAX)
		return -E2BIG;
	if (list_reserve(list) < 0)
		return -ENOMEM;
	path = strndup(mapping->path, path_bytes - 1);
	if (!path)
		return -ENOMEM;
	/* Events of several CPUs may come a little out of order. */
	while (at > 0 && list->entries[at - 1].mapping.since_ns > mapping->since_ns)
		at--;
	memmove(&list->entries[at + 1], &list->entries[at],
		(list->n_entries - at) * sizeof(*list->entries));
	list->entries[at] = (struct maps_entry){.mapping = *mapping};
	list->entries[at].mapping.path = path;
	list->n_entries++;
	list->path_bytes += path_bytes;
	return 0;
}

/* Adds a mapping. Returns 1 where it was added, 0 where it was there, or a negative errno. */
static int add_mapping(struct maps *maps, const struct mapping *mapping)
{
	int r;

	if (mapping->end <= mapping->start)
		return -EINVAL;
	if (maps_has(maps, mapping))
		return 0;
	if (maps->list->refs > 1) {
		struct maps_entries *own = list_duplicate(maps->list);

		if (!own)
			return -ENOMEM;
		list_unref(maps->list);
		maps->list = own;
	}
	list_hide(maps->list, mapping);
	r = list_insert(maps->list, mapping);
	return r < 0 ? r : 1;
}

int maps_add(struct maps *maps, const struct mapping *mapping)
{
	assert(mapping->path);
	return add_mapping(maps, mapping);
}

static bool take_number(const char **at, const char *end, int base, uint64_t *ret)
{
	const char *start = *at;
	uint64_t value = 0;

	for (; *at < end; (*at)++) {
		unsigned char c = **at;
		unsigned int digit = c >= '0' && c <= '9'   ? c - '0'
				     : c >= 'a' && c <= 'f' ? c - 'a' + 10
							    : 16;

		if (digit >= (unsigned int)base)
			break;
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*ret = value;
	return *at > start;
}

static bool take_char(const char **at, const char *end, char c)
{
	if (*at >= end || **at != c)
		return false;
	(*at)++;
	return true;
}

static void copy_path(const char *at, const char *end, char ret[static MAPS_PATH_BYTES])
{
	static const char deleted[] = " (deleted)";
	size_t length, tail = sizeof(deleted) - 1;

	while (at < end && *at == ' ')
		at++;
	length = end - at;
	if (length > tail && memcmp(end - tail, deleted, tail) == 0)
		length -= tail;
	length = strnlen(at, length);
	if (length > MAPS_PATH_BYTES - 1)
		length = MAPS_PATH_BYTES - 1;
	memcpy(ret, at, length);
	ret[length] = '\0';
}

/* True if the line has the form "7f0a1000-7f0a2000 r-xp 00001000 fe:01 1234
 * /usr/lib/libc.so.6" and is executable. */
static bool parse_line(const char *at, const char *end, struct mapping *ret,
		       char path[static MAPS_PATH_BYTES])
{
	uint64_t major, minor;
	const char *flags;

	if (!take_number(&at, end, 16, &ret->start) || !take_char(&at, end, '-') ||
	    !take_number(&at, end, 16, &ret->end) || !take_char(&at, end, ' ') || end - at < 5)
		return false;
	flags = at;
	at += 4;
	if (flags[2] != 'x' || !take_char(&at, end, ' ') ||
	    !take_number(&at, end, 16, &ret->file_offset) || !take_char(&at, end, ' ') ||
	    !take_number(&at, end, 16, &major) || !take_char(&at, end, ':') ||
	    !take_number(&at, end, 16, &minor) || !take_char(&at, end, ' ') ||
	    !take_number(&at, end, 10, &ret->inode) || major > UINT32_MAX || minor > UINT32_MAX)
		return false;
	if (at < end && *at != ' ')
		return false;
	ret->dev_major = major;
	ret->dev_minor = minor;
	copy_path(at, end, path);
	ret->path = path;
	return true;
}

int maps_parse(struct maps *maps, const char *text, size_t length, uint64_t since_ns)
{
	const char *at = text, *end = text + length;
	char path[MAPS_PATH_BYTES];
	int added = 0;

	while (at < end) {
		struct mapping mapping = {.since_ns = since_ns};
		const char *newline = memchr(at, '\n', end - at) ?: end;
		int r = 0;

		if (parse_line(at, newline, &mapping, path))
			r = add_mapping(maps, &mapping);
		if (r == -ENOMEM)
			return r;
		if (r > 0)
			added++;
		at = newline + 1;
	}
	return added;
}

const struct mapping *maps_find(const struct maps *maps, uint64_t address, uint64_t at_ns)
{
	for (size_t i = maps->list->n_entries; i-- > 0;) {
		const struct mapping *mapping = &maps->list->entries[i].mapping;

		if (mapping->since_ns <= at_ns && mapping->start <= address &&
		    address < mapping->end)
			return mapping;
	}
	return NULL;
}

static int compare_views(const void *a, const void *b)
{
	const struct maps_view *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Lists the boundaries where mappings begin or end; between two of them the newest mapping is the
 * same. */
static size_t list_boundaries(const struct maps_entries *list, uint64_t at_ns,
			      struct maps_view *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n_entries; i++) {
		const struct maps_entry *entry = &list->entries[i];

		if (entry->mapping.since_ns > at_ns ||
		    (entry->hidden_ns && entry->hidden_ns <= at_ns))
			continue;
		ret[n++].start = entry->mapping.start;
		ret[n++].start = entry->mapping.end;
	}
	qsort(ret, n, sizeof(*ret), compare_views);
	return n;
}

ssize_t maps_list(const struct maps *maps, uint64_t at_ns, struct maps_view **ret)
{
	struct maps_view *views = calloc(2 * maps->list->n_entries + 1, sizeof(*views));
	size_t n_boundaries, n = 0;

	if (!views)
		return -ENOMEM;
	n_boundaries = list_boundaries(maps->list, at_ns, views);
	for (size_t i = 0; i + 1 < n_boundaries; i++) {
		uint64_t start = views[i].start, end = views[i + 1].start;
		const struct mapping *mapping = NULL;

		if (start == end)
			continue;
		mapping = maps_find(maps, start, at_ns);
		if (!mapping)
			continue;
		if (n > 0 && views[n - 1].mapping == mapping && views[n - 1].end == start)
			views[n - 1].end = end;
		else
			views[n++] = (struct maps_view){start, end, mapping};
	}
	*ret = views;
	return n;
}
