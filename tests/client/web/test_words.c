/* SPDX-License-Identifier: MIT */
/* Parameters of the page are read like options of the command line, and others are refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "client/web/words.h"
#include "daemon/base/api.h"

#define NOW_USEC UINT64_C(1795442587000000)

define_cleanup(struct web_words *, web_words_free);
#define _cleanup_words_ _cleanup_(web_words_free_p)

static struct web_words *make_words(const char *path)
{
	const struct web_route *route = web_route_find(path);

	cr_assert_not_null(route);
	return web_words_new(route);
}

static void parse(const struct web_words *words, struct request *ret)
{
	char why[ARGUMENTS_WHY_BYTES] = "";

	cr_assert_eq(web_words_parse(words, NOW_USEC, ret, why), 0, "%s", why);
}

static int add(struct web_words *words, const char *name, const char *value)
{
	return web_words_add_bytes(words, name, strlen(name), value, value ? strlen(value) : 0);
}

static int add_body(struct web_words *words, const char *body)
{
	_cleanup_tree_ struct json_object *tree = NULL;
	int r = web_words_read_body(body, strlen(body), &tree);

	return r < 0 ? r : web_words_add_tree(words, tree);
}

Test(web_words, a_question)
{
	_cleanup_words_ struct web_words *words = make_words("/api/functions");
	static const char *const given[][2] = {
		{"filter", "--help"},     {"max", "7"},         {"since", "-5min"},
		{"until", "@1795442500"}, {"session", "12"},    {"sort", "self"},
		{"by", "module"},         {"target", "pid:42"}, {"target", "comm:a b:c"},
		{"python-only", "true"},
	};
	struct request request;

	for (size_t i = 0; i < array_length(given); i++)
		cr_assert_eq(add(words, given[i][0], given[i][1]), 0, "%s", given[i][0]);
	parse(words, &request);
	cr_assert_eq(request.verb, VERB_QUERY);
	cr_assert_not(request.help);
	cr_assert_str_eq(request.filter, "--help");
	cr_assert(request.has_max && request.max == 7);
	cr_assert_eq(request.window.since_usec, NOW_USEC - 300000000);
	cr_assert_eq(request.window.until_usec, UINT64_C(1795442500000000));
	cr_assert_eq(request.window.session, 12);
	cr_assert_str_eq(request.sort, "self");
	cr_assert_str_eq(request.by, "module");
	cr_assert_str_eq(request.kind, "python");
	cr_assert_eq(request.n_targets, 2);
	cr_assert_str_eq(request.targets[0], "pid:42");
	cr_assert_str_eq(request.targets[1], "comm:a b:c");
	request_done(&request);
}

Test(web_words, an_order)
{
	_cleanup_words_ struct web_words *words = make_words("/api/unpause");
	struct request request;

	cr_assert_eq(add_body(words, "{\"target\":[\"pid:42\",\"all\"],\"children\":true,"
				     "\"frequency\":\"50\",\"for\":\"1min\",\"interval\":\"\"}"),
		     0);
	parse(words, &request);
	cr_assert_eq(request.verb, VERB_UNPAUSE);
	cr_assert_eq(request.n_targets, 2);
	cr_assert_str_eq(request.targets[1], "all");
	cr_assert(request.children);
	cr_assert_eq(request.interval_ns, 20000000);
	cr_assert_eq(request.for_usec, 60000000);
	request_done(&request);
}

Test(web_words, nothing_is_everything)
{
	_cleanup_words_ struct web_words *words = make_words("/api/pause");
	struct request request;

	cr_assert_eq(add_body(words, "{\"target\":[]}"), 0);
	parse(words, &request);
	cr_assert_eq(request.verb, VERB_PAUSE);
	cr_assert_eq(request.n_targets, 0);
	request_done(&request);
}

Test(web_words, an_interval)
{
	static const char *const good[] = {"{\"seconds\":0.02}", "{\"seconds\":\"2e-2\"}"};
	static const char *const bad[] = {"{\"seconds\":-1}", "{\"seconds\":\"--help\"}",
					  "{\"seconds\":11}", "{}"};
	char why[ARGUMENTS_WHY_BYTES];
	struct request request;

	for (size_t i = 0; i < array_length(good); i++) {
		_cleanup_words_ struct web_words *words = make_words("/api/set-interval");

		cr_assert_eq(add_body(words, good[i]), 0);
		parse(words, &request);
		cr_assert_eq(request.interval_ns, 20000000);
		request_done(&request);
	}
	for (size_t i = 0; i < array_length(bad); i++) {
		_cleanup_words_ struct web_words *words = make_words("/api/set-interval");

		cr_assert_eq(add_body(words, bad[i]), 0);
		cr_assert_eq(web_words_parse(words, NOW_USEC, &request, why), -EINVAL, "%s",
			     bad[i]);
		cr_assert_not_null(strstr(why, "between 0.0001 and 10"));
	}
}

Test(web_words, only_what_the_path_takes)
{
	static const struct {
		const char *path, *name, *value;
	} bad[] = {
		{"/api/functions", "help", NULL},
		{"/api/functions", "version", NULL},
		{"/api/functions", "json", NULL},
		{"/api/functions", "output", "/etc/passwd"},
		{"/api/functions", "format", "csv"},
		{"/api/functions", "pid", "42"},
		{"/api/functions", "seconds", "1"},
		{"/api/functions", "filter=x --output", "y"},
		{"/api/functions", "", "x"},
		{"/api/functions", "--filter", "x"},
		{"/api/functions", "children", NULL},
		{"/api/functions", "python-only", "perhaps"},
		{"/api/functions", "target", "pid"},
		{"/api/functions", "target", "all:x"},
		{"/api/functions", "target", "filter:x"},
		{"/api/functions", "target", ""},
		{"/api/history", "target", "pid:42"},
		{"/api/flame", "max", "3"},
		{"/api/pause", "children", NULL},
		{"/api/unpause", "mode", "wall"},
		{"/api/unpause", "no-ask-password", NULL},
		{"/api/status", "max", "3"},
	};

	for (size_t i = 0; i < array_length(bad); i++) {
		_cleanup_words_ struct web_words *words = make_words(bad[i].path);

		cr_assert_eq(add(words, bad[i].name, bad[i].value), -EINVAL, "%zu", i);
		cr_assert(*web_words_why(words));
	}
}

Test(web_words, the_values_are_judged)
{
	static const char *const bad[][2] = {
		{"max", "x"},           {"since", "soon"}, {"session", "0"},
		{"by", "thing"},        {"sort", "up"},    {"target", "pid:0"},
		{"target", "unit:a/b"}, {"max", ""},       {"filter", "\xff"}};
	char why[ARGUMENTS_WHY_BYTES];
	struct request request;

	for (size_t i = 0; i < array_length(bad); i++) {
		_cleanup_words_ struct web_words *words = make_words("/api/functions");

		cr_assert_eq(add(words, bad[i][0], bad[i][1]), 0);
		cr_assert_eq(web_words_parse(words, NOW_USEC, &request, why), -EINVAL, "%s=%s",
			     bad[i][0], bad[i][1]);
		cr_assert_eq(strncmp(why, "query: --", 9), 0, "%s", why);
	}
}

/* A value stays a single value, even if it looks like an option. */
Test(web_words, no_value_becomes_an_option)
{
	static const char *const values[] = {"--output=/tmp/x", "-o",     "--",
					     "=--output",       "--help", "x\n--output=/x",
					     "x --output /x"};
	static const char *const bad[][2] = {{"since", "--output=/tmp/x"},
					     {"max", "-o"},
					     {"session", "--help"},
					     {"target", "pid:--output=/tmp/x"},
					     {"target", "pid:-o"}};
	char why[ARGUMENTS_WHY_BYTES];
	struct request request;

	for (size_t i = 0; i < array_length(values); i++) {
		_cleanup_words_ struct web_words *words = make_words("/api/functions");
		_cleanup_free_ char *target = NULL;

		cr_assert_geq(asprintf(&target, "comm:%s", values[i]), 0);
		cr_assert_eq(add(words, "filter", values[i]), 0);
		/* The name of a process has no line breaks. */
		if (!strchr(target, '\n'))
			cr_assert_eq(add(words, "target", target), 0);
		parse(words, &request);
		cr_assert_str_eq(request.filter, values[i]);
		cr_assert(!request.n_targets || !strcmp(request.targets[0], target));
		cr_assert(!request.output && !request.help && !request.json);
		request_done(&request);
	}
	for (size_t i = 0; i < array_length(bad); i++) {
		_cleanup_words_ struct web_words *words = make_words("/api/functions");

		cr_assert_eq(add(words, bad[i][0], bad[i][1]), 0);
		cr_assert_eq(web_words_parse(words, NOW_USEC, &request, why), -EINVAL, "%s",
			     bad[i][1]);
	}
}

Test(web_words, bodies_that_are_none)
{
	static const char *const bad[] = {"",  "x",     "[]",  "1",        "\"a\"", "null",
					  "{", "{} {}", "{}x", "{\"a\":}", "{'a':1"};
	static const char *const wrong[] = {"{\"target\":{}}", "{\"target\":[[\"all\"]]}",
					    "{\"target\":[{}]}", "{\"nothing\":1}"};

	for (size_t i = 0; i < array_length(bad); i++) {
		struct json_object *tree;

		cr_assert_eq(web_words_read_body(bad[i], strlen(bad[i]), &tree), -EBADMSG, "%s",
			     bad[i]);
	}
	for (size_t i = 0; i < array_length(wrong); i++) {
		_cleanup_words_ struct web_words *words = make_words("/api/pause");

		cr_assert_eq(add_body(words, wrong[i]), -EINVAL, "%s", wrong[i]);
	}
}

/* All bytes of a parameter are judged, not only those before a NUL. */
Test(web_words, a_nul_cuts_nothing)
{
	static const char *const bodies[] = {"{\"target\":\"pid:42\\u0000\"}",
					     "{\"target\":[\"all\\u0000x\"]}",
					     "{\"target\":\"\\u0000\"}"};
	static const char value[] = "a\0b";

	for (size_t i = 0; i < array_length(bodies); i++) {
		_cleanup_words_ struct web_words *words = make_words("/api/pause");

		cr_assert_eq(add_body(words, bodies[i]), -EINVAL, "%s", bodies[i]);
		cr_assert_not_null(strstr(web_words_why(words), "NUL"));
	}
	_cleanup_words_ struct web_words *words = make_words("/api/functions");

	cr_assert_eq(web_words_add_bytes(words, "filter", 6, value, 1), 0);
	cr_assert_eq(web_words_add_bytes(words, "filter", 6, value, 3), -EINVAL);
	cr_assert_eq(web_words_add_bytes(words, "filter\0x", 8, value, 1), -EINVAL);
	cr_assert_eq(web_words_add_bytes(words, "python-only", 11, NULL, 0), 0);
}

Test(web_words, so_many_and_no_more)
{
	_cleanup_words_ struct web_words *words = make_words("/api/functions");

	for (size_t i = 0; i < WEB_WORDS_MAX; i++)
		cr_assert_eq(add(words, "target", "pid:1"), 0);
	cr_assert_eq(add(words, "target", "pid:1"), -EINVAL);
}

/* A path has the parameters of a verb, and each of these is one of its options. */
Test(web_words, parameters_fit_the_verb)
{
	static const char *const paths[] = {"/api/functions", "/api/history", "/api/timeline",
					    "/api/flame",     "/api/pause",   "/api/unpause"};

	for (size_t i = 0; i < array_length(paths); i++) {
		const struct web_route *route = web_route_find(paths[i]);

		cr_assert(route && web_route_is_private(route));
		for (int option = 0; option < N_OPTIONS; option++)
			if (route->parameters & (UINT64_C(1) << option))
				cr_assert(option_fits_verb((enum option_id)option, route->verb),
					  "%s: --%s", paths[i], option_infos[option].name);
	}
}
