/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/elf/symbols.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "daemon/base/text.h"
#include "daemon/symbolizer/elf/demangle.h"
#include "daemon/symbolizer/elf/functions.h"

/* A file with more names than this that exceed the bounds of demangle() is made to waste time. */
#define HOSTILE_NAMES_MAX 8

struct segment {
	uint64_t offset;
	uint64_t size;
	uint64_t vaddr;
};

/* Demangled names, which are made when they are first needed: a file has a hundred times more
 * functions than are ever seen, and demangling all of them would take longer than reading them. */
struct name_cache {
	struct table *made; /* the keys are indexes of functions, the indexes are those in texts */
	char **texts;
	size_t texts_size;
	size_t bytes;
	unsigned int n_hostile;
};

struct binary {
	struct segment *segments; /* segments with code come first */
	size_t n_segments;
	struct functions functions;
	struct name_cache *names;
	size_t bytes;
};

static void names_free(struct name_cache *names)
{
	if (!names)
		return;
	for (uint32_t i = 0; names->made && i < table_count(names->made); i++)
		free(names->texts[i]);
	free(names->texts);
	table_free(names->made);
	free(names);
}

struct binary *binary_free(struct binary *binary)
{
	if (!binary)
		return NULL;
	names_free(binary->names);
	functions_done(&binary->functions);
	free(binary->segments);
	free(binary);
	return NULL;
}

define_cleanup(struct binary *, binary_free);

/* Copies the segments, those with code first: of two segments that share a page of the file, a
 * sampled address is in the one with code. */
static int add_segments(struct binary *binary, const struct elf_file *elf)
{
	binary->segments = calloc(elf->n_segments + 1, sizeof(*binary->segments));
	if (!binary->segments)
		return -ENOMEM;
	for (unsigned int i = 0; i < 2 * elf->n_segments; i++) {
		const Elf64_Phdr *segment = &elf->segments[i % elf->n_segments];
		bool code_wanted = i < elf->n_segments, is_code = segment->p_flags & PF_X;

		if (segment->p_type == PT_LOAD && is_code == code_wanted)
			binary->segments[binary->n_segments++] = (struct segment){
				.offset = segment->p_offset,
				.size = segment->p_filesz,
				.vaddr = segment->p_vaddr,
			};
	}
	return 0;
}

static int read_binary(struct binary *binary, int fd)
{
	_cleanup_(elf_file_done) struct elf_file elf = {.fd = -1};
	int r;

	r = elf_file_open(&elf, fd);
	if (r < 0)
		return r;
	r = add_segments(binary, &elf);
	return r < 0 ? r : functions_read(&binary->functions, &elf);
}

int binary_open(int fd, struct binary **ret)
{
	_cleanup_(binary_free_p) struct binary *binary = calloc(1, sizeof(*binary));
	struct stat st;
	int r;

	if (!binary)
		return -ENOMEM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > SYMBOLS_FILE_BYTES_MAX)
		return -EFBIG;
	r = read_binary(binary, fd);
	if (r < 0)
		return r;
	binary->bytes = sizeof(*binary) + binary->n_segments * sizeof(*binary->segments) +
			binary->functions.n_entries * sizeof(*binary->functions.entries) +
			binary->functions.names_bytes;
	*ret = take_ptr(binary);
	return 0;
}

size_t binary_bytes(const struct binary *binary)
{
	const struct name_cache *names = binary->names;

	return binary->bytes + (names ? names->bytes + table_bytes(names->made) : 0);
}

/* Cuts the version behind "@", which is for the linker; "@plt" is kept, which we added. */
static void cut_name(const char *name, char ret[static SYMBOLS_NAME_BYTES_MAX])
{
	size_t length = strnlen(name, SYMBOLS_NAME_BYTES_MAX - 1);
	const char *version = memchr(name, '@', length);

	if (version && strcmp(version, "@plt") != 0)
		length = version - name;
	memcpy(ret, name, length);
	ret[length] = '\0';
}

static char *make_name(struct name_cache *names, const char *name)
{
	char cut[SYMBOLS_NAME_BYTES_MAX], plain[SYMBOLS_NAME_BYTES_MAX];
	char clean[SYMBOLS_NAME_BYTES_MAX];
	const char *shown = cut;
	int r = 0;

	cut_name(name, cut);
	if (names->n_hostile < HOSTILE_NAMES_MAX)
		r = demangle(cut, plain, sizeof(plain));
	if (r < 0)
		names->n_hostile++;
	if (r > 0)
		shown = plain;
	text_clean(shown, strlen(shown), clean, sizeof(clean));
	return strdup(clean);
}

static int names_init(struct binary *binary)
{
	if (!binary->names)
		binary->names = calloc(1, sizeof(*binary->names));
	if (!binary->names)
		return -ENOMEM;
	if (!binary->names->made)
		binary->names->made = table_new();
	return binary->names->made ? 0 : -ENOMEM;
}

static int add_name(struct name_cache *names, uint32_t function, const char *name, const char **ret)
{
	_cleanup_free_ char *text = make_name(names, name);
	uint32_t index;
	int r;

	if (!text)
		return -ENOMEM;
	r = array_reserve(names->texts, names->texts_size, (size_t)table_count(names->made) + 1);
	if (r < 0)
		return r;
	r = table_intern(names->made, &function, sizeof(function), &index);
	if (r < 0)
		return r;
	names->bytes += strlen(text) + 1 + sizeof(text);
	names->texts[index] = take_ptr(text);
	*ret = names->texts[index];
	return 0;
}

static int find_name(const struct binary *binary, const struct elf_function *function,
		     const char **ret)
{
	uint32_t index, number = function - binary->functions.entries;
	/* The names are a cache, which does not change what the binary is. */
	struct binary *cache = (struct binary *)binary;
	int r;

	assert(number < binary->functions.n_entries);
	r = names_init(cache);
	if (r < 0)
		return r;
	if (table_find(cache->names->made, &number, sizeof(number), &index) == 0) {
		*ret = cache->names->texts[index];
		return 0;
	}
	return add_name(cache->names, number, binary->functions.names + function->name, ret);
}

int binary_find_vaddr(const struct binary *binary, uint64_t offset, uint64_t *ret)
{
	for (size_t i = 0; i < binary->n_segments; i++) {
		const struct segment *segment = &binary->segments[i];

		if (offset >= segment->offset && offset - segment->offset < segment->size) {
			*ret = segment->vaddr + (offset - segment->offset);
			return 0;
		}
	}
	return -ENOENT;
}

int binary_find(const struct binary *binary, uint64_t vaddr, struct symbol *ret)
{
	const struct elf_function *function = functions_find(&binary->functions, vaddr);
	const char *name;
	int r;

	if (!function)
		return 0;
	r = find_name(binary, function, &name);
	if (r < 0)
		return r;
	*ret = (struct symbol){.name = name, .start = function->start};
	return 1;
}
