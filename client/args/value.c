/* SPDX-License-Identifier: MIT */
#include "client/args/value.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/base/text.h"
#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/parse.h"

#define HZ_NANO UINT64_C(1000000000)

int value_add_target(const char *value, enum option_id option, struct request *request)
{
	const char *kind = target_kind_name((enum target_kind)option);
	_cleanup_free_ struct target *target = malloc(sizeof(*target));
	_cleanup_free_ char *text = NULL;
	int r;

	assert((unsigned)option < N_TARGET_KINDS && (value || option == OPTION_ALL));
	if (request->n_targets >= OX_TARGETS_MAX)
		return -E2BIG;
	if (!target || asprintf(&text, "%s%s%s", kind, value ? ":" : "", value ?: "") < 0)
		return -ENOMEM;
	if (!text_is_utf8(text))
		return -EINVAL;
	r = target_parse(text, target);
	if (r < 0)
		return r;
	/* New elements are NULL, so the list ends in NULL. */
	r = array_reserve(request->targets, request->targets_size, request->n_targets + 2);
	if (r < 0)
		return r;
	request->targets[request->n_targets] = strdup(target->text);
	if (!request->targets[request->n_targets])
		return -ENOMEM;
	request->n_targets++;
	return 0;
}

/* Reads hertz with the parser of seconds, whose nanoseconds are nanohertz here. */
int value_parse_frequency(const char *text, uint64_t *ret_interval_ns)
{
	uint64_t nanohertz;
	int r;

	r = parse_interval_ns(text, HZ_NANO / 10, 10000 * HZ_NANO, &nanohertz);
	if (r < 0)
		return r;
	*ret_interval_ns = (HZ_NANO * HZ_NANO + nanohertz / 2) / nanohertz;
	return 0;
}

int value_parse_pattern(const char *text, const char **ret)
{
	if (strlen(text) > OX_PATTERN_BYTES_MAX || !text_is_utf8(text))
		return -EINVAL;
	*ret = text;
	return 0;
}

int value_parse_word(enum option_id option, const char *text, const char **ret)
{
	unsigned int place;

	if (option_find_word(option, text, &place) < 0)
		return -EINVAL;
	*ret = text;
	return 0;
}

int value_parse_max(const char *text, struct request *request)
{
	uint64_t max;
	int r;

	r = parse_u64(text, UINT32_MAX, &max);
	if (r < 0)
		return r;
	request->has_max = true;
	request->max = (uint32_t)max;
	return 0;
}

/* Reads one side of ".."; an empty one leaves *ret, the beginning or the end of all, as it is. */
static int parse_side(const char *text, size_t length, uint64_t now_usec, uint64_t *ret)
{
	_cleanup_free_ char *side = strndup(text, length);

	if (!side)
		return -ENOMEM;
	return *side ? clock_parse_time(side, now_usec, ret) : 0;
}

static int parse_session_number(const char *text, int64_t *ret)
{
	uint64_t number;

	if (parse_u64(text, INT64_MAX, &number) < 0 || number == 0)
		return -EINVAL;
	*ret = (int64_t)number;
	return 0;
}

int value_parse_session(const char *text, struct window *ret)
{
	int64_t number = 0;
	bool all = !strcmp(text, "all");
	int r = all ? 0 : parse_session_number(text, &number);

	if (r < 0)
		return r;
	ret->session = number;
	ret->all_sessions = all;
	return 0;
}

int value_parse_window(const char *text, uint64_t now_usec, struct window *ret)
{
	static const char session[] = "session:";
	const char *dots = strstr(text, "..");
	struct window window = {.until_usec = UINT64_MAX};
	int r;

	if (!strncmp(text, session, strlen(session))) {
		r = parse_session_number(text + strlen(session), &window.session);
		if (r < 0)
			return r;
		*ret = window;
		return 0;
	}
	if (!dots || !text[2])
		return -EINVAL;
	r = parse_side(text, (size_t)(dots - text), now_usec, &window.since_usec);
	if (r < 0)
		return r;
	r = parse_side(dots + 2, strlen(dots + 2), now_usec, &window.until_usec);
	if (r < 0)
		return r;
	if (window.since_usec >= window.until_usec)
		return -EINVAL;
	*ret = window;
	return 0;
}

int value_parse_threshold(const char *text, struct request *request)
{
	double percent;
	char *end;

	/* The decimal separator is a point in every country: main.c leaves LC_NUMERIC alone. */
	percent = strtod(text, &end);
	if (end == text || *end || !isfinite(percent) || percent < 0 || percent > 100)
		return -EINVAL;
	request->has_threshold = true;
	request->threshold = percent;
	return 0;
}

int value_parse_port(const char *text, uint16_t *ret)
{
	uint64_t port;

	if (parse_u64(text, UINT16_MAX, &port) < 0 || port == 0)
		return -EINVAL;
	*ret = (uint16_t)port;
	return 0;
}

int value_parse_format(const char *text, enum format *ret)
{
	unsigned int place;

	if (option_find_word(OPTION_FORMAT, text, &place) < 0)
		return -EINVAL;
	*ret = (enum format)place;
	return 0;
}

enum format format_of_file(const char *name)
{
	static const struct {
		const char *suffix;
		enum format format;
	} suffixes[] = {
		{".html", FORMAT_FLAMEGRAPH},
		{".svg", FORMAT_SVG},
		{".pb.gz", FORMAT_PPROF},
		{".folded", FORMAT_FOLDED},
		{".speedscope.json", FORMAT_SPEEDSCOPE}, /* before .json, which it ends in */
		{".json", FORMAT_JSON},
		{".csv", FORMAT_CSV},
	};
	size_t length = strlen(name);

	for (size_t i = 0; i < array_length(suffixes); i++) {
		size_t n = strlen(suffixes[i].suffix);

		if (length > n && !strcmp(name + length - n, suffixes[i].suffix))
			return suffixes[i].format;
	}
	return FORMAT_TABLE;
}
