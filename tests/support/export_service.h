/* SPDX-License-Identifier: MIT */
/*
 * A service at the other end of a socketpair that answers Export, for tests of reports: each call
 * with the next of the made exports (made_export.h), or with an error. It notes what was asked.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-bus.h>

#include "tests/support/made/export.h"

#define SERVICE_NOW_USEC UINT64_C(1764000000000000)

struct export_service {
	const struct made_export *exports;
	size_t n_exports;
	const char *error; /* name to answer with; NULL: none */
	const char *error_text;
	/* Filled by it. */
	size_t n_calls;
	char *asked; /* "session x 1 dimensions as stack task\n" a call, the caller frees */
	size_t asked_size;

	FILE *log;
	sd_bus *bus;
	pthread_t thread;
};

/* Runs a whole command line against it. Returns what report_run() says. Text of people goes to out,
 * and where the line names no output the rest to standard output. */
int export_service_report(struct export_service *service, const char *line, FILE *out,
			  char **ret_why);

/* Runs a command line that must succeed. Returns its text, and in *ret_asked the calls that it
 * made; the caller frees both. */
char *export_service_text(const struct made_export *exports, size_t n, const char *line,
			  char **ret_asked);
