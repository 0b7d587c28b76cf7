/* SPDX-License-Identifier: MIT */
/* The live view: full-screen on a terminal, refreshed each second; with --json one object each
 * second. */
#pragma once

#include "client/base/screen.h"
#include "client/bus/bus.h"

/* Until the user, SIGINT or SIGTERM ends it; the terminal is then as before. 0, or a negative errno
 * and *ret_why: one line for people, the caller frees. NULL there with -EPIPE: nobody reads on. */
int top_run(struct bus *bus, const struct request *request, const struct screen *screen,
	    char **ret_why);
