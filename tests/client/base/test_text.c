/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "client/base/text.h"
#include "daemon/base/cleanup.h"

#define WIDE      "\xe6\xbc\xa2" /* a Chinese character, two columns */
#define COMBINING "\xcc\x81"     /* an accent that takes no column */
#define UMLAUT    "\xc3\xa4"
#define DOTS      "\xe2\x80\xa6"

static void use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

TestSuite(client_text, .init = use_utf8);

Test(client_text, utf8_is_told_from_the_rest)
{
	static const char *const good[] = {
		"", "a", UMLAUT, WIDE, "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xef\xbf\xbd"};
	static const char *const bad[] = {
		"\x80",             /* continuation alone */
		"\xc3",             /* cut short */
		"\xe6\xbc",         /* cut short */
		"\xc0\xaf",         /* overlong */
		"\xe0\x80\xaf",     /* overlong */
		"\xed\xa0\x80",     /* surrogate */
		"\xf4\x90\x80\x80", /* beyond Unicode */
		"\xff",
		"ok\xc3(",
	};

	for (size_t i = 0; i < array_length(good); i++)
		cr_expect(text_is_utf8(good[i]), "good %zu", i);
	for (size_t i = 0; i < array_length(bad); i++)
		cr_expect_not(text_is_utf8(bad[i]), "bad %zu", i);
}

Test(client_text, width_is_that_of_a_terminal)
{
	cr_expect_eq(text_width(""), 0);
	cr_expect_eq(text_width("abc"), 3);
	cr_expect_eq(text_width(UMLAUT "b"), 2);
	cr_expect_eq(text_width(WIDE WIDE "x"), 5);
	cr_expect_eq(text_width("e" COMBINING), 1);
	cr_expect_eq(text_width("\xff\xfe"), 2);
}

static void expect_cut(const char *text, size_t width, const char *wanted)
{
	_cleanup_free_ char *cut = text_cut_middle(text, width);

	cr_expect_str_eq(cut, wanted, "%s to %zu: %s", text, width, cut);
	cr_expect_leq(text_width(cut), width);
}

Test(client_text, cut_in_the_middle)
{
	expect_cut("abcdef", 6, "abcdef");
	expect_cut("abcdefg", 6, "abc" DOTS "fg");
	expect_cut("abcdefg", 5, "ab" DOTS "fg");
	expect_cut("abcdefg", 2, "a" DOTS);
	expect_cut("abcdefg", 1, DOTS);
	expect_cut("abcdefg", 0, "");
	expect_cut(WIDE WIDE WIDE WIDE, 6, WIDE DOTS WIDE);
	expect_cut("abcde" COMBINING "f" COMBINING, 3, "a" DOTS "f" COMBINING);
}

Test(client_text, a_clean_copy_is_whole)
{
	char dirty[3000], wanted[3 * sizeof(dirty)] = "";
	_cleanup_free_ char *copy = NULL;

	memset(dirty, '\033', sizeof(dirty) - 1);
	dirty[sizeof(dirty) - 1] = '\0';
	for (size_t i = 0; i < sizeof(dirty) - 1; i++)
		strcpy(wanted + 3 * i, "\xef\xbf\xbd");
	copy = text_clean_copy(dirty);
	cr_expect_str_eq(copy, wanted);
}

Test(client_text, intervals)
{
	char text[TEXT_NUMBER_BYTES];

	cr_expect_str_eq(text_format_interval(10101010, text), "10.1ms");
	cr_expect_str_eq(text_format_interval(1e10, text), "10s");
	cr_expect_str_eq(text_format_interval(100000, text), "100us");
	cr_expect_str_eq(text_format_interval(12, text), "12ns");
	cr_expect_str_eq(text_format_interval(1500000000, text), "1.5s");
}

Test(client_text, bytes)
{
	char text[TEXT_NUMBER_BYTES];

	cr_expect_str_eq(text_format_bytes(0, text), "0B");
	cr_expect_str_eq(text_format_bytes(1023, text), "1023B");
	cr_expect_str_eq(text_format_bytes(1536, text), "1.5K");
	cr_expect_str_eq(text_format_bytes(UINT64_C(5) << 30, text), "5.0G");
	cr_expect_str_eq(text_format_bytes(UINT64_MAX, text), "16.0E");
}
