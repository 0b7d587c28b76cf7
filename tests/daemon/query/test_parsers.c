/* SPDX-License-Identifier: MIT */
/*
 * Every parser of text from outside gets random bytes: none may crash, read beyond its buffer
 * (which a build with sanitizers shows), accept a text that its contract refuses, or write a result
 * and return an error. The seeds are fixed, so that a failure can be repeated.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/config.h"
#include "daemon/base/json.h"
#include "daemon/base/parse.h"
#include "daemon/base/table.h"
#include "daemon/base/target.h"
#include "daemon/base/text.h"
#include "daemon/query/pattern.h"

define_cleanup(struct pattern *, pattern_free);
define_cleanup(struct table *, table_free);

#define ROUNDS    20000
#define BYTES_MAX 300
#define UNTOUCHED UINT64_C(0x1234567890)

static const char *const seeds[] = {
	"0",
	"18446744073709551615",
	"0.0001",
	"1.5e-3",
	"99",
	"1h 30min 5.25s",
	"10y",
	"64M",
	"yes",
	"now",
	"-1h 5min",
	"yesterday UTC",
	"2026-11-23 14:03:07 UTC",
	"@1795442587",
	"pid:42",
	"comm:tmux: server",
	"unit:getty@tty1.service",
	"cgroup:/system.slice/app.service",
	"user:alice",
	"all",
	"# c\n[Sampling]\nInterval=0.5\nFrequency=\n[Storage]\nPath=/srv/ox.db\nMaxSize=1G\n",
	"^(?P<n>a|b)[^x]*(?=c)\\w+\\1(?i:\xc3\xbc)$",
	"std::vector<int>::_M_realloc_insert(libstdc++.so.6)",
	"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x82 \xed\xa0\x80 \xff\x1b[31m",
};

/* Characters on which the parsers decide. */
static const char spice[] = "0123456789.eE-+:@/ \t\n[]=#;\\()*?{}|^$<>KMGTPEhms\x80\xc3\xff\x01";

static size_t below(size_t n)
{
	return (size_t)random() % n;
}

/* Makes a text in a block of just its size, so that sanitizers see a read behind its end. */
static char *make_text(size_t *ret_length)
{
	const char *seed = seeds[below(array_length(seeds))];
	char text[BYTES_MAX + 1];
	size_t length = strlen(seed);
	char *copy;

	memcpy(text, seed, length);
	for (size_t n = below(6); n > 0; n--) {
		size_t at = below(length + 1), kind = below(4);
		char c = below(4) ? spice[below(sizeof(spice) - 1)] : (char)(1 + below(255));

		if (kind == 0 && length < BYTES_MAX) {
			memmove(text + at + 1, text + at, length - at);
			text[at] = c;
			length++;
		} else if (kind == 1 && at < length) {
			text[at] = c;
		} else if (kind == 2) {
			length = at;
		} else if (length * 2 <= BYTES_MAX) {
			memcpy(text + length, text, length);
			length *= 2;
		}
	}
	copy = malloc(length + 1);
	cr_assert_not_null(copy);
	memcpy(copy, text, length);
	copy[length] = '\0';
	*ret_length = length;
	return copy;
}

static void check_numbers(const char *text)
{
	const uint64_t min = OX_INTERVAL_MIN_NS, max = OX_INTERVAL_MAX_NS;
	uint64_t value = UNTOUCHED;
	bool flag;
	int r;

	r = parse_u64(text, 1000, &value);
	cr_assert(r == 0 ? value <= 1000 : value == UNTOUCHED, "u64 %s", text);
	value = UNTOUCHED;
	r = parse_interval_ns(text, min, max, &value);
	cr_assert(r == 0 ? value >= min && value <= max : value == UNTOUCHED, "%s", text);
	value = UNTOUCHED;
	r = parse_frequency_ns(text, min, max, &value);
	cr_assert(r == 0 ? value >= min && value <= max : value == UNTOUCHED, "%s", text);
	value = UNTOUCHED;
	r = parse_span_usec(text, &value);
	cr_assert(r == 0 ? value && value <= UINT64_C(315576000000000) : value == UNTOUCHED, "%s",
		  text);
	value = UNTOUCHED;
	r = parse_bytes(text, &value);
	cr_assert(r == 0 || value == UNTOUCHED, "bytes %s", text);
	parse_bool(text, &flag);
}

static void check_time(const char *text)
{
	uint64_t usec = UNTOUCHED;
	char formatted[CLOCK_TEXT_BYTES];
	int r = clock_parse_time(text, UINT64_C(1795442587000000), &usec);

	cr_assert(r == 0 || usec == UNTOUCHED, "%s", text);
	clock_format_local(usec, formatted);
	clock_format_span(usec, formatted);
}

static void check_target(const char *text)
{
	struct target target = {.pid = 77}, again;
	int r = target_parse(text, &target);

	if (r < 0) {
		cr_assert_eq(target.pid, 77);
		return;
	}
	cr_assert(text_is_clean(target.text), "%s", text);
	cr_assert_eq(target_parse(target.text, &again), 0, "%s", target.text);
	cr_assert_str_eq(again.text, target.text);
}

static void note(void *userdata, const char *file, unsigned line, const char *why)
{
	cr_assert(text_is_clean(why));
	cr_assert_gt(line, 0);
	++*(int *)userdata;
}

static void check_config(const char *text, size_t length)
{
	struct config config;
	int n = 0;

	config_init(&config);
	cr_assert_eq(config_parse(&config, "fuzz", text, length, note, &n), n);
	cr_assert(config.interval_ns >= OX_INTERVAL_MIN_NS &&
		  config.interval_ns <= OX_INTERVAL_MAX_NS);
	cr_assert(config.database[0] == '/' && text_is_clean(config.database));
}

static void check_pattern(const char *text)
{
	_cleanup_(pattern_free_p) struct pattern *pattern = NULL;
	char why[128] = "";
	int r = pattern_new(text, &pattern, why, sizeof(why));

	cr_assert(r == 0 || (r == -EINVAL && *why), "%s", text);
	for (size_t i = 0; i < array_length(seeds) && pattern; i++) {
		r = pattern_search(pattern, seeds[i]);
		cr_assert(r == 0 || r == 1 || r == -ELOOP, "%s: %d", text, r);
	}
}

/* Checks that a clean text stays as it is, that no text overruns its buffer, and that JSON stays
 * one line. */
static void check_clean(const char *text, size_t length)
{
	size_t size = 1 + below(2 * BYTES_MAX), n, again;
	_cleanup_free_ char *clean = malloc(size), *twice = malloc(size), *json_text = NULL;
	FILE *out = open_memstream(&json_text, &(size_t){0});
	struct json json = {out, 1};

	n = text_clean(text, length, clean, size);
	cr_assert(n < size && strlen(clean) == n && text_is_clean(clean));
	again = text_clean(clean, n, twice, size);
	cr_assert(again == n && strcmp(clean, twice) == 0);
	cr_assert(!text_is_clean(text) || strncmp(text, clean, n) == 0);
	json_add_text(&json, NULL, text);
	fclose(out);
	for (const char *c = json_text; *c; c++)
		cr_assert((unsigned char)*c >= 0x20);
}

Test(parsers, bear_any_bytes)
{
	srandom(20261123);
	for (int i = 0; i < ROUNDS; i++) {
		size_t length;
		_cleanup_free_ char *text = make_text(&length);

		check_numbers(text);
		check_time(text);
		check_target(text);
		check_config(text, length);
		check_clean(text, length);
		if (i % 10 == 0)
			check_pattern(text);
	}
}

/* A parser that refuses everything would pass the test above, so the valid texts must be taken. */
Test(parsers, take_their_seeds)
{
	unsigned taken = 0;

	for (size_t i = 0; i < array_length(seeds); i++) {
		struct target target;
		uint64_t value;

		taken += parse_interval_ns(seeds[i], 0, UINT64_MAX, &value) == 0;
		taken += parse_span_usec(seeds[i], &value) == 0;
		taken += parse_bytes(seeds[i], &value) == 0;
		taken += clock_parse_time(seeds[i], UNTOUCHED, &value) == 0;
		taken += target_parse(seeds[i], &target) == 0;
	}
	cr_expect_eq(taken, 4 + 5 + 4 + 4 + 6, "%u", taken);
}

Test(parsers, table_agrees_with_a_list)
{
	_cleanup_(table_free_p) struct table *table = table_new();
	char *texts[2000];
	size_t lengths[2000];
	uint32_t n = 0;

	srandom(7);
	for (int i = 0; i < 2000; i++) {
		size_t length;
		char *text = make_text(&length);
		uint32_t index, expected = 0;

		while (expected < n &&
		       (lengths[expected] != length || memcmp(texts[expected], text, length) != 0))
			expected++;
		cr_assert_eq(table_intern(table, text, length, &index), expected == n);
		cr_assert_eq(index, expected);
		if (expected < n) {
			free(text);
			continue;
		}
		texts[n] = text;
		lengths[n++] = length;
	}
	cr_assert_eq(table_count(table), n);
	while (n > 0)
		free(texts[--n]);
}
