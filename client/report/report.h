/* SPDX-License-Identifier: MIT */
/*
 * Reports that are made of whole stacks: folded, pprof, speedscope, flame graphs, the tree, the
 * difference. They are written as the stacks come, to a file (whole or not at all: it gets its name
 * when it is complete) or to standard output.
 */
#pragma once

#include <stdio.h>

#include "client/base/screen.h"
#include "client/bus/bus.h"
#include "client/profile/profile.h"

/* True if this verb, in this format, is such a report. */
bool report_is_wanted(const struct request *request);
/* Warns on standard error of what is missing in an answer that has no place for it: processes of
 * others, frames of the kernel, any samples. */
void report_warn_of_gaps(const char *verb, const struct profile_summary *summary);
/* Tells on standard error which session the daemon chose for such an answer, and how to see more.
 */
void report_tell_session(const struct request *request, struct json_object *answer);
/* Makes the report. Returns 0, or a negative errno with a line for the user in *ret_why, which the
 * caller frees; -EPIPE without a line: nobody reads on. */
int report_run(struct bus *bus, const struct request *request, const struct screen *screen,
	       FILE *out, char **ret_why);
