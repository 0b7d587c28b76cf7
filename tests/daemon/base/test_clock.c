/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

#define SECOND UINT64_C(1000000)
/* 2026-11-23 14:03:07 UTC is 16:03:07 in the zone of these tests. */
#define NOW (UINT64_C(1795442587) * SECOND + 123456)

static void use_zone(void)
{
	setenv("TZ", "EET-2EEST,M3.5.0/3,M10.5.0/4", 1);
	tzset();
}

TestSuite(clock, .init = use_zone);

Test(clock, reads_the_times_that_people_type)
{
	static const struct {
		const char *text;
		uint64_t usec;
	} cases[] = {
		{"now", NOW},
		{"-5min", NOW - 300 * SECOND},
		{"-1h", NOW - 3600 * SECOND},
		{"-1h 30min", NOW - 5400 * SECOND},
		{"+5min", NOW + 300 * SECOND},
		{"@1795442587", 1795442587 * SECOND},
		{"@0", 0},
		{"@1795442587.25", 1795442587 * SECOND + 250000},
		{"@1795442587.000001", 1795442587 * SECOND + 1},
		{"today", UINT64_C(1795384800) * SECOND},
		{"yesterday", UINT64_C(1795298400) * SECOND},
		{"today UTC", UINT64_C(1795392000) * SECOND},
		{"2026-11-23", UINT64_C(1795384800) * SECOND},
		{"2026-11-23 UTC", UINT64_C(1795392000) * SECOND},
		{"2026-11-23 16:03", UINT64_C(1795442580) * SECOND},
		{"2026-11-23 16:03:07", UINT64_C(1795442587) * SECOND},
		{"2026-11-23 14:03:07 UTC", UINT64_C(1795442587) * SECOND},
		{"16:03", UINT64_C(1795442580) * SECOND},
		{"14:03:07 UTC", UINT64_C(1795442587) * SECOND},
		{"2026-07-01 12:00", UINT64_C(1782896400) * SECOND}, /* summer: UTC+3 */
		{"2024-02-29 UTC", UINT64_C(1709164800) * SECOND},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		uint64_t usec = 1;

		cr_expect_eq(clock_parse_time(cases[i].text, NOW, &usec), 0, "%s", cases[i].text);
		cr_expect_eq(usec, cases[i].usec, "%s: %lu", cases[i].text, usec / SECOND);
	}
}

Test(clock, refuses_what_is_no_time)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{"", -EINVAL},
		{"noon", -EINVAL},
		{"now ", -EINVAL},
		{"now UTC", -EINVAL},
		{"-", -EINVAL},
		{"-5", 0},
		{"-5parsec", -EINVAL},
		{"--5", -EINVAL},
		{"@", -EINVAL},
		{"@-1", -EINVAL},
		{"@1795442587.", -EINVAL},
		{"@1795442587.-1", -EINVAL},
		{"@1795442587.1234567", -EINVAL},
		{"@.5", -EINVAL},
		{"@1795442587 UTC", -EINVAL},
		{"@99999999999999", -ERANGE},
		{"2026-11", -EINVAL},
		{"2026-13-01", -EINVAL},
		{"2026-00-01", -EINVAL},
		{"2026-02-29", -EINVAL},
		{"2026-04-31", -EINVAL},
		{"2026-1-1", -EINVAL},
		{"1969-12-31", -EINVAL},
		{"2026-11-23 24:00", -EINVAL},
		{"2026-11-23 12:60", -EINVAL},
		{"2026-11-23 12:00:60", -EINVAL},
		{"2026-11-23 12", -EINVAL},
		{"2026-11-23 ", -EINVAL},
		{"2026-11-23  12:00", -EINVAL},
		{"2026-11-23 12:00 CET", -EINVAL},
		{"2026-11-23 12:00:00:00", -EINVAL},
		{"12:0", -EINVAL},
		{"12:00 ", -EINVAL},
		{"UTC", -EINVAL},
		{" UTC", -EINVAL},
		{"2026-11-23 12:00:00                                                      UTC",
		 -EINVAL},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		uint64_t usec = 77;
		int r = clock_parse_time(cases[i].text, NOW, &usec);

		cr_expect_eq(r, cases[i].result, "\"%s\": %d", cases[i].text, r);
		cr_expect(r == 0 || usec == 77, "%s", cases[i].text);
	}
}

Test(clock, refuses_times_before_the_epoch)
{
	uint64_t usec;

	cr_expect_eq(clock_parse_time("-2s", SECOND, &usec), -ERANGE);
	cr_expect_eq(clock_parse_time("yesterday", SECOND, &usec), -ERANGE);
	cr_expect_eq(clock_parse_time("+10y", UINT64_MAX - SECOND, &usec), -ERANGE);
}

Test(clock, writes_local_time)
{
	char text[CLOCK_TEXT_BYTES];

	cr_expect_str_eq(clock_format_local(NOW, text), "2026-11-23 16:03:07");
	cr_expect_str_eq(clock_format_local(0, text), "1970-01-01 02:00:00");
	cr_expect_str_eq(clock_format_local(UINT64_C(1782896400) * SECOND, text),
			 "2026-07-01 12:00:00");
	clock_format_local(UINT64_MAX, text); /* must fit */
}

Test(clock, writes_spans_in_two_parts)
{
	static const struct {
		uint64_t usec;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{1, "1us"},
		{450000, "450ms"},
		{450001, "450ms 1us"},
		{1500000, "1s 500ms"},
		{123 * SECOND, "2min 3s"},
		{3600 * SECOND, "1h"},
		{3723 * SECOND, "1h 2min"},
		{3603 * SECOND, "1h"},
		{90000 * SECOND, "1d 1h"},
		{UINT64_MAX, "213503982d 8h"},
	};
	char text[CLOCK_TEXT_BYTES];

	for (size_t i = 0; i < array_length(cases); i++)
		cr_expect_str_eq(clock_format_span(cases[i].usec, text), cases[i].text, "%s", text);
}

Test(clock, runs_forward)
{
	uint64_t monotonic = clock_monotonic_ns(), boottime = clock_boottime_ns();

	cr_expect_leq(monotonic, clock_monotonic_ns());
	cr_expect_leq(boottime, clock_boottime_ns());
	cr_expect_gt(clock_realtime_usec(), UINT64_C(1700000000) * SECOND);
}
