/* SPDX-License-Identifier: MIT */
#include "client/args/verb.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/cleanup.h"

#define BIT(verb)  (1u << VERB_##verb)
#define EVERY_VERB ((1u << N_VERBS) - 1)
#define WINDOWED   (BIT(QUERY) | BIT(SHOW) | BIT(FLAMEGRAPH) | BIT(TREE))
#define LOOKING    (WINDOWED | BIT(DIFF) | BIT(TOP))
#define SCOPED     (BIT(STATUS) | BIT(PAUSE) | BIT(CANCEL) | BIT(SET_INTERVAL) | BIT(HISTORY))
#define TARGETED   (BIT(UNPAUSE) | BIT(PAUSE) | LOOKING)

const struct verb_info verb_infos[N_VERBS] = {
	[VERB_STATUS] = {"status", NULL,
			 "Show whether oxprofd is profiling, its targets, losses and costs"},
	[VERB_UNPAUSE] = {"unpause", NULL,
			  "Profile the targets; without any, go on with the previous ones"},
	[VERB_PAUSE] = {"pause", NULL, "Stop profiling the targets; without any, all of one's own"},
	[VERB_CANCEL] = {"cancel", NULL,
			 "Drop one's targets; where none is left, unload all from the kernel"},
	[VERB_SET_INTERVAL] = {"set-interval", "SEC",
			       "Set the time between two samples of a CPU, 0.0001 to 10 seconds"},
	[VERB_QUERY] = {"query", NULL,
			"List functions (or what --by selects), those with most hits first"},
	[VERB_SHOW] = {"show", NULL, "Show the ten functions with the most hits"},
	[VERB_FLAMEGRAPH] = {"flamegraph", NULL,
			     "Draw a flame graph: one HTML file that needs nothing else"},
	[VERB_TREE] = {"tree", NULL,
		       "Show the call tree in percent; with --focus, callers and callees"},
	[VERB_DIFF] = {"diff", NULL, "Compare two windows: what changed, and whether by chance"},
	[VERB_TOP] = {"top", NULL, "Show live, each second, where the time goes"},
	[VERB_WEB] = {"web", NULL,
		      "Serve a web page to this user's browser, on the loopback interface"},
	[VERB_HISTORY] = {"history", NULL,
			  "List one's sessions; each lasts from an unpause to its pause"},
	[VERB_RESYMBOLIZE] = {"resymbolize", NULL,
			      "Name recorded addresses whose debug files were installed later"},
	[VERB_DOCTOR] = {"doctor", NULL,
			 "Check whether this machine can profile, and say what to do if not"},
};

#define TIME_EXPECTED   "a time such as -5min, today or 2026-01-31 14:00"
#define WINDOW_EXPECTED "a window such as -2h..-1h, today.. or session:12"

/* The words that an option accepts, and what it expects. */
#define WORDS(words) words, "one of " words

const struct option_info option_infos[N_OPTIONS] = {
	[OPTION_PID] = {"pid", "N", "a process id between 1 and 4194304", TARGETED,
			"The process with this id"},
	[OPTION_COMM] = {"comm", "NAME", "a process name of 1 to 15 bytes", TARGETED,
			 "Processes of this name (as in /proc/PID/comm)"},
	[OPTION_UNIT] = {"unit", "NAME", "the name of a systemd unit", TARGETED,
			 "Processes of this systemd unit"},
	[OPTION_CGROUP] = {"cgroup", "PATH", "a path such as /system.slice, below /sys/fs/cgroup",
			   TARGETED, "Processes in this control group and below it"},
	[OPTION_USER] = {"user", "NAME", "the name or number of a user", TARGETED,
			 "Processes of this user"},
	[OPTION_ALL] = {"all", NULL, NULL, TARGETED, "Every process"},
	[OPTION_CHILDREN] = {"children", NULL, NULL, BIT(UNPAUSE),
			     "Also processes that the targets start later"},
	[OPTION_MODE] = {"mode", WORDS("cpu|wall"), BIT(UNPAUSE),
			 "Count CPU time (default) or all time, which this release refuses"},
	[OPTION_INTERVAL] = {"interval", "SEC", "a number of seconds between 0.0001 and 10",
			     BIT(UNPAUSE), "Time between two samples of a CPU"},
	[OPTION_FREQUENCY] = {"frequency", "HZ", "a number of hertz between 0.1 and 10000",
			      BIT(UNPAUSE), "The same in samples per second (default: 99)"},
	[OPTION_FOR] = {"for", "TIME", "a span of time such as 30s, 5min or 1h 30min", BIT(UNPAUSE),
			"Pause these targets again after that time"},
	[OPTION_FILTER] = {"filter", "RE", "a regular expression in UTF-8 of at most 4096 bytes",
			   LOOKING, "Only names that match this regular expression"},
	[OPTION_MAX] = {"max", "N", "a number between 0 (all) and 4294967295",
			BIT(QUERY) | BIT(SHOW) | BIT(DIFF) | BIT(HISTORY),
			"Print at most N rows, 0 for all (default: 10; history: all)"},
	[OPTION_SINCE] = {"since", "TIME", TIME_EXPECTED, WINDOWED | BIT(HISTORY),
			  "Only samples from this time on (-5min, today, ...)"},
	[OPTION_UNTIL] = {"until", "TIME", TIME_EXPECTED, WINDOWED | BIT(HISTORY),
			  "Only samples up to this time"},
	[OPTION_SESSION] = {"session", "N", "the number of a session or all; see oxprofctl history",
			    WINDOWED | BIT(TOP) | SCOPED,
			    "Only this session; or \"all\", everything that was sampled"},
	[OPTION_ALL_USERS] = {"all-users", NULL, NULL, SCOPED,
			      "The sessions of all users, not only one's own"},
	[OPTION_BASE] = {"base", "WINDOW", WINDOW_EXPECTED, BIT(DIFF),
			 "The window to compare with: SINCE..UNTIL or session:N"},
	[OPTION_WITH] = {"with", "WINDOW", WINDOW_EXPECTED, BIT(DIFF),
			 "The window to compare: SINCE..UNTIL or session:N"},
	[OPTION_SORT] = {"sort", WORDS("self|total|name"), BIT(QUERY) | BIT(TOP),
			 "Order of the rows (default: total; top: self)"},
	[OPTION_BY] = {"by", WORDS("function|module|file|line|stack|process|thread|unit|user"),
		       BIT(QUERY), "What a row stands for (default: function)"},
	[OPTION_PYTHON_ONLY] = {"python-only", NULL, NULL, LOOKING,
				"Only Python frames; time in C counts for its Python caller"},
	[OPTION_NATIVE_ONLY] = {"native-only", NULL, NULL, LOOKING,
				"Only native frames, without those of the kernel and of Python"},
	[OPTION_FOCUS] = {"focus", "RE", "a regular expression in UTF-8 of at most 4096 bytes",
			  BIT(TREE), "Callers and callees of the functions that match this"},
	[OPTION_THRESHOLD] =
		{"threshold", "PERCENT", "a number between 0 and 100",
		 BIT(QUERY) | BIT(FLAMEGRAPH) | BIT(TREE) | BIT(DIFF),
		 "Leave out smaller shares (default: tree 0.5, flame graphs 0.01, diff 0)"},
	[OPTION_PORT] = {"port", "N", "a number between 1 and 65535", BIT(WEB),
			 "The port to listen on (default: a free one)"},
	[OPTION_FORMAT] =
		{"format", WORDS("table|json|csv|folded|pprof|speedscope|flamegraph"),
		 BIT(QUERY) | BIT(DIFF),
		 "The format of the output (default: by the suffix of the file, or table)"},
	[OPTION_OUTPUT] =
		{"output", "FILE", "the name of a file", BIT(QUERY) | BIT(FLAMEGRAPH) | BIT(DIFF),
		 "Write to this file (or -o FILE): .svg .html .pb.gz .folded .json .csv ..."},
	[OPTION_JSON] = {"json", NULL, NULL, EVERY_VERB, "Print JSON for programs, not a table"},
	[OPTION_NO_PAGER] = {"no-pager", NULL, NULL, EVERY_VERB,
			     "Do not send long output on a terminal through a pager"},
	[OPTION_NO_ASK_PASSWORD] = {"no-ask-password", NULL, NULL, EVERY_VERB,
				    "Do not ask for a password; fail where one is needed"},
	[OPTION_HELP] = {"help", NULL, NULL, EVERY_VERB, "Show this help, or that of the verb"},
	[OPTION_VERSION] = {"version", NULL, NULL, EVERY_VERB, "Show the version"},
};

int verb_find(const char *name, enum verb *ret)
{
	for (size_t i = 0; i < N_VERBS; i++) {
		if (strcmp(verb_infos[i].name, name) == 0) {
			*ret = (enum verb)i;
			return 0;
		}
	}
	return -ENOENT;
}

int option_find(const char *name, size_t length, enum option_id *ret)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const char *known = option_infos[i].name;

		if (strlen(known) == length && memcmp(known, name, length) == 0) {
			*ret = (enum option_id)i;
			return 0;
		}
	}
	return -ENOENT;
}

bool option_fits_verb(enum option_id option, enum verb verb)
{
	assert(option < N_OPTIONS && verb < N_VERBS);
	return option_infos[option].verbs & (1u << verb);
}

int option_find_word(enum option_id option, const char *word, unsigned int *ret)
{
	const char *words = option_infos[option].argument;
	size_t length = strlen(word);

	assert(words);
	for (unsigned int i = 0; *words; i++) {
		size_t n = strcspn(words, "|");

		if (n == length && memcmp(words, word, n) == 0) {
			*ret = i;
			return 0;
		}
		words += n + (words[n] == '|');
	}
	return -ENOENT;
}
