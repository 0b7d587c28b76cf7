/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/text.h"
#include "daemon/python/text.h"

#define R "\xef\xbf\xbd"

static void check(const void *data, size_t n_bytes, unsigned width, size_t size, const char *text)
{
	char *ret = malloc(size); /* so that the sanitizer sees one byte too many */
	size_t length = python_text_decode(data, n_bytes, width, ret, size);

	cr_expect_str_eq(ret, text, "\"%s\", not \"%s\"", ret, text);
	cr_expect_eq(length, strlen(text));
	free(ret);
}

#define latin(text)        text, sizeof(text) - 1, 1
#define points(width, ...) (const width[]){__VA_ARGS__}, sizeof((const width[]){__VA_ARGS__})
#define wide(...)          points(uint16_t, __VA_ARGS__), 2
#define wider(...)         points(uint32_t, __VA_ARGS__), 4

Test(python_text, of_each_width)
{
	check(latin("work"), 64, "work");
	check(latin("fonction_\xe9\xff"), 64, "fonction_é\xc3\xbf");
	check(wide(0x51fd, 0x6570, 'a', 0x7ff, 0x800), 64, "函数a\xdf\xbf\xe0\xa0\x80");
	check(wider(0x1f600, 0x10ffff, 0xffff, 'b', 0xe9), 64,
	      "\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\xef\xbf\xbf"
	      "bé");
}

Test(python_text, without_characters)
{
	check(latin(""), 64, "");
	check(NULL, 0, 1, 4, "");
	check("a", 1, 2, 4, "");
	check("a\0b", 3, 2, 4, "a"); /* half a character is none */
	for (unsigned width = 0; width < 12; width++)
		if (width != 1 && width != 2 && width != 4)
			check("abcdabcd", 8, width, 64, "");
}

Test(python_text, what_is_no_character)
{
	check(wide('a', 0xd800, 0xdfff, 0xd7ff, 0xe000), 64, "a" R R "\xed\x9f\xbf\xee\x80\x80");
	check(wide(0xd83d, 0xde00), 64, R R); /* a pair is two lone ones in a Python str */
	check(wider(0x110000, 0xffffffff, 0xdc80, 'a'), 64, R R R "a");
}

Test(python_text, control_characters)
{
	check(latin("a\tb\nc\x1b[31m\x7f\x80\x9f\xa0"), 64,
	      "a" R "b" R "c" R "[31m" R R R "\xc2\xa0");
	check((const char[]){'a', 0, 'b'}, 3, 1, 64, "a" R "b");
	check(wide(0x2027, 0x2028, 0x202e, 0x202f, 0x2066, 0x1b), 64,
	      "\xe2\x80\xa7" R R "\xe2\x80\xaf" R R);
	check(wider(0x2069, 0x206a), 64, R "\xe2\x81\xaa");
}

Test(python_text, is_cut_between_characters)
{
	check(latin("abcdef"), 7, "abcdef");
	check(latin("abcdef"), 6, "ab...");
	check(latin("abcdef"), 4, "...");
	check(latin("abc"), 4, "abc");
	check(latin("\xe9\xe9\xe9\xe9"), 9, "éééé");
	check(latin("\xe9\xe9\xe9\xe9"), 8, "éé...");
	check(latin("\xe9\xe9\xe9\xe9"), 7, "é...");
	check(wide(0x51fd, 0x6570, 0x51fd), 9, "函...");
	check(wide(0x51fd, 0x6570, 0x51fd), 10, "函数函");
	check(wider(0x1f600, 0x1f600), 8, "\xf0\x9f\x98\x80...");
	check(wider(0x1f600, 0x1f600), 7, "...");
}

Test(python_text, whatever_it_is_it_is_clean)
{
	unsigned seed = 3;

	for (int round = 0; round < 20000; round++) {
		uint8_t data[64];
		size_t size = 4 + (size_t)rand_r(&seed) % 200, n = (size_t)rand_r(&seed) % 64;
		char *text = malloc(size);

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)(rand_r(&seed) % 3 ? rand_r(&seed) : 0);
		cr_assert_lt(python_text_decode(data, n, 1u << rand_r(&seed) % 3, text, size),
			     size);
		cr_assert(text_is_clean(text));
		free(text);
	}
}
