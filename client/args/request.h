/* SPDX-License-Identifier: MIT */
/* The user's request, checked and ready to be sent. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/args/verb.h"

/* The formats of output, in the order of the words of --format (verb.c). Without --format the
 * suffix of the file decides. */
enum format {
	FORMAT_TABLE,
	FORMAT_JSON,
	FORMAT_CSV,
	FORMAT_FOLDED,
	FORMAT_PPROF,
	FORMAT_SPEEDSCOPE,
	FORMAT_FLAMEGRAPH, /* HTML */
	FORMAT_SVG,        /* the same as a picture; by suffix only */
	N_FORMATS,
};

struct window {
	uint64_t since_usec; /* 0: from the beginning */
	uint64_t until_usec; /* UINT64_MAX: no end */
	int64_t session;     /* 0: none is given */
	bool all_sessions;   /* --session=all */
};

struct request {
	bool help;
	bool version;
	bool has_verb; /* may be false only with help or version */
	enum verb verb;

	char **targets; /* canonical (daemon/base/target.h), NULL at the end; NULL: none. Owned. */
	size_t n_targets;
	size_t targets_size;
	bool children;

	/* The texts below are borrowed from argv. An option that is not given is NULL or 0 and is
	 * not sent, so that the daemon's setting counts. */
	const char *mode;
	uint64_t interval_ns;
	uint64_t for_usec;

	const char *filter;
	const char *sort;
	const char *by;
	const char *kind;
	bool has_max;
	uint32_t max;         /* 0: all */
	struct window window; /* its session is also that which status, pause, ... are about */
	bool all_users;

	struct window base, with; /* diff */
	const char *focus;
	bool has_threshold;
	double threshold;   /* percent */
	uint16_t port;      /* 0: any */
	const char *output; /* NULL: standard output */
	enum format format;

	bool json; /* also set where format is FORMAT_JSON */
	bool no_pager;
	bool no_ask_password;
};

void request_done(struct request *request);
/* True if times or sessions were given: else the daemon chooses the session. */
bool request_has_window(const struct request *request);
