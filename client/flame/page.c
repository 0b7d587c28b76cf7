/* SPDX-License-Identifier: MIT */
/*
 * The page is client/page/flamegraph.html, in which @NAME@ is replaced: by a file of the page, by
 * the hashes that its policy allows, by the data, by the title.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "client/base/page.h"
#include "client/base/text.h"
#include "client/flame/internal.h"
#include "daemon/base/cleanup.h"

#define PAGE "flamegraph.html"
#define DATA "@data@"

static int write_title(const char *title, FILE *out)
{
	_cleanup_free_ char *clean = text_clean_copy(title ?: "Flame graph");

	if (!clean)
		return -ENOMEM;
	for (const char *c = clean; *c; c++)
		if (strchr("<>&", *c))
			fprintf(out, "&#%d;", *c);
		else
			fputc(*c, out);
	return 0;
}

/* Writes the hashes of the files, with a space between two. */
static int write_hashes(const char *names, size_t length, FILE *out)
{
	_cleanup_free_ char *copy = strndup(names, length);
	char *rest = copy, *name;

	if (!copy)
		return -ENOMEM;
	while ((name = strsep(&rest, " "))) {
		const char *hash = page_hash(name);

		if (!hash)
			return -ENOENT;
		fprintf(out, "'%s'%s", hash, rest ? " " : "");
	}
	return 0;
}

static int write_file(const char *name, size_t length, FILE *out)
{
	_cleanup_free_ char *copy = strndup(name, length);
	const char *data;
	size_t size;
	int r = copy ? page_find(copy, &data, &size) : -ENOMEM;

	if (r < 0)
		return r;
	fwrite(data, 1, size, out);
	return 0;
}

static bool is_word(const char *word, size_t length, const char *text)
{
	return strlen(text) == length && !memcmp(word, text, length);
}

static int write_place(const char *title, const char *word, size_t length, FILE *out)
{
	static const char hashes[] = "hash:";

	if (is_word(word, length, "title"))
		return write_title(title, out);
	if (!strncmp(word, hashes, sizeof(hashes) - 1))
		return write_hashes(word + sizeof(hashes) - 1, length - (sizeof(hashes) - 1), out);
	return write_file(word, length, out);
}

static int write_part(const char *at, const char *end, const char *title, FILE *out)
{
	const char *mark, *word;
	int r;

	assert(at && at <= end);
	while ((mark = memchr(at, '@', (size_t)(end - at)))) {
		fwrite(at, 1, (size_t)(mark - at), out);
		word = mark + 1;
		at = memchr(word, '@', (size_t)(end - word));
		/* The page is part of the program, and its marks are in pairs. */
		assert(at);
		at++;
		r = write_place(title, word, (size_t)(at - 1 - word), out);
		if (r < 0)
			return r;
	}
	fwrite(at, 1, (size_t)(end - at), out);
	return 0;
}

int flame_begin_page(const char *title, FILE *out)
{
	const char *page;
	size_t size;
	int r = page_find(PAGE, &page, &size);

	return r < 0 ? r : write_part(page, strstr(page, DATA), title, out);
}

int flame_write_page(const struct flame *flame, FILE *out)
{
	const char *page;
	size_t size;
	int r = page_find(PAGE, &page, &size);

	if (r < 0)
		return r;
	r = flame_write_data(flame, out);
	if (r < 0)
		return r;
	return write_part(strstr(page, DATA) + strlen(DATA), page + size, flame->about->title, out);
}
