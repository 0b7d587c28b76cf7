/* SPDX-License-Identifier: MIT */
/*
 * The page is client/page/flamegraph.html, in which @NAME@ stands for what is put there: a file of
 * the page, the hashes that its policy allows, the data, the title.
 */
#include <errno.h>
#include <string.h>

#include "client/flame_private.h"
#include "client/page.h"
#include "client/text.h"
#include "daemon/cleanup.h"

static int write_title(const struct flame *flame, FILE *out)
{
	_cleanup_free_ char *title = text_clean_copy(flame->about->title ?: "Flame graph");

	if (!title)
		return -ENOMEM;
	for (const char *c = title; *c; c++)
		if (strchr("<>&", *c))
			fprintf(out, "&#%d;", *c);
		else
			fputc(*c, out);
	return 0;
}

/* Those of the files, with a space between two. */
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

	if (r >= 0)
		fwrite(data, 1, size, out);
	return r;
}

static bool is_word(const char *word, size_t length, const char *text)
{
	return strlen(text) == length && !memcmp(word, text, length);
}

static int write_place(const struct flame *flame, const char *word, size_t length, FILE *out)
{
	static const char hashes[] = "hash:";

	if (is_word(word, length, "data"))
		return flame_write_data(flame, out);
	if (is_word(word, length, "title"))
		return write_title(flame, out);
	if (!strncmp(word, hashes, sizeof(hashes) - 1))
		return write_hashes(word + sizeof(hashes) - 1, length - (sizeof(hashes) - 1), out);
	return write_file(word, length, out);
}

int flame_write_page(const struct flame *flame, FILE *out)
{
	const char *at, *mark, *end;
	size_t size;
	int r = page_find("flamegraph.html", &at, &size);

	while (r >= 0 && (mark = strchr(at, '@')) && (end = strchr(mark + 1, '@'))) {
		fwrite(at, 1, (size_t)(mark - at), out);
		r = write_place(flame, mark + 1, (size_t)(end - mark - 1), out);
		at = end + 1;
	}
	if (r >= 0)
		fputs(at, out);
	return r;
}
