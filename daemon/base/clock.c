/* SPDX-License-Identifier: MIT */
#include "daemon/base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/parse.h"

#define USEC_PER_SEC  UINT64_C(1000000)
#define TIME_TEXT_MAX 64
#define EPOCH_SEC_MAX UINT64_C(253402300799) /* 9999-12-31 23:59:59 */

static uint64_t clock_read_ns(clockid_t id)
{
	struct timespec now = {0};

	clock_gettime(id, &now); /* these three clocks cannot fail */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_realtime_usec(void)
{
	return clock_read_ns(CLOCK_REALTIME) / 1000;
}

uint64_t clock_monotonic_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_boottime_ns(void)
{
	return clock_read_ns(CLOCK_BOOTTIME);
}

/* Reads exactly `digits` digits of a number from min to max, and then the character `behind` unless
 * that is 0. */
static bool read_number(const char **text, int digits, int min, int max, char behind, int *ret)
{
	const char *at = *text;
	int value = 0;

	for (; digits > 0; digits--, at++) {
		if (*at < '0' || *at > '9')
			return false;
		value = value * 10 + (*at - '0');
	}
	if (value < min || value > max || (behind && *at++ != behind))
		return false;
	*text = at;
	*ret = value;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool read_date(const char **text, struct tm *tm)
{
	int year, month, day;

	if (!read_number(text, 4, 1970, 9999, '-', &year) ||
	    !read_number(text, 2, 1, 12, '-', &month) ||
	    !read_number(text, 2, 1, days_in_month(year, month), 0, &day))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

/* Reads HH:MM[:SS], and then the end of the text. */
static bool read_time_of_day(const char *text, struct tm *tm)
{
	if (!read_number(&text, 2, 0, 23, ':', &tm->tm_hour) ||
	    !read_number(&text, 2, 0, 59, 0, &tm->tm_min))
		return false;
	if (*text == ':') {
		text++;
		if (!read_number(&text, 2, 0, 59, 0, &tm->tm_sec))
			return false;
	}
	return !*text;
}

static bool read_calendar(const char *text, struct tm *tm)
{
	if (strcmp(text, "today") == 0)
		return true;
	if (strcmp(text, "yesterday") == 0) {
		tm->tm_mday--;
		return true;
	}
	if (strlen(text) > 4 && text[4] == '-') {
		if (!read_date(&text, tm))
			return false;
		return !*text || (*text == ' ' && read_time_of_day(text + 1, tm));
	}
	return read_time_of_day(text, tm);
}

static int parse_calendar(const char *text, bool utc, uint64_t now_usec, uint64_t *ret_usec)
{
	time_t now = (time_t)(now_usec / USEC_PER_SEC), seconds;
	struct tm tm;

	if (!(utc ? gmtime_r(&now, &tm) : localtime_r(&now, &tm)))
		return -ERANGE;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1; /* whatever holds on that day */
	if (!read_calendar(text, &tm))
		return -EINVAL;
	seconds = utc ? timegm(&tm) : mktime(&tm);
	if (seconds < 0)
		return -ERANGE;
	*ret_usec = (uint64_t)seconds * USEC_PER_SEC;
	return 0;
}

static int parse_relative(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
	uint64_t span;
	int r = parse_span_usec(text + 1, &span);

	if (r < 0)
		return r;
	if (*text == '-' ? span > now_usec : __builtin_add_overflow(now_usec, span, &span))
		return -ERANGE;
	*ret_usec = *text == '-' ? now_usec - span : span;
	return 0;
}

/* Reads "SECONDS" or "SECONDS.25". */
static int parse_epoch(const char *text, uint64_t *ret_usec)
{
	size_t length = strcspn(text, "."), digits = text[length] ? strlen(text + length + 1) : 0;
	uint64_t seconds, usec = 0;
	char whole[TIME_TEXT_MAX];
	int r;

	if (length >= sizeof(whole) || digits > 6 || (text[length] && !digits))
		return -EINVAL;
	memcpy(whole, text, length);
	whole[length] = '\0';
	r = parse_u64(whole, EPOCH_SEC_MAX, &seconds);
	if (r < 0)
		return r;
	r = digits ? parse_u64(text + length + 1, USEC_PER_SEC - 1, &usec) : 0;
	if (r < 0)
		return r;
	for (; digits && digits < 6; digits++)
		usec *= 10;
	*ret_usec = seconds * USEC_PER_SEC + usec;
	return 0;
}

int clock_parse_time(const char *text, uint64_t now_usec, uint64_t *ret_usec)
{
	char calendar[TIME_TEXT_MAX];
	size_t length = strlen(text);
	bool utc;

	if (strcmp(text, "now") == 0) {
		*ret_usec = now_usec;
		return 0;
	}
	if (*text == '-' || *text == '+')
		return parse_relative(text, now_usec, ret_usec);
	if (*text == '@')
		return parse_epoch(text + 1, ret_usec);
	if (length >= sizeof(calendar))
		return -EINVAL;
	memcpy(calendar, text, length + 1);
	utc = length > 4 && strcmp(text + length - 4, " UTC") == 0;
	if (utc)
		calendar[length - 4] = '\0';
	return parse_calendar(calendar, utc, now_usec, ret_usec);
}

char *clock_format_local(uint64_t usec, char ret[static CLOCK_TEXT_BYTES])
{
	time_t seconds = (time_t)(usec / USEC_PER_SEC);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) ||
	    !strftime(ret, CLOCK_TEXT_BYTES, "%Y-%m-%d %H:%M:%S", &tm))
		memcpy(ret, "-", 2);
	return ret;
}

char *clock_format_span(uint64_t usec, char ret[static CLOCK_TEXT_BYTES])
{
	static const struct {
		const char *name;
		uint64_t usec;
	} units[] = {{"d", 86400000000}, {"h", 3600000000}, {"min", 60000000},
		     {"s", 1000000},     {"ms", 1000},      {"us", 1}};
	const size_t last = array_length(units) - 1;
	size_t i = 0;
	uint64_t rest;
	int n;

	if (!usec)
		return memcpy(ret, "0s", 3);
	while (usec < units[i].usec)
		i++;
	rest = i < last ? usec % units[i].usec / units[i + 1].usec : 0;
	n = snprintf(ret, CLOCK_TEXT_BYTES, "%" PRIu64 "%s", usec / units[i].usec, units[i].name);
	if (rest && n > 0)
		snprintf(ret + n, CLOCK_TEXT_BYTES - (size_t)n, " %" PRIu64 "%s", rest,
			 units[i + 1].name);
	return ret;
}
