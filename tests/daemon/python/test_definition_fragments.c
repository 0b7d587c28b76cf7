/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/python/definition_fragments.h"

#define UNFINISHED 256 /* how many a definition may be interrupted by */

static struct definition_fragments *parts;

static void before(void)
{
	parts = definition_fragments_new();
	cr_assert_not_null(parts);
}

static void after(void)
{
	cr_assert_null(definition_fragments_free(parts));
}

TestSuite(definition_fragments, .init = before, .fini = after);

/* Adds a fragment in memory of exactly its size, so that the sanitizer sees a read behind it. */
static void add(struct ox_fragment part, const void *data)
{
	struct ox_fragment *sent = malloc(sizeof(*sent) + part.bytes);

	*sent = part;
	memcpy(sent + 1, data, part.bytes);
	cr_assert_eq(definition_fragments_add(parts, sent), 0);
	free(sent);
}

static void add_text(uint32_t id, enum ox_fragment_kind kind, const char *text)
{
	add((struct ox_fragment){.id = id, .kind = kind, .width = 1, .bytes = strlen(text)}, text);
}

static void add_lines(uint32_t id, size_t n_parts)
{
	static const char lines[OX_FRAGMENT_BYTES_MAX];

	for (size_t i = 0; i < n_parts; i++)
		add((struct ox_fragment){.id = id,
					 .kind = OX_FRAGMENT_LINES,
					 .bytes = sizeof(lines),
					 .offset = i * sizeof(lines)},
		    lines);
}

static struct definition_pieces get(uint32_t id)
{
	struct definition_pieces pieces;

	definition_fragments_get(parts, id, &pieces);
	return pieces;
}

static void check_name(uint32_t id, const char *name)
{
	cr_expect_str_eq(get(id).texts[OX_FRAGMENT_NAME], name, "%u: %s", id,
			 get(id).texts[OX_FRAGMENT_NAME]);
}

Test(definition_fragments, are_of_their_definition)
{
	size_t bytes = definition_fragments_bytes(parts);

	add_text(1, OX_FRAGMENT_NAME, "one");
	add_text(2, OX_FRAGMENT_NAME, "two");
	add_text(1, OX_FRAGMENT_FILE, "/srv/one.py");
	add_lines(2, 1);
	check_name(1, "one");
	check_name(2, "two");
	cr_expect_str_eq(get(1).texts[OX_FRAGMENT_FILE], "/srv/one.py");
	cr_expect_str_eq(get(2).texts[OX_FRAGMENT_FILE], "");
	cr_expect_eq(get(1).n_lines, 0);
	cr_expect_eq(get(2).n_lines, OX_FRAGMENT_BYTES_MAX);
	check_name(3, "");
	definition_fragments_drop(parts, 1);
	check_name(1, "");
	check_name(2, "two");
	definition_fragments_drop(parts, 1);
	definition_fragments_drop(parts, 2);
	cr_expect_eq(definition_fragments_bytes(parts), bytes);
}

Test(definition_fragments, are_no_more_than_so_many)
{
	for (uint32_t id = 0; id < UNFINISHED; id++)
		add_text(id, OX_FRAGMENT_NAME, "name");
	check_name(0, "name"); /* they were all kept */
	add_text(1000, OX_FRAGMENT_NAME, "name");
	check_name(0, ""); /* the oldest was dropped, and no other */
	for (uint32_t id = 1; id < UNFINISHED; id++)
		check_name(id, "name");
	check_name(1000, "name");
	/* Not the one whose part came last. */
	add_text(1, OX_FRAGMENT_FILE, "file");
	check_name(1, "name");
}

Test(definition_fragments, are_no_more_than_so_many_bytes)
{
	size_t bytes = definition_fragments_bytes(parts);

	for (uint32_t id = 0; id < UNFINISHED; id++)
		add_lines(id, OX_LINES_BYTES_MAX / OX_FRAGMENT_BYTES_MAX / 8);
	cr_expect_lt(definition_fragments_bytes(parts) - bytes, 5 * OX_LINES_BYTES_MAX);
	cr_expect_eq(get(0).n_lines, 0);
	cr_expect_eq(get(UNFINISHED - 1).n_lines, OX_LINES_BYTES_MAX / 8);
}

/* The definition that takes most is not dropped for its own growth, although it is the oldest. */
Test(definition_fragments, one_that_grows_is_kept)
{
	add_text(1, OX_FRAGMENT_NAME, "large");
	for (uint32_t id = 2; id < 22; id++)
		add_lines(id, OX_LINES_BYTES_MAX / OX_FRAGMENT_BYTES_MAX / 8);
	add_lines(1, OX_LINES_BYTES_MAX / OX_FRAGMENT_BYTES_MAX);
	for (uint32_t id = 26; id < 42; id++)
		add_text(id, OX_FRAGMENT_NAME, "small");
	check_name(1, "large");
	cr_expect_eq(get(1).n_lines, OX_LINES_BYTES_MAX);
	check_name(41, "small");
}
