/* SPDX-License-Identifier: MIT */
/* One report, from the question to the last byte: what reading.c gives to those that write it. */
#pragma once

#include "client/base/screen.h"
#include "client/bus/bus.h"
#include "client/profile/profile.h"

struct report {
	struct bus *bus;
	const struct request *request;
	const struct screen *screen; /* for tables; {0} where they go to a file */
	FILE *out;
	bool streams_to_terminal; /* no progress between its lines */
	char *why; /* what went wrong, one line for people; NULL: the errno says it */
};

/*
 * Asks the daemon and reads its answer; a password is asked for where one is needed, progress is
 * shown, and people are warned of what is not in the answer. request: that of the report, or one
 * like it about another window. A negative errno is the caller's to pass on; report->why is set.
 */
int report_read(struct report *report, const struct request *request,
		const struct export_options *options, profile_hit_fn fn, void *userdata,
		struct profile **ret);
/* In a profile_hit_fn: 0, or -EIO: nothing more can be written. */
int report_check(const struct report *report);

/* The formats. 0, or a negative errno and report->why. Errors of writing stay in out. */
int folded_report(struct report *report);
int pprof_report(struct report *report);
int speedscope_report(struct report *report);
int flamegraph_report(struct report *report); /* HTML, SVG, JSON */

/* The verbs, in all their formats. */
int tree_report(struct report *report);
int diff_report(struct report *report);
