/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/namer.h"

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

struct key {
	uint64_t source;
	struct file_id files[N_FILES];
};

struct named {
	struct key key;
	uint64_t used; /* by the clock of the namer */
	uint64_t mapped_bytes;
	enum symbolizer_source source;
	/* Of ELF files; NULL: there is none. */
	struct binary *file;
	struct binary *debug;
	struct lines *lines;
	int fds[N_FILES]; /* our own, for as long as lines is there */
	unsigned int n_hostile;
	/* Of code made at run time. */
	struct perf_map *perf_map;
	struct jitdump *jitdump;
	char texts[SYMBOLIZER_INLINES_MAX][2][SYMBOLIZER_TEXT_BYTES_MAX];
};

struct namer {
	struct named *files[NAMER_FILES_MAX];
	size_t n_files;
	uint64_t clock;
};

static struct named *named_free(struct named *named)
{
	if (!named)
		return NULL;
	lines_free(named->lines);
	binary_free(named->file);
	binary_free(named->debug);
	perf_map_free(named->perf_map);
	jitdump_free(named->jitdump);
	for (size_t i = 0; i < N_FILES; i++)
		if (named->fds[i] >= 0)
			close(named->fds[i]);
	free(named);
	return NULL;
}

define_cleanup(struct named *, named_free);

static struct named *named_new(const struct key *key)
{
	struct named *named = calloc(1, sizeof(*named));

	if (!named)
		return NULL;
	named->key = *key;
	named->source = key->source;
	for (size_t i = 0; i < N_FILES; i++)
		named->fds[i] = -1;
	return named;
}

static uint64_t named_bytes(const struct named *named)
{
	uint64_t bytes = sizeof(*named) + named->mapped_bytes;

	bytes += named->file ? binary_bytes(named->file) : 0;
	bytes += named->debug ? binary_bytes(named->debug) : 0;
	bytes += named->lines ? lines_bytes(named->lines) : 0;
	bytes += named->perf_map ? perf_map_bytes(named->perf_map) : 0;
	bytes += named->jitdump ? jitdump_bytes(named->jitdump) : 0;
	return bytes;
}

/* The descriptors of the DWARF have to live as long as it. */
static int keep_fd(struct named *named, const int fds[N_FILES], size_t which)
{
	if (fds[which] < 0 || named->fds[which] >= 0)
		return 0;
	named->fds[which] = fcntl(fds[which], F_DUPFD_CLOEXEC, 0);
	return named->fds[which] < 0 ? -ENOMEM : 0;
}

static int try_lines(struct named *named, const int fds[N_FILES], size_t which)
{
	int r = keep_fd(named, fds, which);

	if (r == 0)
		r = keep_fd(named, fds, 2);
	if (r == 0)
		r = lines_open(named->fds[which], named->fds[2], &named->lines);
	if (r == 0)
		named->mapped_bytes = named->key.files[which].size + named->key.files[2].size;
	return r == -ENOMEM ? r : 0;
}

/* Whatever is wrong with the DWARF or the debug file costs lines, not the names. */
static int open_debug(struct named *named, const int fds[N_FILES])
{
	bool is_matching = fds[1] >= 0 && (fds[0] < 0 || debug_match(fds[0], fds[1]));
	int r = 0;

	if (is_matching)
		r = binary_open(fds[1], &named->debug);
	if (r == 0 && is_matching)
		r = try_lines(named, fds, 1);
	if (r != -ENOMEM && !named->lines && fds[0] >= 0)
		r = try_lines(named, fds, 0);
	return r == -ENOMEM ? r : 0;
}

static int open_elf(struct named *named, const int fds[N_FILES])
{
	int r;

	if (fds[0] >= 0) {
		r = binary_open(fds[0], &named->file);
		if (r < 0)
			return r == -EINVAL ? -ENOEXEC : r;
	}
	r = open_debug(named, fds);
	if (r < 0)
		return r;
	return named->file || named->debug ? 0 : -ENODATA;
}

static int named_open(const struct key *key, const int fds[N_FILES], struct named **ret)
{
	_cleanup_(named_free_p) struct named *named = named_new(key);
	int r = -ENODATA;

	if (!named)
		return -ENOMEM;
	switch (named->source) {
	case SYMBOLIZER_ELF_OFFSETS:
	case SYMBOLIZER_ELF_VADDRS:
		r = open_elf(named, fds);
		break;
	case SYMBOLIZER_PERF_MAP:
		r = fds[0] < 0 ? -ENODATA : perf_map_read(fds[0], &named->perf_map);
		break;
	case SYMBOLIZER_JITDUMP:
		r = fds[0] < 0 ? -ENODATA : jitdump_read(fds[0], &named->jitdump);
		break;
	case SYMBOLIZER_N_SOURCES:
		break;
	}
	if (r < 0)
		return r;
	*ret = take_ptr(named);
	return 0;
}

struct namer *namer_new(void)
{
	return calloc(1, sizeof(struct namer));
}

struct namer *namer_free(struct namer *namer)
{
	if (!namer)
		return NULL;
	for (size_t i = 0; i < namer->n_files; i++)
		named_free(namer->files[i]);
	free(namer);
	return NULL;
}

static void remove_oldest(struct namer *namer)
{
	size_t oldest = 0;

	for (size_t i = 1; i < namer->n_files; i++)
		if (namer->files[i]->used < namer->files[oldest]->used)
			oldest = i;
	named_free(namer->files[oldest]);
	namer->files[oldest] = namer->files[--namer->n_files];
}

/* It grows while it is asked (names are made, units read), so it is looked at each time. */
static void make_room(struct namer *namer, size_t n_files)
{
	uint64_t bytes;

	do {
		bytes = 0;
		for (size_t i = 0; i < namer->n_files; i++)
			bytes += named_bytes(namer->files[i]);
		if (namer->n_files == 0 || (bytes <= NAMER_BYTES && namer->n_files <= n_files))
			return;
		remove_oldest(namer);
	} while (true);
}

static int make_key(enum symbolizer_source source, const int fds[N_FILES], struct key *ret)
{
	*ret = (struct key){.source = source};
	for (size_t i = 0; i < N_FILES; i++)
		if (fds[i] >= 0 && file_id_read(fds[i], &ret->files[i]) < 0)
			return -EIO;
	return 0;
}

static struct named *find_named(const struct namer *namer, const struct key *key)
{
	for (size_t i = 0; i < namer->n_files; i++)
		if (memcmp(&namer->files[i]->key, key, sizeof(*key)) == 0)
			return namer->files[i];
	return NULL;
}

int namer_open(struct namer *namer, enum symbolizer_source source, const int fds[3],
	       struct named **ret)
{
	struct named *named;
	struct key key;
	int r = make_key(source, fds, &key);

	if (r < 0)
		return r;
	named = find_named(namer, &key);
	if (!named) {
		/* Room first: the old and the new together may be more than there is. */
		make_room(namer, NAMER_FILES_MAX - 1);
		r = named_open(&key, fds, &named);
		if (r < 0)
			return r;
		namer->files[namer->n_files++] = named;
	}
	named->used = ++namer->clock;
	make_room(namer, NAMER_FILES_MAX);
	if (named->lines)
		lines_renew(named->lines);
	*ret = named;
	return 0;
}

static const char *clean(struct named *named, size_t frame, int which, const char *text)
{
	char *ret = named->texts[frame][which];

	if (!text)
		return "";
	text_clean(text, strnlen(text, SYMBOLIZER_TEXT_BYTES_MAX), ret, SYMBOLIZER_TEXT_BYTES_MAX);
	return ret;
}

/* As symbols.c does it: a file with many names that go past all bounds is out to waste time. */
static const char *clean_function(struct named *named, size_t frame, const char *name)
{
	char plain[SYMBOLIZER_TEXT_BYTES_MAX];
	int r = 0;

	if (name && named->n_hostile < HOSTILE_NAMES_MAX)
		r = demangle(name, plain, sizeof(plain));
	if (r < 0)
		named->n_hostile++;
	return clean(named, frame, 0, r > 0 ? plain : name);
}

static bool find_symbol(const struct named *named, uint64_t vaddr, struct symbol *ret)
{
	return (named->debug && binary_find(named->debug, vaddr, ret) > 0) ||
	       (named->file && binary_find(named->file, vaddr, ret) > 0);
}

/* The function itself is named by its symbol, which both kinds of file have, so that it is the same
 * with and without a debug file. */
static size_t find_in_elf(struct named *named, uint64_t vaddr,
			  struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX])
{
	struct lines_frame frames[SYMBOLIZER_INLINES_MAX];
	struct symbol symbol = {.start = vaddr};
	bool has_symbol = find_symbol(named, vaddr, &symbol);
	size_t n = 0;

	if (named->lines)
		n = lines_find(named->lines, vaddr, SYMBOLIZER_INLINES_MAX, frames);
	if (n == 0 || (!has_symbol && !frames[0].function)) {
		n = has_symbol;
		frames[0] = (struct lines_frame){};
	}
	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct symbolizer_name){
			.function = i == 0 && has_symbol
					    ? symbol.name
					    : clean_function(named, i, frames[i].function),
			.file = clean(named, i, 1, frames[i].file),
			.start = symbol.start,
			.line = frames[i].line,
		};
	}
	return n;
}

static size_t find_in_perf_map(struct named *named, uint64_t address, struct symbolizer_name *ret)
{
	uint64_t start;
	const char *name = perf_map_find(named->perf_map, address, &start);

	if (!name)
		return 0;
	*ret = (struct symbolizer_name){clean(named, 0, 0, name), "", start, 0};
	return 1;
}

static size_t find_in_jitdump(struct named *named, uint64_t address, struct symbolizer_name *ret)
{
	struct jitdump_name name;

	if (jitdump_find(named->jitdump, address, &name) < 0)
		return 0;
	*ret = (struct symbolizer_name){clean(named, 0, 0, name.function),
					clean(named, 0, 1, name.file), name.start, name.line};
	return 1;
}

size_t named_find(struct named *named, uint64_t address, uint64_t *ret_vaddr,
		  struct symbolizer_name ret[static SYMBOLIZER_INLINES_MAX])
{
	*ret_vaddr = address;
	switch (named->source) {
	case SYMBOLIZER_ELF_OFFSETS:
		if (!named->file || binary_find_vaddr(named->file, address, ret_vaddr) < 0)
			return 0;
		return find_in_elf(named, *ret_vaddr, ret);
	case SYMBOLIZER_ELF_VADDRS:
		return find_in_elf(named, address, ret);
	case SYMBOLIZER_PERF_MAP:
		return find_in_perf_map(named, address, ret);
	case SYMBOLIZER_JITDUMP:
		return find_in_jitdump(named, address, ret);
	case SYMBOLIZER_N_SOURCES:
		break;
	}
	return 0;
}
