/* SPDX-License-Identifier: MIT */
/*
 * A generation is two tables: contents, whose indexes are handed out, and numbers, each of which
 * has a content. Forgetting begins a new generation; the older ones are still searched.
 */
#include "daemon/python/definitions.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "daemon/python/definition_fragments.h"
#include "daemon/python/lines.h"

/* A key of the table of contents: this struct, the texts with a NUL each, the lines. */
struct definition_content {
	uint32_t version;
	int32_t first_line;
	uint32_t module; /* where the texts and lines begin in bytes; the name at 0 */
	uint32_t file;
	uint32_t lines;
	char bytes[];
};

struct generation {
	struct generation *older;
	struct table *contents;
	struct table *ids;
	uint32_t *content_of; /* by the index of the id */
	size_t n_content_of_max;
	uint32_t base; /* the index of the first content */
};

struct definitions {
	struct generation *newest;
	struct definition_fragments *parts;
};

static struct generation *generation_free(struct generation *generation)
{
	table_free(generation->contents);
	table_free(generation->ids);
	free(generation->content_of);
	free(generation);
	return NULL;
}
define_cleanup(struct generation *, generation_free);

static struct generation *generation_new(uint32_t base)
{
	_cleanup_(generation_free_p) struct generation *generation = calloc(1, sizeof(*generation));

	if (!generation)
		return NULL;
	generation->base = base;
	generation->contents = table_new();
	generation->ids = table_new();
	if (!generation->contents || !generation->ids)
		return NULL;
	return take_ptr(generation);
}

/* Adds a content by its id. An id that comes again has the content that came last. */
static int generation_add(struct generation *generation, uint32_t id,
			  const struct definition_content *content, size_t length)
{
	uint32_t index, number;
	int r = array_reserve(generation->content_of, generation->n_content_of_max,
			      (size_t)table_count(generation->ids) + 1);

	if (r < 0)
		return r;
	r = table_intern(generation->contents, content, length, &index);
	if (r < 0)
		return r;
	r = table_intern(generation->ids, &id, sizeof(id), &number);
	if (r < 0)
		return r;
	generation->content_of[number] = index;
	return 0;
}

/* Finds the module by the file, for code whose globals do not say it: "/a/b.py" is "b". */
static const char *find_module(const char *file, size_t *ret_length)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;
	size_t length = strlen(name);

	if (length > 3 && strcmp(name + length - 3, ".py") == 0)
		length -= 3;
	*ret_length = length;
	return name;
}

static char *append(char *at, const char *text, size_t length)
{
	at = mempcpy(at, text, length);
	*at++ = '\0';
	return at;
}

static struct definition_content *content_new(const struct definition_pieces *pieces,
					      const struct ox_definition *head, size_t *ret_length)
{
	const char *class = pieces->texts[OX_FRAGMENT_CLASS],
		   *name = pieces->texts[OX_FRAGMENT_NAME];
	const char *module = pieces->texts[OX_FRAGMENT_MODULE],
		   *file = pieces->texts[OX_FRAGMENT_FILE];
	size_t length = strlen(module);
	struct definition_content *content;
	char *at;

	if (!length)
		module = find_module(file, &length);
	content = calloc(1, sizeof(*content) + strlen(class) + strlen(name) + length +
				    strlen(file) + sizeof(".") + 3 + pieces->n_lines);
	if (!content)
		return NULL;
	content->version = head->version;
	content->first_line = head->first_line;
	at = content->bytes;
	if (*class && *name)
		at = stpcpy(stpcpy(at, class), ".");
	at = append(at, name, strlen(name));
	content->module = (uint32_t)(at - content->bytes);
	at = append(at, module, length);
	content->file = (uint32_t)(at - content->bytes);
	at = append(at, file, strlen(file));
	content->lines = (uint32_t)(at - content->bytes);
	if (pieces->n_lines)
		at = mempcpy(at, pieces->lines, pieces->n_lines);
	*ret_length = (size_t)(at - (char *)content);
	return content;
}

static int definitions_complete(struct definitions *definitions, const struct ox_fragment *part)
{
	_cleanup_free_ struct definition_content *content = NULL;
	struct definition_pieces pieces;
	struct ox_definition head;
	size_t length = 0;
	int r = -ENOMEM;

	memcpy(&head, part + 1, sizeof(head));
	definition_fragments_get(definitions->parts, part->id, &pieces);
	content = content_new(&pieces, &head, &length);
	if (content)
		r = generation_add(definitions->newest, part->id, content, length);
	definition_fragments_drop(definitions->parts, part->id);
	return r;
}

static bool fragment_is_valid(const struct ox_fragment *part, size_t size)
{
	return size >= sizeof(*part) && part->bytes <= size - sizeof(*part) &&
	       part->bytes <= OX_FRAGMENT_BYTES_MAX && part->kind < OX_N_PARTS &&
	       (part->kind != OX_FRAGMENT_HEAD || part->bytes >= sizeof(struct ox_definition));
}

int definitions_add(struct definitions *definitions, const struct ox_fragment *part, size_t size)
{
	if (!fragment_is_valid(part, size))
		return -EBADMSG;
	if (part->kind == OX_FRAGMENT_HEAD)
		return definitions_complete(definitions, part);
	return definition_fragments_add(definitions->parts, part);
}

struct definitions *definitions_free(struct definitions *definitions)
{
	if (!definitions)
		return NULL;
	definition_fragments_free(definitions->parts);
	if (definitions->newest) {
		definitions_expire(definitions);
		generation_free(definitions->newest);
	}
	free(definitions);
	return NULL;
}
define_cleanup(struct definitions *, definitions_free);

struct definitions *definitions_new(void)
{
	_cleanup_(definitions_free_p) struct definitions *definitions =
		calloc(1, sizeof(*definitions));

	if (!definitions)
		return NULL;
	definitions->parts = definition_fragments_new();
	definitions->newest = generation_new(0);
	if (!definitions->parts || !definitions->newest)
		return NULL;
	return take_ptr(definitions);
}

int definitions_find(const struct definitions *definitions, uint32_t id, uint32_t *ret_index)
{
	const struct generation *generation;
	uint32_t number;

	for (generation = definitions->newest; generation; generation = generation->older) {
		if (table_find(generation->ids, &id, sizeof(id), &number) < 0)
			continue;
		*ret_index = generation->base + generation->content_of[number];
		return 0;
	}
	return -ENOENT;
}

int definitions_get(const struct definitions *definitions, uint32_t index, uint32_t position,
		    struct definition *ret)
{
	const struct generation *generation = definitions->newest;
	const struct definition_content *content;
	size_t length, lines;

	while (generation && index - generation->base >= table_count(generation->contents))
		generation = generation->older;
	if (!generation)
		return -ENOENT;
	content = table_get_key(generation->contents, index - generation->base, &length);
	lines = offsetof(struct definition_content, bytes) + content->lines;
	*ret = (struct definition){
		.name = content->bytes,
		.module = content->bytes + content->module,
		.file = content->bytes + content->file,
		.line = python_lines_find(content->version, (const uint8_t *)content + lines,
					  length - lines, content->first_line, position),
	};
	return 0;
}

size_t definitions_bytes(const struct definitions *definitions)
{
	const struct generation *newest = definitions->newest;

	return sizeof(*definitions) + sizeof(*newest) +
	       definition_fragments_bytes(definitions->parts) + table_bytes(newest->contents) +
	       table_bytes(newest->ids) + newest->n_content_of_max * sizeof(*newest->content_of);
}

/* Begins a new generation. Without memory for one nothing is forgotten yet: a caller that is
 * bounded asks again. */
void definitions_forget(struct definitions *definitions)
{
	struct generation *newest = definitions->newest;
	struct generation *next = generation_new(newest->base + table_count(newest->contents));

	if (!next)
		return;
	next->older = newest;
	definitions->newest = next;
}

void definitions_expire(struct definitions *definitions)
{
	struct generation *next, *older = definitions->newest->older;

	definitions->newest->older = NULL;
	for (; older; older = next) {
		next = older->older;
		generation_free(older);
	}
}
