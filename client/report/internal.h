/* SPDX-License-Identifier: MIT */
/* One report, from the question to the last byte: what reading.c gives to the files that write
 * it. */
#pragma once

#include "client/base/screen.h"
#include "client/bus/bus.h"
#include "client/profile/profile.h"

struct report {
	struct bus *bus;
	const struct request *request;
	const struct screen *screen; /* for tables; {0} where they go to a file */
	FILE *out;
	bool streams_to_terminal; /* no progress line is shown between its lines */
	char *session; /* a line about the session that the report is about; "", NULL: none */
	char *why;     /* why it failed, one line for the user; NULL: the errno says it */
};

/* True if the report goes into out, as an answer of command_run(). All others go to the request's
 * output, or to standard output. */
bool report_is_text(const struct request *request);
/*
 * Asks the daemon and reads its answer into *ret; asks for a password where one is needed, shows
 * the progress, and warns the user of what is not in the answer. request: that of the report, or
 * one like it about another window. Returns 0, or a negative errno to be passed on, with
 * report->why set where the errno does not say it.
 */
int report_read(struct report *report, const struct request *request,
		const struct bus_export_options *options, profile_hit_fn fn, void *userdata,
		struct profile **ret);
/* Checks the output, in a profile_hit_fn. Returns 0, or -EIO where nothing more can be written. */
int report_check(const struct report *report);

/* Writes the report in one format. This and the functions below return 0, or a negative errno and
 * report->why; errors of writing stay in out. */
int folded_report(struct report *report);
int pprof_report(struct report *report);
int speedscope_report(struct report *report);
int flamegraph_report(struct report *report); /* HTML, SVG, JSON */

/* Writes the report of a verb, in any of its formats. */
int tree_report(struct report *report);
int diff_report(struct report *report);
