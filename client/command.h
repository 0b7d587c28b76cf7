/* SPDX-License-Identifier: MIT */
/* A request from the call to the printed answer. */
#pragma once

#include <stdio.h>

#include "client/base/screen.h"
#include "client/bus/bus.h"

/*
 * Does what is wanted and writes the answer to out. 0, or a negative errno and in *ret_why the line
 * for the user (failure.h), which the caller frees; NULL there: no memory. Errors of writing stay
 * in the FILE.
 */
int command_run(struct bus *bus, const struct request *request, const struct screen *screen,
		FILE *out, char **ret_why);
