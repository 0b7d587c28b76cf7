/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "client/args/arguments.h"
#include "daemon/base/cleanup.h"

#define NOW_USEC UINT64_C(1764000000000000)
#define WORDS    64

struct parsed {
	int r;
	struct request request;
	char why[ARGUMENTS_WHY_BYTES];
	char line[512]; /* the request borrows from it */
};

static struct parsed *parse(const char *line)
{
	struct parsed *parsed = calloc(1, sizeof(*parsed));
	char *rest = parsed->line, *argv[WORDS] = {(char *)"oxprofctl"};
	int argc = 1;

	strcpy(parsed->line, line);
	while (*line && rest)
		argv[argc++] = strsep(&rest, " ");
	parsed->r = arguments_parse(argc, argv, NOW_USEC, &parsed->request, parsed->why);
	return parsed;
}

static void parsed_free(struct parsed *parsed)
{
	if (parsed->r == 0)
		request_done(&parsed->request);
	free(parsed);
}

define_cleanup(struct parsed *, parsed_free);
#define PARSE(name, line)                                                    \
	_cleanup_(parsed_free_p) struct parsed *name##_parsed = parse(line); \
	struct request *name = &name##_parsed->request;                      \
	cr_assert_eq(name##_parsed->r, 0, "%s: %s", line, name##_parsed->why)

static void refuse(const char *line, const char *why)
{
	_cleanup_(parsed_free_p) struct parsed *parsed = parse(line);

	cr_expect_eq(parsed->r, -EINVAL, "%s", line);
	cr_expect_str_eq(parsed->why, why);
}

Test(client_arguments, every_verb_is_known)
{
	for (size_t i = 0; i < N_VERBS; i++) {
		char line[64];

		snprintf(line, sizeof(line), "%s%s%s", verb_infos[i].name,
			 verb_infos[i].argument ? " 1" : "",
			 i == VERB_DIFF ? " --base=session:1 --with=session:2" : "");
		PARSE(request, line);
		cr_expect_eq(request->verb, i);
		cr_expect(request->has_verb);
		cr_expect_eq(request->window.since_usec, 0);
		cr_expect_eq(request->window.until_usec, UINT64_MAX);
	}
}

Test(client_arguments, options_stand_anywhere)
{
	PARSE(request, "--pid 42 unpause --comm=a --json --");
	cr_expect_eq(request->verb, VERB_UNPAUSE);
	cr_expect(request->json);
	cr_expect_eq(request->n_targets, 2);
	cr_expect_str_eq(request->targets[0], "pid:42");
	cr_expect_str_eq(request->targets[1], "comm:a");
	cr_expect_null(request->targets[2]);
}

Test(client_arguments, posixly_correct_changes_nothing)
{
	setenv("POSIXLY_CORRECT", "1", 1);
	PARSE(request, "query --max=3 -o a.csv --by user");
	cr_expect_eq(request->max, 3);
	cr_expect_str_eq(request->output, "a.csv");
	cr_expect_str_eq(request->by, "user");
}

Test(client_arguments, behind_two_dashes_are_words)
{
	PARSE(value, "query --filter -- --max=1");
	PARSE(seconds, "--interv 1 unpause --");
	cr_expect_str_eq(value->filter, "--");
	cr_expect_eq(value->max, 1);
	cr_expect_eq(seconds->interval_ns, 1000000000);
	refuse("history -- --json", "history: --json: unexpected argument");
	refuse("-- --help", "--help: unknown verb; see oxprofctl --help");
	refuse("set-interval 1 -- -- -h", "set-interval: --: unexpected argument");
	refuse("set-interval -2 -- 1", "set-interval: 1: unexpected argument");
}

Test(client_arguments, a_letter_takes_what_is_attached)
{
	PARSE(attached, "query -oa.csv");
	PARSE(next, "query -o -h");
	PARSE(help, "query -hhh");
	cr_expect_str_eq(attached->output, "a.csv");
	cr_expect_eq(attached->format, FORMAT_CSV);
	cr_expect_str_eq(next->output, "-h");
	cr_expect_not(next->help);
	cr_expect(help->help);
	refuse("query -ho", "-ho: the value is missing");
}

Test(client_arguments, abbreviations)
{
	PARSE(query, "query --forma=csv --ma 3 --py --si=-5min --so=self");
	PARSE(exact, "unpause --for=5s --fr 10 --us=root");
	PARSE(help, "query --he");
	cr_expect_eq(query->format, FORMAT_CSV);
	cr_expect_eq(query->max, 3);
	cr_expect_str_eq(query->kind, "python");
	cr_expect_eq(query->window.since_usec, NOW_USEC - UINT64_C(300000000));
	cr_expect_str_eq(query->sort, "self");
	cr_expect_eq(exact->for_usec, 5000000);
	cr_expect_eq(exact->interval_ns, 100000000);
	cr_expect_str_eq(exact->targets[0], "user:root");
	cr_expect(help->help);
}

/* getopt_long() prints no warning of its own. */
Test(client_arguments, bad_abbreviations_are_refused)
{
	cr_redirect_stderr();
	refuse("query --s=self",
	       "--s=self: ambiguous option, it may be --since, --session, --sort");
	refuse("history --s", "--s: ambiguous option, it may be --since, --session, --sort");
	refuse("--no-", "--no-: ambiguous option, it may be --no-pager, --no-ask-password");
	refuse("pause --al", "--al: ambiguous option, it may be --all, --all-users");
	refuse("query --fo=x", "--fo=x: ambiguous option, it may be --for, --focus, --format");
	refuse("query --py=yes", "--py=yes: this option takes no value");
	refuse("query --filt", "--filt: the value is missing");
	refuse("query --filterx=1", "--filterx=1: unknown option; see oxprofctl --help");
	refuse("status --pi=1",
	       "status: --pid: not an option of this verb; see oxprofctl status --help");
	refuse("query --ma=x", "query: --max=x: not a number between 0 (all) and 4294967295");
	fflush(stderr);
	cr_expect_stderr_eq_str("");
}

Test(client_arguments, all_kinds_of_targets)
{
	static const char *const wanted[] = {"pid:1",       "comm:x",    "unit:cron.service",
					     "cgroup:/a/b", "user:root", "all"};

	PARSE(request, "pause --pid=1 --comm=x --unit=cron --cgroup=/a/b --user=root --all");
	cr_assert_eq(request->n_targets, array_length(wanted));
	for (size_t i = 0; i < array_length(wanted); i++)
		cr_expect_str_eq(request->targets[i], wanted[i]);
}

Test(client_arguments, rates)
{
	static const struct {
		const char *line;
		uint64_t interval_ns;
	} cases[] = {
		{"unpause", 0},
		{"unpause --interval=0.0001", 100000},
		{"unpause --interval=10", 10000000000},
		{"unpause --frequency=99", OX_INTERVAL_DEFAULT_NS},
		{"unpause --frequency=10000", OX_INTERVAL_MIN_NS},
		{"unpause --frequency=0.1", OX_INTERVAL_MAX_NS},
		{"unpause --frequency=999", 1001001},
		{"unpause --interval=1 --interval=2", 2000000000},
		{"set-interval 0.01", 10000000},
		{"set-interval -- 1e-3", 1000000},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		PARSE(request, cases[i].line);
		cr_expect_eq(request->interval_ns, cases[i].interval_ns, "%s: %lu", cases[i].line,
			     (unsigned long)request->interval_ns);
	}
}

Test(client_arguments, everything_about_a_query)
{
	PARSE(request,
	      "query --filter=^a|b --max=0 --since -5min --until=now --sort=name --by=stack "
	      "--no-pager --no-ask-password");
	cr_expect_str_eq(request->filter, "^a|b");
	cr_expect(request->has_max);
	cr_expect_eq(request->max, 0);
	cr_expect_eq(request->window.since_usec, NOW_USEC - UINT64_C(300000000));
	cr_expect_eq(request->window.until_usec, NOW_USEC);
	cr_expect_str_eq(request->sort, "name");
	cr_expect_str_eq(request->by, "stack");
	cr_expect(request->no_pager);
	cr_expect(request->no_ask_password);
	cr_expect_not(request->json);
	cr_expect_null(request->kind);
}

Test(client_arguments, one_kind_of_frames)
{
	PARSE(python, "query --python-only --by=stack");
	PARSE(native, "show --native-only --native-only");
	cr_expect_str_eq(python->kind, "python");
	cr_expect_str_eq(native->kind, "native");
	refuse("query --python-only --native-only",
	       "query: --python-only and --native-only cannot be used together");
	refuse("show --native-only --by=x --python-only",
	       "show: --by: not an option of this verb; see oxprofctl show --help");
	refuse("show --native-only --python-only",
	       "show: --python-only and --native-only cannot be used together");
	refuse("query --python-only=yes", "--python-only=yes: this option takes no value");
	refuse("history --native-only",
	       "history: --native-only: not an option of this verb; see oxprofctl history --help");
}

Test(client_arguments, everything_about_unpause)
{
	PARSE(request, "unpause --mode=wall --for=5min --children");
	cr_expect_str_eq(request->mode, "wall");
	cr_expect_eq(request->for_usec, 300000000);
	cr_expect(request->children);
	cr_expect_null(request->targets);
}

Test(client_arguments, help_needs_nothing_else)
{
	static const char *const lines[] = {"--help",          "-h",
					    "unpause --help",  "--help unpause",
					    "set-interval -h", "query --by=nonsense --help"};

	for (size_t i = 0; i < array_length(lines); i++) {
		PARSE(request, lines[i]);
		cr_expect(request->help);
		cr_expect_eq(request->has_verb, i >= 2, "%s", lines[i]);
	}
	PARSE(version, "--version");
	cr_expect(version->version);
}

Test(client_arguments, formats)
{
	static const struct {
		const char *line;
		enum format format;
		bool json;
	} cases[] = {
		{"query", FORMAT_TABLE, false},
		{"query --json", FORMAT_JSON, true},
		{"query --format=json", FORMAT_JSON, true},
		{"query --json --format=json", FORMAT_JSON, true},
		{"query --format=csv --by=user --max=3 --sort=self", FORMAT_CSV, false},
		{"query --format=folded", FORMAT_FOLDED, false},
		{"query --format=pprof", FORMAT_PPROF, false},
		{"query --format=speedscope", FORMAT_SPEEDSCOPE, false},
		{"query --format=flamegraph --threshold=1", FORMAT_FLAMEGRAPH, false},
		{"query -o a.svg", FORMAT_SVG, false},
		{"query --output=a.html", FORMAT_FLAMEGRAPH, false},
		{"query -o a.pb.gz", FORMAT_PPROF, false},
		{"query -o a.folded", FORMAT_FOLDED, false},
		{"query -o a.json", FORMAT_JSON, true},
		{"query -o a.speedscope.json", FORMAT_SPEEDSCOPE, false},
		{"query -o a.csv", FORMAT_CSV, false},
		{"query -o a.txt", FORMAT_TABLE, false},
		{"query -o .svg", FORMAT_TABLE, false},
		{"query -o a.svg --format=folded", FORMAT_FOLDED, false},
		{"query -o a.svg --json", FORMAT_JSON, true},
		{"query -o a.svg --format=flamegraph", FORMAT_SVG, false},
		{"query -o a.html --format=flamegraph", FORMAT_FLAMEGRAPH, false},
		{"query -o a.json --format=table", FORMAT_TABLE, false},
		{"flamegraph", FORMAT_FLAMEGRAPH, false},
		{"flamegraph -o a", FORMAT_FLAMEGRAPH, false},
		{"flamegraph -o a.svg", FORMAT_SVG, false},
		{"flamegraph --json", FORMAT_JSON, true},
		{"tree", FORMAT_TABLE, false},
		{"tree --json", FORMAT_JSON, true},
		{"diff --base=session:1 --with=session:2 -o a.html", FORMAT_FLAMEGRAPH, false},
		{"diff --base=session:1 --with=session:2 -o a.json", FORMAT_JSON, true},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		PARSE(request, cases[i].line);
		cr_expect_eq(request->format, cases[i].format, "%s", cases[i].line);
		cr_expect_eq(request->json, cases[i].json, "%s", cases[i].line);
	}
}

#define NO_ROWS(format) " does not apply to --format=" format ", which always contains whole stacks"

Test(client_arguments, bad_formats_are_refused)
{
	refuse("query --format=svg", "query: --format=svg: not one of "
				     "table|json|csv|folded|pprof|speedscope|flamegraph");
	refuse("query --format=", "query: --format=: not one of "
				  "table|json|csv|folded|pprof|speedscope|flamegraph");
	refuse("query --json --format=csv",
	       "query: --json and another --format cannot be used together");
	refuse("query -o", "-o: the value is missing");
	refuse("query --output=", "query: --output=: not the name of a file");
	refuse("query --format=folded --by=stack", "query: --by" NO_ROWS("folded"));
	refuse("query -o a.svg --sort=self", "query: --sort" NO_ROWS("flamegraph"));
	refuse("query -o a.pb.gz --max=0", "query: --max" NO_ROWS("pprof"));
	refuse("diff --base=-2h..-1h --with=-1h.. -o a.html --max=3",
	       "diff: --max" NO_ROWS("flamegraph"));
	refuse("query --threshold=1", "query: --threshold applies to flame graphs only");
	refuse("query --threshold=1 -o a.csv", "query: --threshold applies to flame graphs only");
	refuse("show -o a.csv",
	       "show: --output: not an option of this verb; see oxprofctl show --help");
	refuse("flamegraph -o a.folded",
	       "flamegraph: -o a.folded: a flame graph is written as .html, .svg or .json");
	refuse("diff --base=-2h..-1h --with=-1h.. -o a.csv",
	       "diff: not a format of this verb; use --format=table, json or flamegraph, or -o "
	       "FILE.html, .svg or .json");
}

Test(client_arguments, windows)
{
	PARSE(diff, "diff --base=-2h..-1h --with=session:12");
	PARSE(open, "diff --base=..-1h --with=-1h..");
	PARSE(query, "query --session=3");
	cr_expect_eq(diff->base.since_usec, NOW_USEC - UINT64_C(7200000000));
	cr_expect_eq(diff->base.until_usec, NOW_USEC - UINT64_C(3600000000));
	cr_expect_eq(diff->base.session, 0);
	cr_expect_eq(diff->with.session, 12);
	cr_expect_eq(diff->with.until_usec, UINT64_MAX);
	cr_expect_eq(open->base.since_usec, 0);
	cr_expect_eq(open->with.until_usec, UINT64_MAX);
	cr_expect_eq(query->window.session, 3);
	cr_expect_not(query->window.all_sessions);
}

Test(client_arguments, one_session_all_or_the_default)
{
	PARSE(none, "query");
	PARSE(all, "show --session=3 --session=all");
	PARSE(one, "tree --session=all --session=3");
	PARSE(until, "flamegraph --until=now");
	PARSE(pause, "pause --session=3 --pid=42");
	PARSE(everybody, "status --all-users");

	cr_expect_not(request_has_window(none));
	cr_expect(all->window.all_sessions);
	cr_expect_eq(all->window.session, 0);
	cr_expect_not(one->window.all_sessions);
	cr_expect_eq(one->window.session, 3);
	cr_expect(request_has_window(all));
	cr_expect(request_has_window(one));
	cr_expect(request_has_window(until));
	cr_expect_eq(pause->window.session, 3);
	cr_expect_not(pause->all_users);
	cr_expect(everybody->all_users);
}

Test(client_arguments, sessions_of_others_are_named_once)
{
	refuse("cancel --session=3 --all-users",
	       "cancel: --session and --all-users cannot be used together");
	refuse("history --session=all",
	       "history: --session=all: not the number of a session; without --session all of "
	       "yours are meant, with --all-users those of everybody");
	refuse("unpause --session=3",
	       "unpause: --session: not an option of this verb; see oxprofctl unpause --help");
	refuse("query --all-users",
	       "query: --all-users: not an option of this verb; see oxprofctl query --help");
}

#define NO_WINDOW ": not a window such as -2h..-1h, today.. or session:12"

Test(client_arguments, bad_windows_are_refused)
{
	static const char *const values[] = {"",           "..",        "-1h",       "-1h..-2h",
					     "now..now",   "session:",  "session:0", "session:x",
					     "session:-1", "noon..now", "now..noon", "-1h...-1min"};

	for (size_t i = 0; i < array_length(values); i++) {
		char line[128], why[128];

		snprintf(line, sizeof(line), "diff --with=-1h.. --base=%s", values[i]);
		snprintf(why, sizeof(why), "diff: --base=%s" NO_WINDOW, values[i]);
		refuse(line, why);
	}
	refuse("diff --base=-1h..", "diff: --base=WINDOW and --with=WINDOW are both needed, each a "
				    "window such as -2h..-1h, today.. or session:12");
	refuse("query --session=0",
	       "query: --session=0: not the number of a session or all; see oxprofctl history");
}

Test(client_arguments, numbers_of_reports)
{
	PARSE(tree, "tree --threshold=2.5 --focus=^a");
	PARSE(web, "web --port=65535");
	cr_expect(tree->has_threshold);
	cr_expect_float_eq(tree->threshold, 2.5, 1e-9);
	cr_expect_str_eq(tree->focus, "^a");
	cr_expect_eq(web->port, 65535);
	refuse("tree --threshold=101", "tree: --threshold=101: not a number between 0 and 100");
	refuse("tree --threshold=nan", "tree: --threshold=nan: not a number between 0 and 100");
	refuse("tree --threshold=1x", "tree: --threshold=1x: not a number between 0 and 100");
	refuse("tree --threshold=", "tree: --threshold=: not a number between 0 and 100");
	refuse("web --port=0", "web: --port=0: not a number between 1 and 65535");
	refuse("web --port=65536", "web: --port=65536: not a number between 1 and 65535");
	refuse("tree --focus=\xff", "tree: --focus=\xff: not a regular expression in UTF-8 of at "
				    "most 4096 bytes");
}

#define SECONDS "not a number of seconds between 0.0001 and 10"

Test(client_arguments, bad_rates_are_refused)
{
	static const char *const values[] = {"0",   "-1",      "nan",  "1e9", "inf", "",
					     "0x1", "0.00009", "10.1", "1s",  "-nan"};

	for (size_t i = 0; i < array_length(values); i++) {
		char line[64], why[128];

		snprintf(line, sizeof(line), "unpause --all --interval=%s", values[i]);
		snprintf(why, sizeof(why), "unpause: --interval=%s: " SECONDS, values[i]);
		refuse(line, why);
	}
	refuse("set-interval 0", "set-interval: 0: " SECONDS);
	refuse("set-interval -1", "set-interval: -1: " SECONDS);
	refuse("set-interval -.5", "set-interval: -.5: " SECONDS);
	refuse("set-interval nan", "set-interval: nan: " SECONDS);
	refuse("set-interval 1e9", "set-interval: 1e9: " SECONDS);
	refuse("set-interval", "set-interval: SEC is missing: a number of seconds between 0.0001 "
			       "and 10");
	refuse("unpause --frequency=0",
	       "unpause: --frequency=0: not a number of hertz between 0.1 and 10000");
	refuse("unpause --frequency=10001",
	       "unpause: --frequency=10001: not a number of hertz between 0.1 and 10000");
	refuse("unpause --interval=1 --frequency=1",
	       "unpause: --interval and --frequency cannot be used together");
}

Test(client_arguments, bad_targets_are_refused)
{
	refuse("unpause --pid=0", "unpause: --pid=0: not a process id between 1 and 4194304");
	refuse("unpause --pid=-1", "unpause: --pid=-1: not a process id between 1 and 4194304");
	refuse("unpause --pid=1x", "unpause: --pid=1x: not a process id between 1 and 4194304");
	refuse("unpause --pid=", "unpause: --pid=: not a process id between 1 and 4194304");
	refuse("unpause --comm=\xff", "unpause: --comm=\xff: not a process name of 1 to 15 bytes");
	refuse("unpause --comm=1234567890123456",
	       "unpause: --comm=1234567890123456: not a process name of 1 to 15 bytes");
	refuse("pause --cgroup=a/../b", "pause: --cgroup=a/../b: not a path such as /system.slice, "
					"below /sys/fs/cgroup");
	refuse("pause --all=1", "--all=1: this option takes no value");
	refuse("pause 42", "pause: 42: unexpected argument; targets are given as --pid=N, "
			   "--unit=NAME, ...");
}

Test(client_arguments, bad_words_are_refused)
{
	refuse("", "a verb is missing; see oxprofctl --help");
	refuse("resume", "resume: unknown verb; see oxprofctl --help");
	refuse("--bogus", "--bogus: unknown option; see oxprofctl --help");
	refuse("status --pid1=1", "--pid1=1: unknown option; see oxprofctl --help");
	refuse("status -1x", "status: -1x: unexpected argument");
	refuse("status -x", "-x: unknown option; see oxprofctl --help");
	refuse("status -help", "-help: unknown option; see oxprofctl --help");
	refuse("status --pid=1",
	       "status: --pid: not an option of this verb; see oxprofctl status --help");
	refuse("cancel --filter=x",
	       "cancel: --filter: not an option of this verb; see oxprofctl cancel --help");
	refuse("set-interval 1 2", "set-interval: 2: unexpected argument");
	refuse("history today", "history: today: unexpected argument");
	refuse("query --filter", "--filter: the value is missing");
	refuse("unpause --mode=cp", "unpause: --mode=cp: not one of cpu|wall");
	refuse("unpause --mode=", "unpause: --mode=: not one of cpu|wall");
	refuse("query --sort=cpu|wall", "query: --sort=cpu|wall: not one of self|total|name");
	refuse("query --max=4294967296",
	       "query: --max=4294967296: not a number between 0 (all) and 4294967295");
	refuse("query --max=-1", "query: --max=-1: not a number between 0 (all) and 4294967295");
	refuse("unpause --for=0",
	       "unpause: --for=0: not a span of time such as 30s, 5min or 1h 30min");
	refuse("query --since=noon", "query: --since=noon: not a time such as -5min, today or "
				     "2026-01-31 14:00");
	refuse("query --since=now --until=-1h", "query: --since is later than --until");
	refuse("query --filter=\xc3\x28", "query: --filter=\xc3\x28: not a regular expression in "
					  "UTF-8 of at most 4096 bytes");
}

Test(client_arguments, long_lists_are_bounded)
{
	enum { N = OX_TARGETS_MAX + 1 };
	static char *argv[N + 2];
	char why[ARGUMENTS_WHY_BYTES];
	struct request request;

	argv[0] = (char *)"oxprofctl";
	argv[1] = (char *)"unpause";
	for (size_t i = 0; i < N; i++)
		argv[2 + i] = (char *)"--pid=1";
	cr_expect_eq(arguments_parse(N + 2, argv, NOW_USEC, &request, why), -EINVAL);
	cr_expect_str_eq(why, "unpause: --pid: more than 1024 targets");
	cr_assert_eq(arguments_parse(N + 1, argv, NOW_USEC, &request, why), 0);
	cr_expect_eq(request.n_targets, OX_TARGETS_MAX);
	request_done(&request);
}

Test(client_arguments, a_long_value_does_not_overflow_the_warning)
{
	static char value[100000] = "--filter=";
	char *argv[] = {(char *)"oxprofctl", (char *)"query", value};
	char why[ARGUMENTS_WHY_BYTES];
	struct request request;

	memset(value + 9, 'a', sizeof(value) - 10);
	cr_expect_eq(arguments_parse(3, argv, NOW_USEC, &request, why), -EINVAL);
	cr_expect_eq(strlen(why), ARGUMENTS_WHY_BYTES - 1);
}

static void *read_lines(void *ret_failures)
{
	unsigned int *failures = ret_failures;

	for (int i = 0; i < 3000; i++) {
		_cleanup_(parsed_free_p) struct parsed *parsed =
			parse("query --max 3 --since=-5min -oa.csv --sort self");

		*failures += parsed->r < 0 || parsed->request.max != 3 ||
			     strcmp(parsed->request.output, "a.csv") != 0;
	}
	return NULL;
}

/* Each connection of oxprofctl web is a thread, and getopt_long() has one state for all. */
Test(client_arguments, threads_do_not_disturb_each_other)
{
	unsigned int failures[4] = {0};
	pthread_t threads[array_length(failures)];

	for (size_t i = 0; i < array_length(threads); i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, read_lines, &failures[i]), 0);
	for (size_t i = 0; i < array_length(threads); i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(failures[i], 0);
	}
}
