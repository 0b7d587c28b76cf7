/* SPDX-License-Identifier: MIT */
/* A request from the call to the printed answer. */
#pragma once

#include <stdio.h>

#include "client/base/screen.h"
#include "client/bus/bus.h"

/*
 * Carries out the request and writes the answer to out. Returns 0, or a negative errno with a line
 * for the user (failure.h) in *ret_why, which the caller frees and which is NULL if there is no
 * memory. Errors of writing stay in the FILE.
 */
int command_run(struct bus *bus, const struct request *request, const struct screen *screen,
		FILE *out, char **ret_why);
