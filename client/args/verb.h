/* SPDX-License-Identifier: MIT */
/*
 * The verbs and the options of oxprofctl, each in one table. The parser, --help and the test of man
 * page and completion read these tables and nothing else, so that they cannot differ.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base/target.h"

enum verb {
	VERB_STATUS,
	VERB_UNPAUSE,
	VERB_PAUSE,
	VERB_CANCEL,
	VERB_SET_INTERVAL,
	VERB_QUERY,
	VERB_SHOW,
	VERB_FLAMEGRAPH,
	VERB_TREE,
	VERB_DIFF,
	VERB_TOP,
	VERB_WEB,
	VERB_HISTORY,
	VERB_RESYMBOLIZE,
	VERB_DOCTOR,
	N_VERBS,
};

struct verb_info {
	const char *name;
	const char *argument; /* the argument that must follow; NULL: none may */
	const char *help;
};

/* The first N_TARGET_KINDS are the targets, in the order of enum target_kind. */
enum option_id {
	OPTION_PID = TARGET_PID,
	OPTION_COMM = TARGET_COMM,
	OPTION_UNIT = TARGET_UNIT,
	OPTION_CGROUP = TARGET_CGROUP,
	OPTION_USER = TARGET_USER,
	OPTION_ALL = TARGET_ALL,
	OPTION_CHILDREN = N_TARGET_KINDS,
	OPTION_MODE,
	OPTION_INTERVAL,
	OPTION_FREQUENCY,
	OPTION_FOR,
	OPTION_FILTER,
	OPTION_MAX,
	OPTION_SINCE,
	OPTION_UNTIL,
	OPTION_SESSION,
	OPTION_ALL_USERS,
	OPTION_BASE,
	OPTION_WITH,
	OPTION_SORT,
	OPTION_BY,
	OPTION_PYTHON_ONLY,
	OPTION_NATIVE_ONLY,
	OPTION_FOCUS,
	OPTION_THRESHOLD,
	OPTION_PORT,
	OPTION_FORMAT,
	OPTION_OUTPUT,
	OPTION_JSON,
	OPTION_NO_PAGER,
	OPTION_NO_ASK_PASSWORD,
	OPTION_HELP,
	OPTION_VERSION,
	N_OPTIONS,
};

struct option_info {
	const char *name;     /* without the dashes */
	const char *argument; /* "N", or the words allowed: "cpu|wall"; NULL: takes no value */
	const char *expects; /* what a value must be, after "not" in the message; NULL: any value is
				good */
	unsigned int verbs;  /* bits of enum verb */
	const char *help;
};

extern const struct verb_info verb_infos[N_VERBS];
extern const struct option_info option_infos[N_OPTIONS];

/* Finds a verb by its name. Returns 0 or -ENOENT. */
int verb_find(const char *name, enum verb *ret);
/* Finds an option by the first `length` bytes of name. Returns 0 or -ENOENT. */
int option_find(const char *name, size_t length, enum option_id *ret);
bool option_fits_verb(enum option_id option, enum verb verb);
/* Finds the place of a word among those between the bars of the option's argument. Returns 0 or
 * -ENOENT. */
int option_find_word(enum option_id option, const char *word, unsigned int *ret);
