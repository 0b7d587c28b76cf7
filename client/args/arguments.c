/* SPDX-License-Identifier: MIT */
#include "client/args/arguments.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/args/value.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/parse.h"

#define LONG 256 /* getopt_long()'s result for the first option: above every character */

struct given {
	enum option_id option;
	const char *value; /* NULL: the option takes none */
};

struct arguments_reading {
	struct given *given;
	size_t given_size;
	size_t n_given;
	const char *verb;
	const char *word; /* behind the verb */
	const char *surplus;
	char *why;
};

static int __attribute__((format(printf, 2, 3))) warn(char *why, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(why, ARGUMENTS_WHY_BYTES, format, list);
	va_end(list);
	return -EINVAL;
}

static void fill_long(struct option ret[static N_OPTIONS + 1])
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		ret[i] = (struct option){
			.name = option_infos[i].name,
			.has_arg = option_infos[i].argument ? required_argument : no_argument,
			.val = LONG + (int)i,
		};
	ret[N_OPTIONS] = (struct option){0};
}

/* Returns how many options text may be short for; *ret names them. */
static size_t list_matches(const char *text, char ret[static ARGUMENTS_WHY_BYTES])
{
	size_t length = strcspn(text, "=") - 2, n = 0, at = 0;

	for (size_t i = 0; i < N_OPTIONS && at < ARGUMENTS_WHY_BYTES; i++) {
		const char *name = option_infos[i].name;

		if (!strncmp(name, text + 2, length))
			at += (size_t)snprintf(ret + at, ARGUMENTS_WHY_BYTES - at, "%s--%s",
					       n++ ? ", " : "", name);
	}
	return n;
}

static int refuse_option(const struct arguments_reading *reading, const char *text, int c)
{
	char matches[ARGUMENTS_WHY_BYTES];

	if (c == ':')
		return warn(reading->why, "%s: the value is missing", text);
	if (optopt >= LONG)
		return warn(reading->why, "%s: this option takes no value", text);
	if (!strncmp(text, "--", 2) && list_matches(text, matches) > 1)
		return warn(reading->why, "%s: ambiguous option, it may be %s", text, matches);
	return warn(reading->why, "%s: unknown option; see oxprofctl --help", text);
}

static void read_word(struct arguments_reading *reading, const char *text)
{
	if (!reading->verb)
		reading->verb = text;
	else if (!reading->word)
		reading->word = text;
	else if (!reading->surplus)
		reading->surplus = text;
}

static int add_given(struct arguments_reading *reading, enum option_id option)
{
	if (array_reserve(reading->given, reading->given_size, reading->n_given + 1) < 0)
		return -ENOMEM;
	reading->given[reading->n_given++] = (struct given){option, optarg};
	return 0;
}

/* Stores one argument; c is getopt_long()'s result for text. */
static int read_one(struct arguments_reading *reading, const char *text, int c)
{
	if (c == '?' || c == ':')
		return refuse_option(reading, text, c);
	if (c == 'h')
		return add_given(reading, OPTION_HELP);
	if (c == 'o')
		return add_given(reading, OPTION_OUTPUT);
	assert(c < LONG + N_OPTIONS);
	if (c >= LONG)
		return add_given(reading, (enum option_id)(c - LONG));
	read_word(reading, text);
	return 0;
}

/* Reads all arguments in their order: the "-" asks for that whatever POSIXLY_CORRECT says, and the
 * ":" keeps getopt_long() from printing. The point and the digits make "-1" a word, so that it is a
 * bad number of seconds rather than an unknown option. */
static int read_all(struct arguments_reading *reading, int argc, char **argv)
{
	static const char letters[] = "-:ho:.::0::1::2::3::4::5::6::7::8::9::";
	struct option options[N_OPTIONS + 1];
	int c;

	fill_long(options);
	optind = 0; /* makes getopt_long() start over */
	for (int at = 1;; at = optind) {
		int r;

		c = getopt_long(argc, argv, letters, options, NULL);
		if (c < 0)
			break;
		r = read_one(reading, argv[at], c);
		if (r < 0)
			return r;
	}
	while (optind < argc)
		read_word(reading, argv[optind++]);
	return 0;
}

static int apply_flag(struct request *request, enum option_id option)
{
	bool *flags[N_OPTIONS] = {
		[OPTION_CHILDREN] = &request->children,
		[OPTION_ALL_USERS] = &request->all_users,
		[OPTION_JSON] = &request->json,
		[OPTION_NO_PAGER] = &request->no_pager,
		[OPTION_NO_ASK_PASSWORD] = &request->no_ask_password,
		[OPTION_HELP] = &request->help,
		[OPTION_VERSION] = &request->version,
	};

	assert(option < N_OPTIONS && flags[option]);
	*flags[option] = true;
	return 0;
}

static int apply(struct request *request, const struct given *given, uint64_t now_usec)
{
	const char *value = given->value;

	assert(value || !option_infos[given->option].argument);
	switch (given->option) {
	case OPTION_PID ... OPTION_ALL:
		return value_add_target(value, given->option, request);
	case OPTION_MODE:
		return value_parse_word(OPTION_MODE, value, &request->mode);
	case OPTION_SORT:
		return value_parse_word(OPTION_SORT, value, &request->sort);
	case OPTION_BY:
		return value_parse_word(OPTION_BY, value, &request->by);
	case OPTION_PYTHON_ONLY:
		request->kind = "python";
		return 0;
	case OPTION_NATIVE_ONLY:
		request->kind = "native";
		return 0;
	case OPTION_INTERVAL:
		return parse_interval_ns(value, OX_INTERVAL_MIN_NS, OX_INTERVAL_MAX_NS,
					 &request->interval_ns);
	case OPTION_FREQUENCY:
		return value_parse_frequency(value, &request->interval_ns);
	case OPTION_FOR:
		return parse_span_usec(value, &request->for_usec);
	case OPTION_FILTER:
		return value_parse_pattern(value, &request->filter);
	case OPTION_MAX:
		return value_parse_max(value, request);
	case OPTION_SINCE:
		return clock_parse_time(value, now_usec, &request->window.since_usec);
	case OPTION_UNTIL:
		return clock_parse_time(value, now_usec, &request->window.until_usec);
	case OPTION_SESSION:
		return value_parse_session(value, &request->window);
	case OPTION_BASE:
		return value_parse_window(value, now_usec, &request->base);
	case OPTION_WITH:
		return value_parse_window(value, now_usec, &request->with);
	case OPTION_FOCUS:
		return value_parse_pattern(value, &request->focus);
	case OPTION_THRESHOLD:
		return value_parse_threshold(value, request);
	case OPTION_PORT:
		return value_parse_port(value, &request->port);
	case OPTION_FORMAT:
		return value_parse_format(value, &request->format);
	case OPTION_OUTPUT:
		request->output = value;
		return *value ? 0 : -EINVAL;
	default:
		return apply_flag(request, given->option);
	}
}

static int apply_options(struct request *request, const struct arguments_reading *reading,
			 uint64_t now_usec)
{
	const char *verb = verb_infos[request->verb].name;
	int r;

	for (size_t i = 0; i < reading->n_given; i++) {
		const struct given *given = &reading->given[i];
		const struct option_info *info = &option_infos[given->option];

		if (!option_fits_verb(given->option, request->verb))
			return warn(reading->why,
				    "%s: --%s: not an option of this verb; see oxprofctl %s "
				    "--help",
				    verb, info->name, verb);
		r = apply(request, given, now_usec);
		if (r == -ENOMEM)
			return r;
		if (r == -E2BIG)
			return warn(reading->why, "%s: --%s: more than %d targets", verb,
				    info->name, OX_TARGETS_MAX);
		if (r < 0)
			return warn(reading->why, "%s: --%s=%s: not %s", verb, info->name,
				    given->value, info->expects);
	}
	return 0;
}

static int apply_word(struct request *request, const struct arguments_reading *reading)
{
	const struct verb_info *info = &verb_infos[request->verb];
	const char *surplus = info->argument ? reading->surplus : reading->word;

	if (surplus)
		return warn(reading->why, "%s: %s: unexpected argument%s", info->name, surplus,
			    option_fits_verb(OPTION_PID, request->verb)
				    ? "; targets are given as --pid=N, --unit=NAME, ..."
				    : "");
	if (!info->argument)
		return 0;
	if (!reading->word)
		return warn(reading->why, "%s: %s is missing: %s", info->name, info->argument,
			    option_infos[OPTION_INTERVAL].expects);
	if (parse_interval_ns(reading->word, OX_INTERVAL_MIN_NS, OX_INTERVAL_MAX_NS,
			      &request->interval_ns) < 0)
		return warn(reading->why, "%s: %s: not %s", info->name, reading->word,
			    option_infos[OPTION_INTERVAL].expects);
	return 0;
}

static bool is_given(const struct arguments_reading *reading, enum option_id option)
{
	for (size_t i = 0; i < reading->n_given; i++)
		if (reading->given[i].option == option)
			return true;
	return false;
}

/* Verbs that change or list sessions mean all of one's own without the option; a question about
 * samples does not. */
static int check_sessions(const struct request *request, char *why)
{
	const char *verb = verb_infos[request->verb].name;

	if (request->all_users && (request->window.session || request->window.all_sessions))
		return warn(why, "%s: --session and --all-users cannot be used together", verb);
	if (request->window.all_sessions && option_fits_verb(OPTION_ALL_USERS, request->verb))
		return warn(why,
			    "%s: --session=all: not the number of a session; without --session all "
			    "of yours are meant, with --all-users those of everybody",
			    verb);
	return 0;
}

static int check_together(const struct request *request, const struct arguments_reading *reading)
{
	const char *verb = verb_infos[request->verb].name;

	if (is_given(reading, OPTION_INTERVAL) && is_given(reading, OPTION_FREQUENCY))
		return warn(reading->why, "%s: --interval and --frequency cannot be used together",
			    verb);
	if (request->verb == VERB_DIFF &&
	    !(is_given(reading, OPTION_BASE) && is_given(reading, OPTION_WITH)))
		return warn(reading->why,
			    "%s: --base=WINDOW and --with=WINDOW are both needed, each %s", verb,
			    option_infos[OPTION_BASE].expects);
	if (is_given(reading, OPTION_PYTHON_ONLY) && is_given(reading, OPTION_NATIVE_ONLY))
		return warn(reading->why,
			    "%s: --python-only and --native-only cannot be used together", verb);
	if (request->window.since_usec > request->window.until_usec)
		return warn(reading->why, "%s: --since is later than --until", verb);
	return check_sessions(request, reading->why);
}

/* Refuses formats that the verb does not have. */
static int check_verb_format(const struct request *request, char *why)
{
	const char *verb = verb_infos[request->verb].name;

	if (request->format < FORMAT_CSV || request->format > FORMAT_SPEEDSCOPE)
		return 0;
	if (request->verb == VERB_DIFF)
		return warn(
			why,
			"%s: not a format of this verb; use --format=table, json or flamegraph, "
			"or -o FILE.html, .svg or .json",
			verb);
	if (request->verb == VERB_FLAMEGRAPH)
		return warn(why, "%s: -o %s: a flame graph is written as .html, .svg or .json",
			    verb, request->output);
	return 0;
}

/* Refuses options that do not fit the format. Formats of whole stacks have no rows that could be
 * chosen or sorted. */
static int check_format(const struct request *request, const struct arguments_reading *reading)
{
	static const enum option_id of_rows[] = {OPTION_BY, OPTION_SORT, OPTION_MAX};
	static const char *const names[N_FORMATS] = {
		[FORMAT_FOLDED] = "folded",         [FORMAT_PPROF] = "pprof",
		[FORMAT_SPEEDSCOPE] = "speedscope", [FORMAT_FLAMEGRAPH] = "flamegraph",
		[FORMAT_SVG] = "flamegraph",
	};
	const char *verb = verb_infos[request->verb].name;
	int r;

	if (is_given(reading, OPTION_JSON) && is_given(reading, OPTION_FORMAT) &&
	    request->format != FORMAT_JSON)
		return warn(reading->why, "%s: --json and another --format cannot be used together",
			    verb);
	r = check_verb_format(request, reading->why);
	if (r < 0)
		return r;
	if (request->verb == VERB_QUERY && request->format < FORMAT_FLAMEGRAPH &&
	    is_given(reading, OPTION_THRESHOLD))
		return warn(reading->why, "%s: --threshold applies to flame graphs only", verb);
	if (request->format < FORMAT_FOLDED)
		return 0;
	for (size_t i = 0; i < array_length(of_rows); i++)
		if (is_given(reading, of_rows[i]))
			return warn(reading->why,
				    "%s: --%s does not apply to --format=%s, which always contains "
				    "whole stacks",
				    verb, option_infos[of_rows[i]].name, names[request->format]);
	return 0;
}

/* Chooses the format: by --format, else by --json, else by the suffix of the file, which also
 * decides whether a flame graph is HTML or SVG. */
static void choose_format(struct request *request, const struct arguments_reading *reading)
{
	enum format of_file = request->output ? format_of_file(request->output) : FORMAT_TABLE;

	if (!is_given(reading, OPTION_FORMAT))
		request->format = request->json ? FORMAT_JSON : of_file;
	if (request->format == FORMAT_FLAMEGRAPH && of_file == FORMAT_SVG)
		request->format = FORMAT_SVG;
	if (request->verb == VERB_FLAMEGRAPH && request->format == FORMAT_TABLE)
		request->format = FORMAT_FLAMEGRAPH;
	if (request->format == FORMAT_JSON)
		request->json = true;
}

static int parse_request(struct request *request, const struct arguments_reading *reading,
			 uint64_t now_usec)
{
	int r;

	request->window.until_usec = UINT64_MAX;
	request->help = is_given(reading, OPTION_HELP);
	request->version = is_given(reading, OPTION_VERSION);
	if (reading->verb && verb_find(reading->verb, &request->verb) < 0)
		return warn(reading->why, "%s: unknown verb; see oxprofctl --help", reading->verb);
	request->has_verb = reading->verb;
	/* The other options are not checked: --help and --version work without them. */
	if (request->help || request->version)
		return 0;
	if (!request->has_verb)
		return warn(reading->why, "a verb is missing; see oxprofctl --help");
	r = apply_options(request, reading, now_usec);
	if (r < 0)
		return r;
	choose_format(request, reading);
	r = apply_word(request, reading);
	if (r < 0)
		return r;
	r = check_format(request, reading);
	if (r < 0)
		return r;
	return check_together(request, reading);
}

static int read_locked(struct arguments_reading *reading, int argc, char **argv)
{
	static pthread_mutex_t lock_of_getopt = PTHREAD_MUTEX_INITIALIZER;
	int r;

	/* getopt_long() has one state for all threads, and oxprofctl web has a thread for each
	 * connection. */
	pthread_mutex_lock(&lock_of_getopt);
	r = read_all(reading, argc, argv);
	pthread_mutex_unlock(&lock_of_getopt);
	return r;
}

static void reading_done(struct arguments_reading *reading)
{
	free(reading->given);
}

int arguments_parse(int argc, char **argv, uint64_t now_usec, struct request *ret,
		    char ret_why[static ARGUMENTS_WHY_BYTES])
{
	_cleanup_(reading_done) struct arguments_reading reading = {.why = ret_why};
	struct request request = {0};
	int r;

	r = read_locked(&reading, argc, argv);
	if (r < 0)
		return r;
	r = parse_request(&request, &reading, now_usec);
	if (r < 0) {
		request_done(&request);
		return r;
	}
	*ret = request;
	return 0;
}

bool request_has_window(const struct request *request)
{
	const struct window *window = &request->window;

	return window->since_usec > 0 || window->until_usec < UINT64_MAX || window->session ||
	       window->all_sessions;
}

void request_done(struct request *request)
{
	for (size_t i = 0; i < request->n_targets; i++)
		free(request->targets[i]);
	free(request->targets);
	*request = (struct request){0};
}
