/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/python/definitions.h"

#define R "\xef\xbf\xbd"

static struct definitions *definitions;

static void before(void)
{
	definitions = definitions_new();
	cr_assert_not_null(definitions);
}

static void after(void)
{
	cr_assert_null(definitions_free(definitions));
}

TestSuite(definitions, .init = before, .fini = after);

/* Adds a fragment in memory of exactly its size, so that the sanitizer sees a read behind it. */
static int add(struct ox_fragment part, const void *data)
{
	struct ox_fragment *sent = malloc(sizeof(*sent) + part.bytes);
	int r;

	*sent = part;
	if (part.bytes)
		memcpy(sent + 1, data, part.bytes);
	r = definitions_add(definitions, sent, sizeof(*sent) + part.bytes);
	free(sent);
	return r;
}

static void add_text(uint32_t id, enum ox_fragment_kind kind, const char *text)
{
	size_t n = strlen(text) + (kind == OX_FRAGMENT_CLASS);

	cr_assert_eq(
		add((struct ox_fragment){.id = id, .kind = kind, .width = 1, .bytes = n}, text), 0);
}

static void add_lines(uint32_t id, uint32_t offset, const void *lines, size_t n)
{
	struct ox_fragment part = {
		.id = id, .kind = OX_FRAGMENT_LINES, .bytes = n, .offset = offset};

	cr_assert_eq(add(part, lines), 0);
}

static void add_head(uint32_t id, uint32_t version, int32_t first_line)
{
	struct ox_definition head = {version, first_line};

	cr_assert_eq(add((struct ox_fragment){.id = id, .bytes = sizeof(head)}, &head), 0);
}

/* Adds a definition of 3.8, with line 11 from 0 and 12 from 8 on. */
static void add_whole(uint32_t id, const char *name, const char *module, const char *file)
{
	add_text(id, OX_FRAGMENT_NAME, name);
	add_text(id, OX_FRAGMENT_MODULE, module);
	add_text(id, OX_FRAGMENT_FILE, file);
	add_lines(id, 0, "\0\1\x08\1", 4);
	add_head(id, 0x0308, 10);
}

static uint32_t index_of(uint32_t id)
{
	uint32_t index = UINT32_MAX;

	cr_assert_eq(definitions_find(definitions, id, &index), 0, "%u", id);
	return index;
}

static bool is_there(uint32_t id)
{
	uint32_t index;
	int r = definitions_find(definitions, id, &index);

	cr_assert(r == 0 || r == -ENOENT);
	return r == 0;
}

static void check_index(uint32_t index, uint32_t position, const char *name, const char *module,
			const char *file, uint32_t line)
{
	struct definition found;

	cr_assert_eq(definitions_get(definitions, index, position, &found), 0);
	cr_expect_str_eq(found.name, name, "%s", found.name);
	cr_expect_str_eq(found.module, module, "%s", found.module);
	cr_expect_str_eq(found.file, file, "%s", found.file);
	cr_expect_eq(found.line, line, "%u", found.line);
}

static void check(uint32_t id, uint32_t position, const char *name, const char *module,
		  const char *file, uint32_t line)
{
	check_index(index_of(id), position, name, module, file, line);
}

Test(definitions, are_whole_with_their_head)
{
	struct definition found;

	add_text(7, OX_FRAGMENT_NAME, "work");
	add_text(7, OX_FRAGMENT_MODULE, "app");
	cr_expect_not(is_there(7));
	add_whole(7, "work", "app", "/srv/app.py");
	check(7, 0, "work", "app", "/srv/app.py", 11);
	check(7, 8, "work", "app", "/srv/app.py", 12);
	check(7, OX_PYTHON_NOT_BEGUN, "work", "app", "/srv/app.py", 10);
	cr_expect_not(is_there(8));
	cr_expect_eq(definitions_get(definitions, index_of(7) + 1, 0, &found), -ENOENT);
	cr_expect_eq(definitions_get(definitions, UINT32_MAX, 0, &found), -ENOENT);
}

Test(definitions, of_several_cpus_are_mixed)
{
	static const uint32_t ids[] = {0, UINT32_MAX, 5};
	char name[16];

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		add_text(ids[i], OX_FRAGMENT_NAME, name);
	}
	for (int i = 2; i >= 0; i--)
		add_text(ids[i], OX_FRAGMENT_FILE, "a.py");
	for (int i = 0; i < 3; i++)
		add_lines(ids[i], 0, "\0\1", 2);
	for (int i = 0; i < 3; i++)
		add_lines(ids[i], 2, "\4\2", 2);
	for (int i = 2; i >= 0; i--)
		add_head(ids[i], 0x0309, 100 * i);
	check(0, 4, "f0", "a", "a.py", 3);
	check(UINT32_MAX, 4, "f1", "a", "a.py", 103);
	check(5, 3, "f2", "a", "a.py", 201);
}

Test(definitions, equal_ones_are_one)
{
	size_t bytes;

	add_whole(1, "work", "app", "/srv/app.py");
	add_whole(2, "work", "app", "/srv/app.py");
	add_whole(3, "work", "app", "/srv/other.py");
	add_whole(4, "wor", "kapp", "/srv/app.py");
	cr_expect_eq(index_of(1), index_of(2));
	cr_expect_neq(index_of(1), index_of(3));
	cr_expect_neq(index_of(1), index_of(4));
	add_text(5, OX_FRAGMENT_NAME, "work");
	add_text(5, OX_FRAGMENT_MODULE, "app");
	add_text(5, OX_FRAGMENT_FILE, "/srv/app.py");
	add_lines(5, 0, "\0\1\x08\1", 4);
	add_head(5, 0x0308, 11);
	cr_expect_neq(index_of(1), index_of(5));
	add_lines(6, 0, "\0\1\x08\2", 4);
	add_whole(6, "work", "app", "/srv/app.py"); /* its lines are not at their place */
	cr_expect_neq(index_of(1), index_of(6));
	add_whole(1, "other", "app", "/srv/app.py"); /* a number that comes again */
	check(1, 0, "other", "app", "/srv/app.py", 11);
	check(2, 0, "work", "app", "/srv/app.py", 11);

	bytes = definitions_bytes(definitions);
	for (uint32_t id = 100; id < 1100; id++)
		add_whole(id, "work", "app", "/srv/app.py");
	cr_expect_eq(index_of(1099), index_of(2));
	cr_expect_lt(definitions_bytes(definitions) - bytes, 100000);
}

Test(definitions, texts)
{
	static const uint16_t wide[] = {0x51fd, 0x6570, 0xd800};

	cr_assert_eq(add((struct ox_fragment){.id = 1,
					      .kind = OX_FRAGMENT_NAME,
					      .width = 2,
					      .bytes = sizeof(wide),
					      .is_cut = 1},
			 wide),
		     0);
	add_text(1, OX_FRAGMENT_CLASS, "Kla\xff\nsse");
	add_text(1, OX_FRAGMENT_MODULE, "m\xe9\t");
	add_text(1, OX_FRAGMENT_FILE, "\x01");
	add_head(1, 0x0308, 3);
	check(1, 0, "Kla" R R "sse.函数" R "...", "mé" R, R, 3);

	/* A class that ends before its bytes do, one that does not end, one without a function. */
	cr_assert_eq(
		add((struct ox_fragment){.id = 2, .kind = OX_FRAGMENT_CLASS, .bytes = 6}, "A\0bcd"),
		0);
	add_text(2, OX_FRAGMENT_NAME, "f");
	add_head(2, 0x0308, 3);
	check(2, 0, "A.f", "", "", 3);
	cr_assert_eq(
		add((struct ox_fragment){.id = 3, .kind = OX_FRAGMENT_CLASS, .bytes = 3}, "Abc"),
		0);
	add_text(3, OX_FRAGMENT_NAME, "f");
	add_head(3, 0x0308, 3);
	check(3, 0, "Abc.f", "", "", 3);
	add_text(4, OX_FRAGMENT_CLASS, "A");
	add_head(4, 0x0308, 3);
	check(4, 0, "", "", "", 3);
	add_text(5, OX_FRAGMENT_CLASS, "");
	add_text(5, OX_FRAGMENT_NAME, "f");
	add_head(5, 0x0308, 3);
	check(5, 0, "f", "", "", 3);

	/* No str has this width. */
	cr_assert_eq(
		add((struct ox_fragment){.id = 6, .kind = OX_FRAGMENT_NAME, .width = 3, .bytes = 3},
		    "abc"),
		0);
	add_head(6, 0x0308, 3);
	check(6, 0, "", "", "", 3);
}

Test(definitions, longest_texts)
{
	char raw[OX_FRAGMENT_BYTES_MAX], text[3 * OX_FRAGMENT_BYTES_MAX + 4] = "";

	memset(raw, '\n', sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		memcpy(text + 3 * i, R, 3);
	strcpy(text + 3 * sizeof(raw), "...");
	for (int kind = OX_FRAGMENT_NAME; kind <= OX_FRAGMENT_FILE; kind++)
		if (kind != OX_FRAGMENT_CLASS)
			cr_assert_eq(add((struct ox_fragment){.id = 1,
							      .kind = kind,
							      .width = 1,
							      .bytes = sizeof(raw),
							      .is_cut = 1},
					 raw),
				     0);
	add_head(1, 0x0308, 3);
	check(1, 0, text, text, text, 3);
}

Test(definitions, a_module_that_is_not_known)
{
	static const char *const cases[][2] = {
		{"/srv/app.py", "app"},   {"app.py", "app"},       {"/srv/.py", ".py"},
		{"<string>", "<string>"}, {"/srv/a.pyc", "a.pyc"}, {"/srv/", ""},
		{"/a.py/b", "b"},
	};

	for (uint32_t i = 0; i < array_length(cases); i++) {
		add_whole(i, "f", "", cases[i][0]);
		check(i, 0, "f", cases[i][1], cases[i][0], 11);
	}
}

Test(definitions, lines_come_in_their_order)
{
	/* A gap: what comes behind it is at the wrong place. */
	add_lines(1, 0, "\2\1", 2);
	add_lines(1, 4, "\2\100", 2);
	add_lines(1, 6, "\2\100", 2);
	add_head(1, 0x030a, 10);
	check(1, 0, "", "", "", 11);
	check(1, 2, "", "", "", 10);
	/* None from the first on. */
	add_lines(2, 2, "\2\1", 2);
	add_head(2, 0x030a, 10);
	check(2, 0, "", "", "", 10);
	/* Again, and overlapping. */
	add_lines(3, 0, "\2\1\2\1", 4);
	add_lines(3, 0, "\2\1\2\1", 4);
	add_lines(3, 2, "\2\100\2\100", 4);
	add_lines(3, 4, "\2\2", 2);
	add_head(3, 0x030a, 10);
	check(3, 2, "", "", "", 12);
	check(3, 4, "", "", "", 14);
}

Test(definitions, lines_are_bounded)
{
	static char lines[OX_FRAGMENT_BYTES_MAX];
	uint32_t offset = 0;

	for (size_t i = 0; i < sizeof(lines); i += 2)
		lines[i] = 2;
	lines[1] = 1; /* a line further with each part */
	add_lines(1, 0, lines, 2);
	for (offset = 2; offset < 2 * OX_LINES_BYTES_MAX; offset += sizeof(lines))
		add_lines(1, offset, lines, sizeof(lines));
	add_head(1, 0x030a, 10);
	check(1, OX_LINES_BYTES_MAX - 2, "", "", "", 10 + 1 + OX_LINES_BYTES_MAX / sizeof(lines));
	check(1, OX_LINES_BYTES_MAX, "", "", "", 10);
	cr_expect_lt(definitions_bytes(definitions), 2 * OX_LINES_BYTES_MAX);
}

Test(definitions, forgotten_ones_stay_until_they_expire)
{
	struct definition found;
	uint32_t old, new;
	size_t bytes, empty = definitions_bytes(definitions);

	add_whole(1, "work", "app", "/srv/app.py");
	add_whole(2, "rest", "app", "/srv/app.py");
	add_text(9, OX_FRAGMENT_NAME, "between");
	old = index_of(1);
	bytes = definitions_bytes(definitions);
	definitions_forget(definitions);
	cr_expect_lt(definitions_bytes(definitions), bytes);
	cr_expect_eq(index_of(1), old);
	check(1, 8, "work", "app", "/srv/app.py", 12);

	add_whole(3, "work", "app", "/srv/app.py");
	add_whole(4, "fresh", "app", "/srv/app.py");
	add_whole(2, "anew", "app", "/srv/app.py");
	new = index_of(3);
	cr_expect(new != old &&new != index_of(2) && index_of(4) != old);
	check(2, 0, "anew", "app", "/srv/app.py", 11);
	check(4, 0, "fresh", "app", "/srv/app.py", 11);
	check_index(old, 0, "work", "app", "/srv/app.py", 11);
	check_index(old + 1, 0, "rest", "app", "/srv/app.py", 11);

	definitions_forget(definitions); /* twice: both stay */
	cr_expect_eq(index_of(1), old);
	cr_expect_eq(index_of(3), new);
	add_whole(5, "last", "app", "/srv/app.py");
	add_head(9, 0x0308, 1); /* begun before */
	definitions_expire(definitions);
	for (uint32_t id = 1; id < 5; id++)
		cr_expect_not(is_there(id));
	cr_expect_eq(definitions_get(definitions, old, 0, &found), -ENOENT);
	cr_expect_eq(definitions_get(definitions, new, 0, &found), -ENOENT);
	check(5, 0, "last", "app", "/srv/app.py", 11);
	check(9, 0, "between", "", "", 1);
	definitions_forget(definitions);
	definitions_expire(definitions);
	cr_expect_not(is_there(5));
	cr_expect_eq(definitions_bytes(definitions), empty);
}

Test(definitions, what_is_no_part)
{
	struct {
		struct ox_fragment part;
		char bytes[OX_FRAGMENT_BYTES_MAX + 8];
	} sent = {.part = {.id = 1, .kind = OX_FRAGMENT_NAME, .width = 1, .bytes = 4}};

	cr_expect_eq(definitions_add(definitions, &sent.part, 0), -EBADMSG);
	cr_expect_eq(definitions_add(definitions, &sent.part, sizeof(sent.part) - 1), -EBADMSG);
	cr_expect_eq(definitions_add(definitions, &sent.part, sizeof(sent.part) + 3), -EBADMSG);
	cr_expect_eq(definitions_add(definitions, &sent.part, sizeof(sent.part) + 8), 0);
	sent.part.bytes = UINT32_MAX;
	cr_expect_eq(definitions_add(definitions, &sent.part, sizeof(sent)), -EBADMSG);
	sent.part.bytes = OX_FRAGMENT_BYTES_MAX + 1;
	cr_expect_eq(definitions_add(definitions, &sent.part, sizeof(sent)), -EBADMSG);
	sent.part.bytes = OX_FRAGMENT_BYTES_MAX;
	cr_expect_eq(definitions_add(definitions, &sent.part, sizeof(sent)), 0);
	sent.part.kind = OX_N_PARTS;
	cr_expect_eq(definitions_add(definitions, &sent.part, sizeof(sent)), -EBADMSG);
	sent.part.kind = UINT16_MAX;
	cr_expect_eq(definitions_add(definitions, &sent.part, sizeof(sent)), -EBADMSG);
	sent.part.kind = OX_FRAGMENT_HEAD;
	sent.part.bytes = sizeof(struct ox_definition) - 1;
	cr_expect_eq(definitions_add(definitions, &sent.part, sizeof(sent)), -EBADMSG);
	cr_expect_not(is_there(1));
}
