/* SPDX-License-Identifier: MIT */
#include "daemon/python/definition_fragments.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/python/text.h"

/* Each CPU sends one definition at a time, so definitions beyond the number of CPUs have lost a
 * fragment. */
#define UNFINISHED_MAX       256
#define UNFINISHED_BYTES_MAX (4 * (size_t)OX_LINES_BYTES_MAX)

#define CUT "..."

struct unfinished {
	uint32_t id;
	char *texts[OX_N_PARTS]; /* by kind; clean */
	uint8_t *lines;
	size_t n_lines;
	size_t n_lines_max;
	size_t bytes; /* all that this holds */
};

struct definition_fragments {
	struct unfinished *unfinished[UNFINISHED_MAX]; /* the oldest first */
	size_t n;
	size_t bytes; /* of all of them */
};

static void unfinished_free(struct unfinished *unfinished)
{
	for (int kind = 0; kind < OX_N_PARTS; kind++)
		free(unfinished->texts[kind]);
	free(unfinished->lines);
	free(unfinished);
}

static int unfinished_add_text(struct unfinished *unfinished, const struct ox_fragment *part)
{
	const char *data = (const char *)(part + 1);
	/* A character of one byte that is not to be shown becomes 3 bytes, one of 4 bytes 4. */
	size_t size = (size_t)part->bytes * 3 + sizeof(CUT), length;
	_cleanup_free_ char *buffer = malloc(size);
	char *text, **kept = &unfinished->texts[part->kind];

	if (!buffer)
		return -ENOMEM;
	if (part->kind == OX_FRAGMENT_CLASS)
		length = text_clean(data, strnlen(data, part->bytes), buffer, size);
	else
		length = python_text_decode(data, part->bytes, part->width, buffer, size);
	if (part->is_cut)
		strcpy(buffer + length, CUT);
	text = strdup(buffer);
	if (!text)
		return -ENOMEM;
	unfinished->bytes += strlen(text) + 1;
	if (*kept)
		unfinished->bytes -= strlen(*kept) + 1;
	free(*kept);
	*kept = text;
	return 0;
}

/* Adds a piece of the lines. A piece behind a gap would be at the wrong place, and the rest with
 * it: they are passed over. */
static int unfinished_add_lines(struct unfinished *unfinished, const struct ox_fragment *part)
{
	size_t before = unfinished->n_lines_max, n = part->bytes;
	int r;

	assert(unfinished->n_lines <= OX_LINES_BYTES_MAX);
	if (part->offset != unfinished->n_lines)
		return 0;
	if (n > OX_LINES_BYTES_MAX - unfinished->n_lines)
		n = OX_LINES_BYTES_MAX - unfinished->n_lines;
	r = array_reserve(unfinished->lines, unfinished->n_lines_max, unfinished->n_lines + n);
	if (r < 0)
		return r;
	unfinished->bytes += unfinished->n_lines_max - before;
	if (n)
		memcpy(unfinished->lines + unfinished->n_lines, part + 1, n);
	unfinished->n_lines += n;
	return 0;
}

static struct unfinished *parts_find(const struct definition_fragments *parts, uint32_t id,
				     size_t *ret_at)
{
	for (size_t i = parts->n; i-- > 0;) {
		if (parts->unfinished[i]->id != id)
			continue;
		*ret_at = i;
		return parts->unfinished[i];
	}
	return NULL;
}

static void parts_drop_at(struct definition_fragments *parts, size_t at)
{
	struct unfinished **dropped = parts->unfinished + at;

	assert(at < parts->n && (*dropped)->bytes <= parts->bytes);
	parts->bytes -= (*dropped)->bytes;
	unfinished_free(*dropped);
	parts->n--;
	memmove(dropped, dropped + 1, (parts->n - at) * sizeof(*dropped));
}

static struct unfinished *parts_begin(struct definition_fragments *parts, uint32_t id)
{
	struct unfinished *unfinished = calloc(1, sizeof(*unfinished));

	assert(parts->n <= UNFINISHED_MAX);
	if (!unfinished)
		return NULL;
	unfinished->id = id;
	unfinished->bytes = sizeof(*unfinished);
	if (parts->n == UNFINISHED_MAX)
		parts_drop_at(parts, 0);
	parts->unfinished[parts->n++] = unfinished;
	parts->bytes += unfinished->bytes;
	return unfinished;
}

/* Adds a fragment, and drops others where all take too much. One alone is never dropped:
 * UNFINISHED_BYTES_MAX is more than it can have. */
int definition_fragments_add(struct definition_fragments *parts, const struct ox_fragment *part)
{
	struct unfinished *unfinished;
	size_t at, before;
	int r;

	assert(part->kind != OX_FRAGMENT_HEAD && part->kind < OX_N_PARTS);
	assert(part->bytes <= OX_FRAGMENT_BYTES_MAX);
	unfinished = parts_find(parts, part->id, &at);
	if (!unfinished)
		unfinished = parts_begin(parts, part->id);
	if (!unfinished)
		return -ENOMEM;
	before = unfinished->bytes;
	r = part->kind == OX_FRAGMENT_LINES ? unfinished_add_lines(unfinished, part)
					    : unfinished_add_text(unfinished, part);
	parts->bytes += unfinished->bytes - before;
	while (parts->bytes > UNFINISHED_BYTES_MAX)
		parts_drop_at(parts, parts->unfinished[0] == unfinished);
	return r;
}

void definition_fragments_get(const struct definition_fragments *parts, uint32_t id,
			      struct definition_pieces *ret)
{
	static const struct unfinished nothing;
	const struct unfinished *found;
	size_t at;

	found = parts_find(parts, id, &at);
	if (!found)
		found = &nothing;
	for (int kind = 0; kind < OX_N_PARTS; kind++)
		ret->texts[kind] = found->texts[kind] ? found->texts[kind] : "";
	ret->lines = found->lines;
	ret->n_lines = found->n_lines;
}

void definition_fragments_drop(struct definition_fragments *parts, uint32_t id)
{
	size_t at;

	if (parts_find(parts, id, &at))
		parts_drop_at(parts, at);
}

size_t definition_fragments_bytes(const struct definition_fragments *parts)
{
	return sizeof(*parts) + parts->bytes;
}

struct definition_fragments *definition_fragments_new(void)
{
	return calloc(1, sizeof(struct definition_fragments));
}

struct definition_fragments *definition_fragments_free(struct definition_fragments *parts)
{
	while (parts && parts->n)
		parts_drop_at(parts, parts->n - 1);
	free(parts);
	return NULL;
}
