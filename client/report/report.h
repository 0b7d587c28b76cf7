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

/* Is this verb, in this format, such a report? */
bool report_is_wanted(const struct request *request);
/* Is it one that comes into out, as an answer of command_run()? All others go by themselves to the
 * request's output, or to standard output. */
bool report_is_text(const struct request *request);
/* Says on standard error what is not in an answer that has no place for it: whose processes, frames
 * of the kernel, any samples. */
void report_warn_of_gaps(const char *verb, const struct profile_summary *summary);
/* 0, or a negative errno and *ret_why: one line for people, the caller frees. -EPIPE without one:
 * nobody reads on. */
int report_run(struct bus *bus, const struct request *request, const struct screen *screen,
	       FILE *out, char **ret_why);
