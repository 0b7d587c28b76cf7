/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/symbol_lookup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/file_id.h"
#include "daemon/base/text.h"
#include "daemon/symbolizer/debug_match.h"
#include "daemon/symbolizer/dwarf/lines.h"
#include "daemon/symbolizer/elf/demangle.h"
#include "daemon/symbolizer/elf/symbols.h"
#include "daemon/symbolizer/jitdump.h"
#include "daemon/symbolizer/perf_map.h"

#define N_FILES           3 /* file, debug, alt */
#define HOSTILE_NAMES_MAX 8 /* as in symbols.c */

struct set_key {
	uint64_t source;
	struct file_id files[N_FILES];
};

struct symbol_set {
	struct set_key key;
	uint64_t used; /* when it was last used, by the clock of the lookup */
	uint64_t mapped_bytes;
	enum symbolizer_source source;
	/* For ELF files; each is NULL if there is none. */
	struct binary *file;
	struct binary *debug;
	struct dwarf_lines *lines;
	int fds[N_FILES]; /* owned by the set, open as long as `lines` is */
	unsigned int n_hostile;
	/* For code made at run time. */
	struct perf_map *perf_map;
	struct jitdump *jitdump;
	char texts[SYMBOLIZER_INLINES_MAX][2][SYMBOLIZER_TEXT_BYTES_MAX];
};

struct symbol_lookup {
	struct symbol_set *files[SYMBOL_LOOKUP_FILES_MAX];
	size_t n_files;
	uint64_t clock;
};

static struct symbol_set *set_free(struct symbol_set *set)
{
	if (!set)
		return NULL;
	dwarf_lines_free(set->lines);
	binary_free(set->file);
	binary_free(set->debug);
	perf_map_free(set->perf_map);
	jitdump_free(set->jitdump);
	for (size_t i = 0; i < N_FILES; i++)
		if (set->fds[i] >= 0)
			close(set->fds[i]);
	free(set);
	return NULL;
}

define_cleanup(struct symbol_set *, set_free);

static struct symbol_set *set_new(const struct set_key *key)
{
	struct symbol_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->key = *key;
	set->source = key->source;
	for (size_t i = 0; i < N_FILES; i++)
		set->fds[i] = -1;
	return set;
}

static uint64_t set_bytes(const struct symbol_set *set)
{
	uint64_t bytes = sizeof(*set) + set->mapped_bytes;

	bytes += set->file ? binary_bytes(set->file) : 0;
	bytes += set->debug ? binary_bytes(set->debug) : 0;
	bytes += set->lines ? dwarf_lines_bytes(set->lines) : 0;
	bytes += set->perf_map ? perf_map_bytes(set->perf_map) : 0;
	bytes += set->jitdump ? jitdump_bytes(set->jitdump) : 0;
	return bytes;
}

/* Keeps a descriptor of its own, since those of the DWARF have to stay open as long as it is
 * used. */
static int keep_fd(struct symbol_set *set, const int fds[N_FILES], size_t which)
{
	if (fds[which] < 0 || set->fds[which] >= 0)
		return 0;
	set->fds[which] = fcntl(fds[which], F_DUPFD_CLOEXEC, 0);
	return set->fds[which] < 0 ? -ENOMEM : 0;
}

static int try_lines(struct symbol_set *set, const int fds[N_FILES], size_t which)
{
	int r = keep_fd(set, fds, which);

	if (r < 0)
		return r;
	r = keep_fd(set, fds, 2);
	if (r < 0)
		return r;
	r = dwarf_lines_open(set->fds[which], set->fds[2], &set->lines);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	set->mapped_bytes = set->key.files[which].size + set->key.files[2].size;
	return 0;
}

/* Opens the debug file and the DWARF. If one of them is damaged, lines are missing, but not the
 * names. Returns 0 or -ENOMEM. */
static int open_debug(struct symbol_set *set, const int fds[N_FILES])
{
	bool is_matching = fds[1] >= 0 && (fds[0] < 0 || debug_match(fds[0], fds[1]));
	int r = 0;

	/* Only -ENOMEM ends this: after any other error the next file is tried. */
	if (is_matching)
		r = binary_open(fds[1], &set->debug);
	if (r == 0 && is_matching)
		r = try_lines(set, fds, 1);
	if (r != -ENOMEM && !set->lines && fds[0] >= 0)
		r = try_lines(set, fds, 0);
	return r == -ENOMEM ? r : 0;
}

static int open_elf(struct symbol_set *set, const int fds[N_FILES])
{
	int r;

	if (fds[0] >= 0) {
		r = binary_open(fds[0], &set->file);
		if (r < 0)
			return r == -EINVAL ? -ENOEXEC : r;
	}
	r = open_debug(set, fds);
	if (r < 0)
		return r;
	return set->file || set->debug ? 0 : -ENODATA;
}

static int set_open(const struct set_key *key, const int fds[N_FILES], struct symbol_set **ret)
{
	_cleanup_(set_free_p) struct symbol_set *set = set_new(key);
	int r = -ENODATA;

	if (!set)
		return -ENOMEM;
	switch (set->source) {
	case SYMBOLIZER_ELF_OFFSETS:
	case SYMBOLIZER_ELF_VADDRS:
		r = open_elf(set, fds);
		break;
	case SYMBOLIZER_PERF_MAP:
		r = fds[0] < 0 ? -ENODATA : perf_map_read(fds[0], &set->perf_map);
		break;
	case SYMBOLIZER_JITDUMP:
		r = fds[0] < 0 ? -ENODATA : jitdump_read(fds[0], &set->jitdump);
		break;
	case SYMBOLIZER_N_SOURCES:
		break;
	}
	if (r < 0)
		return r;
	*ret = take_ptr(set);
	return 0;
}

struct symbol_lookup *symbol_lookup_new(void)
{
	return calloc(1, sizeof(struct symbol_lookup));
}

struct symbol_lookup *symbol_lookup_free(struct symbol_lookup *lookup)
{
	if (!lookup)
		return NULL;
	for (size_t i = 0; i < lookup->n_files; i++)
		set_free(lookup->files[i]);
	free(lookup);
	return NULL;
}

static void remove_oldest(struct symbol_lookup *lookup)
{
	size_t oldest = 0;

	assert(lookup->n_files > 0);
	for (size_t i = 1; i < lookup->n_files; i++)
		if (lookup->files[i]->used < lookup->files[oldest]->used)
			oldest = i;
	set_free(lookup->files[oldest]);
	lookup->files[oldest] = lookup->files[--lookup->n_files];
}

/* Drops the least recently used sets until there are at most n_files of them, and the bytes are
 * within their bound. Sets grow while they are searched (names are made, units read), so this is to
 * be called each time. */
static void make_room(struct symbol_lookup *lookup, size_t n_files)
{
	uint64_t bytes;

	do {
		bytes = 0;
		for (size_t i = 0; i < lookup->n_files; i++)
			bytes += set_bytes(lookup->files[i]);
		if (lookup->n_files == 0 ||
		    (bytes <= SYMBOL_LOOKUP_BYTES && lookup->n_files <= n_files))
			return;
		remove_oldest(lookup);
	} while (true);
}

static int make_key(enum symbolizer_source source, const int fds[N_FILES], struct set_key *ret)
{
	*ret = (struct set_key){.source = source};
	for (size_t i = 0; i < N_FILES; i++)
		if (fds[i] >= 0 && file_id_read(fds[i], &ret->files[i]) < 0)
			return -EIO;
	return 0;
}

static struct symbol_set *find_set(const struct symbol_lookup *lookup, const struct set_key *key)
{
	for (size_t i = 0; i < lookup->n_files; i++)
		if (memcmp(&lookup->files[i]->key, key, sizeof(*key)) == 0)
			return lookup->files[i];
	return NULL;
}

int symbol_lookup_open(struct symbol_lookup *lookup, enum symbolizer_source source,
		       const int fds[3], struct symbol_set **ret)
{
	struct symbol_set *set;
	struct set_key key;
	int r = make_key(source, fds, &key);

	if (r < 0)
		return r;
	set = find_set(lookup, &key);
	if (!set) {
		/* Room is made first: the old sets and the new one together could exceed the limit
		 * of memory. */
		make_room(lookup, SYMBOL_LOOKUP_FILES_MAX - 1);
		r = set_open(&key, fds, &set);
		if (r < 0)
			return r;
		assert(lookup->n_files < SYMBOL_LOOKUP_FILES_MAX);
		lookup->files[lookup->n_files++] = set;
	}
	set->used = ++lookup->clock;
	make_room(lookup, SYMBOL_LOOKUP_FILES_MAX);
	if (set->lines)
		dwarf_lines_renew(set->lines);
	*ret = set;
	return 0;
}

static const char *clean(struct symbol_set *set, size_t frame, int which, const char *text)
{
	char *ret = set->texts[frame][which];

	assert(frame < SYMBOLIZER_INLINES_MAX);
	if (!text)
		return "";
	text_clean(text, strnlen(text, SYMBOLIZER_TEXT_BYTES_MAX), ret, SYMBOLIZER_TEXT_BYTES_MAX);
	return ret;
}

/* Demangles and cleans the name of a function. As in symbols.c, no more is demangled for a file
 * with many names that exceed the bounds: it is made to waste time. */
static const char *clean_function(struct symbol_set *set, size_t frame, const char *name)
{
	char plain[SYMBOLIZER_TEXT_BYTES_MAX];
	int r = 0;

	if (name && set->n_hostile < HOSTILE_NAMES_MAX)
		r = demangle(name, plain, sizeof(plain));
	if (r < 0)
		set->n_hostile++;
	return clean(set, frame, 0, r > 0 ? plain : name);
}

static bool find_symbol(const struct symbol_set *set, uint64_t vaddr, struct symbol *ret)
{
	return (set->debug && binary_find(set->debug, vaddr, ret) > 0) ||
	       (set->file && binary_find(set->file, vaddr, ret) > 0);
}

/* Finds the frames of an address. The function itself gets the name of its symbol, which both kinds
 * of file have, so that its name is the same with and without a debug file. */
static size_t find_in_elf(struct symbol_set *set, uint64_t vaddr,
			  struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX])
{
	struct dwarf_lines_frame frames[SYMBOLIZER_INLINES_MAX];
	struct symbol symbol = {.start = vaddr};
	bool has_symbol = find_symbol(set, vaddr, &symbol);
	size_t n = 0;

	if (set->lines)
		n = dwarf_lines_find(set->lines, vaddr, SYMBOLIZER_INLINES_MAX, frames);
	if (n == 0 || (!has_symbol && !frames[0].function)) {
		n = has_symbol;
		frames[0] = (struct dwarf_lines_frame){};
	}
	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct symbolizer_name){
			.function = i == 0 && has_symbol
					    ? symbol.name
					    : clean_function(set, i, frames[i].function),
			.file = clean(set, i, 1, frames[i].file),
			.start = symbol.start,
			.line = frames[i].line,
		};
	}
	return n;
}

static size_t find_in_perf_map(struct symbol_set *set, uint64_t address,
			       struct symbolizer_name *ret)
{
	uint64_t start;
	const char *name = perf_map_find(set->perf_map, address, &start);

	if (!name)
		return 0;
	*ret = (struct symbolizer_name){clean(set, 0, 0, name), "", start, 0};
	return 1;
}

static size_t find_in_jitdump(struct symbol_set *set, uint64_t address, struct symbolizer_name *ret)
{
	struct jitdump_name name;

	if (jitdump_find(set->jitdump, address, &name) < 0)
		return 0;
	*ret = (struct symbolizer_name){clean(set, 0, 0, name.function),
					clean(set, 0, 1, name.file), name.start, name.line};
	return 1;
}

size_t symbol_set_find(struct symbol_set *set, uint64_t address, uint64_t *ret_vaddr,
		       struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX])
{
	*ret_vaddr = address;
	switch (set->source) {
	case SYMBOLIZER_ELF_OFFSETS:
		if (!set->file || binary_find_vaddr(set->file, address, ret_vaddr) < 0)
			return 0;
		return find_in_elf(set, *ret_vaddr, ret);
	case SYMBOLIZER_ELF_VADDRS:
		return find_in_elf(set, address, ret);
	case SYMBOLIZER_PERF_MAP:
		return find_in_perf_map(set, address, ret);
	case SYMBOLIZER_JITDUMP:
		return find_in_jitdump(set, address, ret);
	case SYMBOLIZER_N_SOURCES:
		break;
	}
	return 0;
}
