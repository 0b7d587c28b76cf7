/* SPDX-License-Identifier: MIT */
/* The page for the browser, served on loopback for the user who started it. */
#pragma once

#include "client/base/screen.h"
#include "client/bus/bus.h"

/* Serves until the user ends it. Returns 0, or a negative errno and in *ret_why one line for
 * people, which the caller frees. */
int web_run(struct bus *bus, const struct request *request, const struct screen *screen,
	    char **ret_why);
