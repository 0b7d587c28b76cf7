/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/json.h"

typedef void (*write_fn)(struct json *json);

static void expect_json(write_fn fn, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct json json = {out, 1};

	fn(&json);
	fclose(out);
	cr_expect_str_eq(text, expected, "%s", text);
}

static void write_object(struct json *json)
{
	json_open(json, NULL, '{');
	json_add_text(json, "text", "a");
	json_add_u64(json, "most", UINT64_MAX);
	json_open(json, "empty", '{');
	json_close(json, '}');
	json_open(json, "array", '[');
	json_add_u64(json, NULL, 1);
	json_open(json, NULL, '{');
	json_add_bool(json, "yes", 1);
	json_add_bool(json, "no", 0);
	json_close(json, '}');
	json_open(json, NULL, '[');
	json_close(json, ']');
	json_add_null(json, NULL);
	json_close(json, ']');
	json_add_null(json, "last");
	json_close(json, '}');
}

Test(json, puts_the_commas)
{
	expect_json(write_object, "{\"text\":\"a\",\"most\":18446744073709551615,\"empty\":{},"
				  "\"array\":[1,{\"yes\":true,\"no\":false},[],null],"
				  "\"last\":null}");
}

static void write_texts(struct json *json)
{
	json_open(json, NULL, '[');
	json_add_text(json, NULL, NULL);
	json_add_text(json, NULL, "");
	json_add_text(json, NULL, "\"\\/\x01\n\x1f\x7f");
	json_add_text(json, NULL, "gr\xc3\xbc\xc3\x9f");
	json_close(json, ']');
}

Test(json, escapes)
{
	expect_json(write_texts,
		    "[null,null,\"\\\"\\\\/\\u0001\\u000a\\u001f\x7f\",\"gr\xc3\xbc\xc3\x9f\"]");
}

static void write_quoted_key(struct json *json)
{
	json_open(json, NULL, '{');
	json_add_u64(json, "a\"b", 1);
	json_close(json, '}');
}

Test(json, escapes_keys)
{
	expect_json(write_quoted_key, "{\"a\\\"b\":1}");
}

static void write_numbers(struct json *json)
{
	json_open(json, NULL, '[');
	json_add_double(json, NULL, 0.31);
	json_add_double(json, NULL, 0.1 + 0.2);
	json_add_double(json, NULL, 0);
	json_add_double(json, NULL, -1.5e300);
	json_add_double(json, NULL, NAN);
	json_add_double(json, NULL, -INFINITY);
	json_close(json, ']');
}

Test(json, numbers_read_back_as_they_were)
{
	expect_json(write_numbers, "[0.31,0.30000000000000004,0,-1.5e+300,null,null]");
}

/* A program that followed its user's locale would write 0,31 where one is installed. */
Test(json, numbers_have_a_point_in_every_locale)
{
	static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "fa_IR.UTF-8"};

	size_t i = 0;

	while (i < array_length(locales) && !setlocale(LC_NUMERIC, locales[i]))
		i++;
	if (i == array_length(locales))
		cr_skip_test("no locale with a decimal comma is installed");
	expect_json(write_numbers, "[0.31,0.30000000000000004,0,-1.5e+300,null,null]");
}
