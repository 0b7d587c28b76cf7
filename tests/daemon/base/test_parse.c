/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"
#include "daemon/base/text.h"

#define UNTOUCHED UINT64_C(0x5555)

struct number_case {
	const char *text;
	int result;
	uint64_t value;
};

#define check_numbers(cases, call)                                                                \
	for (size_t i = 0; i < array_length(cases); i++) {                                        \
		const char *text = cases[i].text;                                                 \
		uint64_t value = UNTOUCHED;                                                       \
		int r = call;                                                                     \
                                                                                                  \
		cr_expect_eq(r, cases[i].result, "\"%s\": %d, not %d", text, r, cases[i].result); \
		cr_expect_eq(value, r < 0 ? UNTOUCHED : cases[i].value, "\"%s\": %lu", text,      \
			     value);                                                              \
	}

Test(parse, u64_takes_digits_only)
{
	static const struct number_case cases[] = {
		{"0", 0, 0},
		{"42", 0, 42},
		{"007", 0, 7},
		{"1000", 0, 1000},
		{"1001", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"99999999999999999999999999", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"-1", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1x", -EINVAL, 0},
		{"0x1", -EINVAL, 0},
		{"99999999999999999999999999x", -EINVAL, 0},
	};
	uint64_t most = 0;

	check_numbers(cases, parse_u64(text, 1000, &value));
	cr_expect_eq(parse_u64("18446744073709551615", UINT64_MAX, &most), 0);
	cr_expect_eq(most, UINT64_MAX);
}

Test(parse, word_is_a_whole_one)
{
	static const char *const words[] = {"self", "total", "name"};
	static const char *const others[] = {"", "nam", "names", "Name", "self|total", " self"};
	unsigned int place = 7;

	for (size_t i = 0; i < array_length(others); i++)
		cr_expect_eq(parse_word(others[i], words, 3, &place), -EINVAL, "%s", others[i]);
	cr_expect_eq(parse_word("name", words, 2, &place), -EINVAL);
	cr_expect_eq(place, 7);
	for (unsigned int i = 0; i < 3; i++)
		cr_expect(parse_word(words[i], words, 3, &place) == 0 && place == i, "%s",
			  words[i]);
}

Test(parse, bool_takes_the_words_of_systemd)
{
	static const char *const yes[] = {"yes", "true", "on", "1", "YES", "True"};
	static const char *const no[] = {"no", "false", "off", "0", "Off"};
	static const char *const neither[] = {"", "2", "yess", "ye", " yes", "yes ", "maybe"};
	bool value = false;

	for (size_t i = 0; i < array_length(yes); i++)
		cr_expect(parse_bool(yes[i], &value) == 0 && value, "%s", yes[i]);
	for (size_t i = 0; i < array_length(no); i++)
		cr_expect(parse_bool(no[i], &value) == 0 && !value, "%s", no[i]);
	value = true;
	for (size_t i = 0; i < array_length(neither); i++)
		cr_expect(parse_bool(neither[i], &value) == -EINVAL && value, "%s", neither[i]);
}

static const struct number_case intervals[] = {
	{"0.01", 0, 10000000},
	{"1e-3", 0, 1000000},
	{"1E-3", 0, 1000000},
	{"2", 0, 2000000000},
	{".5", 0, 500000000},
	{"0.0001", 0, 100000},
	{"0.00009999949", -ERANGE, 0}, /* 99,999.49 ns */
	{"0.0000999995", 0, 100000},   /* rounded, then compared */
	{"10", 0, 10000000000},
	{"10.0000000004", 0, 10000000000},
	{"10.0000000005", -ERANGE, 0},
	{"10.1", -ERANGE, 0},
	{"1e1", 0, 10000000000},
	{"1e+1", 0, 10000000000},
	{"100e-2", 0, 1000000000},
	{"0.000000000000000000000000000001e30", 0, 1000000000},
	{"1000000000000000000000000000000e-30", 0, 1000000000},
	{"0", -ERANGE, 0},
	{"0e9", -ERANGE, 0},
	{"-1", -ERANGE, 0},
	{"-0.5", -ERANGE, 0},
	{"1e9", -ERANGE, 0},
	{"1e99999999999999999999", -ERANGE, 0},
	{"1e-99999999999999999999", -ERANGE, 0},
	{"99999999999999999999999999999999999999", -ERANGE, 0},
	{"nan", -EINVAL, 0},
	{"inf", -EINVAL, 0},
	{"-inf", -EINVAL, 0},
	{"0x1", -EINVAL, 0},
	{"0x1p-1", -EINVAL, 0},
	{"", -EINVAL, 0},
	{"-", -EINVAL, 0},
	{".", -EINVAL, 0},
	{"e3", -EINVAL, 0},
	{"1e", -EINVAL, 0},
	{"1e-", -EINVAL, 0},
	{"1,5", -EINVAL, 0},
	{"+1", -EINVAL, 0},
	{" 1", -EINVAL, 0},
	{"1 ", -EINVAL, 0},
	{"1s", -EINVAL, 0},
	{"1.2.3", -EINVAL, 0},
};

Test(parse, interval_is_exact_and_bounded)
{
	check_numbers(intervals,
		      parse_interval_ns(text, OX_INTERVAL_MIN_NS, OX_INTERVAL_MAX_NS, &value));
}

Test(parse, interval_from_a_double_follows_the_same_rule)
{
	static const struct {
		double seconds;
		int result;
		uint64_t ns;
	} cases[] = {
		{0.01, 0, 10000000},  {0.0001, 0, 100000},     {0.001001, 0, 1001000},
		{10, 0, 10000000000}, {1.0 / 99, 0, 10101010}, {10.1, -ERANGE, 0},
		{0, -ERANGE, 0},      {-1, -ERANGE, 0},        {-0.0, -ERANGE, 0},
		{1e300, -ERANGE, 0},  {-1e300, -ERANGE, 0},    {0.00009, -ERANGE, 0},
		{NAN, -EINVAL, 0},    {INFINITY, -EINVAL, 0},  {-INFINITY, -EINVAL, 0},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		uint64_t ns = UNTOUCHED;
		int r = interval_from_seconds(cases[i].seconds, OX_INTERVAL_MIN_NS,
					      OX_INTERVAL_MAX_NS, &ns);

		cr_expect_eq(r, cases[i].result, "%g: %d", cases[i].seconds, r);
		cr_expect_eq(ns, r < 0 ? UNTOUCHED : cases[i].ns, "%g: %lu", cases[i].seconds, ns);
	}
}

Test(parse, frequency_becomes_an_interval)
{
	static const struct number_case cases[] = {
		{"99", 0, OX_INTERVAL_DEFAULT_NS},
		{"100", 0, 10000000},
		{"0.1", 0, 10000000000},
		{"10000", 0, 100000},
		{"3", 0, 333333333},
		{"0.75", 0, 1333333333},
		{"1.5", 0, 666666667},
		{"10001", -ERANGE, 0},
		{"0.09", -ERANGE, 0},
		{"0", -ERANGE, 0},
		{"-99", -ERANGE, 0},
		{"1e-30", -ERANGE, 0},
		{"nan", -EINVAL, 0},
		{"99Hz", -EINVAL, 0},
		{"", -EINVAL, 0},
	};

	check_numbers(cases,
		      parse_frequency_ns(text, OX_INTERVAL_MIN_NS, OX_INTERVAL_MAX_NS, &value));
}

Test(parse, span_reads_what_systemd_reads)
{
	static const struct number_case cases[] = {
		{"90", 0, 90000000},
		{"5min", 0, 300000000},
		{"1h 30min", 0, 5400000000},
		{"1h30min", 0, 5400000000},
		{"1 h  30 min ", 0, 5400000000},
		{"200ms", 0, 200000},
		{"1.5h", 0, 5400000000},
		{"0.5", 0, 500000},
		{"1us", 0, 1},
		{"1.5us", 0, 1},
		{"2 weeks", 0, 1209600000000},
		{"1M", 0, 2629800000000},
		{"1m", 0, 60000000},
		{"10y", 0, 315576000000000},
		{"10y 1us", -ERANGE, 0},
		{"11y", -ERANGE, 0},
		{"99999999999999999999", -ERANGE, 0},
		{"0", -ERANGE, 0},
		{"0.0000001", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"  ", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"min", -EINVAL, 0},
		{"1 parsec", -EINVAL, 0},
		{"1..5h", -EINVAL, 0},
		{"1.", -EINVAL, 0},
		{"1.h", -EINVAL, 0},
		{"1h,", -EINVAL, 0},
		{"infinity", -EINVAL, 0},
	};

	check_numbers(cases, parse_span_usec(text, &value));
}

Test(parse, bytes_are_powers_of_1024)
{
	static const struct number_case cases[] = {
		{"0", 0, 0},
		{"4096", 0, 4096},
		{"8M", 0, 8388608},
		{"1G", 0, 1073741824},
		{"15E", 0, UINT64_C(15) << 60},
		{"16E", -ERANGE, 0},
		{"18446744073709551616", -ERANGE, 0},
		{"999999999999999999999999999999K", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"M", -EINVAL, 0},
		{"8m", -EINVAL, 0},
		{"8 M", -EINVAL, 0},
		{"8MB", -EINVAL, 0},
		{"-8", -EINVAL, 0},
		{"1.5G", -EINVAL, 0},
	};

	check_numbers(cases, parse_bytes(text, &value));
}

#define R "\xef\xbf\xbd"

Test(parse, text_is_made_harmless)
{
	static const struct {
		const char *in;
		const char *out;
	} cases[] = {
		{"", ""},
		{"plain", "plain"},
		{"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x82",
		 "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x82"},
		{"a\tb\nc\x1b[31m\x7f", "a" R "b" R "c" R "[31m" R},
		{"\xc2\x9b", R},                                 /* C1 */
		{"\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8", R R R}, /* override, isolate, line */
		{"\xc0\x80", R R},                               /* overlong zero */
		{"\xe0\x80\xaf", R R R},                         /* overlong slash */
		{"\xed\xa0\x80", R R R},                         /* surrogate */
		{"\xf4\x90\x80\x80", R R R R},                   /* above U+10FFFF */
		{"\xff\xfe", R R},                               /* never a first byte */
		{"\xe2\x82", R R},                               /* cut short */
		{"\xe2\x82z", R R "z"},                          /* interrupted */
		{"\x80x", R "x"},                                /* begins in the middle */
	};
	char out[64];

	for (size_t i = 0; i < array_length(cases); i++) {
		size_t n = text_clean(cases[i].in, strlen(cases[i].in), out, sizeof(out));

		cr_expect_str_eq(out, cases[i].out, "case %zu: %s", i, out);
		cr_expect_eq(n, strlen(out));
		cr_expect_eq(text_is_clean(cases[i].in), strcmp(cases[i].in, out) == 0, "%zu", i);
		cr_expect(text_is_clean(out));
	}
}

Test(parse, text_is_cut_at_a_character)
{
	char out[8];

	cr_expect_eq(text_clean("ab\xe2\x82\xac", 5, out, 6), 5);
	cr_expect_str_eq(out, "ab\xe2\x82\xac");
	cr_expect_eq(text_clean("ab\xe2\x82\xac", 5, out, 5), 2);
	cr_expect_str_eq(out, "ab");
	cr_expect_eq(text_clean("a\0b", 3, out, sizeof(out)), 5);
	cr_expect_str_eq(out, "a" R "b");
	cr_expect_eq(text_clean("abc", 3, out, 1), 0);
	cr_expect_str_eq(out, "");
	out[0] = 'x';
	cr_expect_eq(text_clean("abc", 3, out, 0), 0);
	cr_expect_eq(out[0], 'x');
}
