/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/query/pattern.h"

define_cleanup(struct pattern *, pattern_free);

static int search(const char *regex, const char *text)
{
	_cleanup_(pattern_free_p) struct pattern *pattern = NULL;
	char why[128] = "";

	cr_assert_eq(pattern_new(regex, &pattern, why, sizeof(why)), 0, "%s: %s", regex, why);
	return pattern_search(pattern, text);
}

Test(pattern, searches_as_python_does)
{
	cr_expect_eq(search("leaf", "my_leaf_a(__main__)"), 1);
	cr_expect_eq(search("Leaf", "my_leaf_a(__main__)"), 0);
	cr_expect_eq(search("(?i)Leaf", "my_leaf_a(__main__)"), 1);
	cr_expect_eq(search("^leaf", "my_leaf_a"), 0);
	cr_expect_eq(search("_a$", "my_leaf_a"), 1);
	cr_expect_eq(search("", ""), 1);
	cr_expect_eq(search("\\(libc\\.so\\.6\\)$", "malloc(libc.so.6)"), 1);
	cr_expect_eq(search("^(?P<name>a|b)(?P=name)$", "bb"), 1);
	cr_expect_eq(search("(?<=x)y(?!z)", "xyz xy"), 1);
}

Test(pattern, knows_characters_not_bytes)
{
	cr_expect_eq(search("^gr.n$", "gr\xc3\xbcn"), 1);
	cr_expect_eq(search("^\\w+$", "gr\xc3\xbcn"), 1);
	cr_expect_eq(search("(?i)GR\xc3\x9cN", "gr\xc3\xbcn"), 1);
}

Test(pattern, bears_text_that_is_no_utf8)
{
	cr_expect_eq(search("main", "\xff\xfe main \xc3"), 1);
	cr_expect_eq(search("^.$", "\xff"), 0);
}

Test(pattern, says_why_and_where)
{
	static const struct {
		const char *regex;
		const char *why;
	} cases[] = {
		{"(", "not a regular expression: missing closing parenthesis, at position 1"},
		{"a[", "at position 2"},
		{"*", "quantifier does not follow a repeatable item, at position 0"},
		{"\\C", "\\C is disabled"},
		{"\xff", "UTF-8 error"},
		{"((((a{1,100}){1,100}){1,100}){1,100})", "too large"},
	};
	struct pattern *pattern = NULL;
	char why[128];

	for (size_t i = 0; i < array_length(cases); i++) {
		cr_expect_eq(pattern_new(cases[i].regex, &pattern, why, sizeof(why)), -EINVAL);
		cr_expect_not_null(strstr(why, cases[i].why), "%s", why);
	}
	cr_expect_null(pattern);
	cr_expect_null(pattern_free(NULL));
}

Test(pattern, has_a_longest)
{
	_cleanup_(pattern_free_p) struct pattern *pattern = NULL;
	char regex[OX_PATTERN_BYTES_MAX + 2], why[128] = "";

	memset(regex, 'a', sizeof(regex));
	regex[sizeof(regex) - 1] = '\0';
	cr_expect_eq(pattern_new(regex, &pattern, why, sizeof(why)), -E2BIG);
	cr_expect_str_eq(why, "the regular expression is longer than 4096 bytes");
	regex[sizeof(regex) - 2] = '\0';
	cr_expect_eq(pattern_new(regex, &pattern, why, sizeof(why)), 0);
}

/* Without a limit each takes from minutes to longer than the age of the universe. */
Test(pattern, gives_up)
{
	static const char *const cases[] = {
		"^(a+)+$",
		"(a|aa)+$",
		"(*LIMIT_MATCH=4000000000)^(a+)+$",
		"(*NO_START_OPT)(?:a?){60}a{60}c",
		"(*NO_START_OPT)(.*)*\\1c",
		"(*NO_START_OPT)\\p{L}*\\p{Lu}",
		"(*NO_START_OPT)[^x]*x",
		"(*NO_START_OPT)(?i)(a*b?a*)\\1c",
		"(?R)?b",
	};
	const size_t length = 400000;
	_cleanup_free_ char *text = malloc(length + 1);

	memset(text, 'a', length);
	text[length / 2] = 'b';
	text[length] = '\0';
	for (size_t i = 0; i < array_length(cases); i++)
		cr_expect_eq(search(cases[i], text), -ELOOP, "%s", cases[i]);
}

/* One search stays below every limit; the budget is for all searches together. */
Test(pattern, all_searches_share_one_bound)
{
	_cleanup_(pattern_free_p) struct pattern *pattern = NULL;
	char why[128], text[2001];
	int r = 0, n = 0;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cr_assert_eq(pattern_new("(*NO_START_OPT)[^x]*x", &pattern, why, sizeof(why)), 0);
	while (r == 0 && n < 1000) {
		r = pattern_search(pattern, text);
		n += r == 0;
	}
	cr_expect_eq(r, -ELOOP);
	cr_expect(n > 5 && n < 100, "%d", n);
	cr_expect_eq(pattern_search(pattern, "x"), -ELOOP);
}
