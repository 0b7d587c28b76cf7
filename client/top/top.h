/* SPDX-License-Identifier: MIT */
/* The live view: full-screen on a terminal, refreshed each second; with --json one object each
 * second. */
#pragma once

#include "client/base/screen.h"
#include "client/bus/bus.h"

/* Runs until the user, SIGINT or SIGTERM ends it, and leaves the terminal as it was. Returns 0, or
 * a negative errno and in *ret_why one line for people, which the caller frees; NULL with -EPIPE,
 * where nobody reads the output any more. */
int top_run(struct bus *bus, const struct request *request, const struct screen *screen,
	    char **ret_why);
