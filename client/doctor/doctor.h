/* SPDX-License-Identifier: MIT */
/* oxprofctl doctor: says what is right on this machine, what is not, and what to do. */
#pragma once

#include <stdio.h>

#include "client/args/request.h"
#include "client/base/screen.h"
#include "client/doctor/finding.h"
#include "client/doctor/machine.h"

/* Makes all checks, in the order of oxprofctl(1). The caller frees the findings. */
void doctor_examine(const struct machine *machine, struct findings *findings);

/*
 * Examines this machine as far as the caller may see it, and writes the findings. The bus is NULL
 * where it could not be opened, for the reason bus_error. Asks oxprofd if it runs, and starts
 * nothing. Returns 0 where oxprof can profile here; 1 where it cannot, and then *ret_why is a line
 * for people, which the caller frees; or a negative errno, with *ret_why as command_run() has it.
 */
int doctor_run(struct bus *bus, int bus_error, const struct request *request,
	       const struct screen *screen, FILE *out, char **ret_why);
