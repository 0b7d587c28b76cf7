/* SPDX-License-Identifier: MIT */
/* oxprofctl doctor: what on this machine is right, what is not, what to do. */
#pragma once

#include <stdio.h>

#include "client/args/request.h"
#include "client/base/screen.h"
#include "client/doctor/finding.h"
#include "client/doctor/machine.h"

/* Makes all checks, in the order of oxprofctl(1). The caller frees the findings. */
void doctor_examine(const struct machine *machine, struct findings *findings);

/*
 * Looks at this machine, as far as the caller may see it, and writes what it found. The bus is NULL
 * where it could not be opened, for the reason bus_error. oxprofd is asked if it runs; nothing is
 * started. 0: oxprof can profile here; 1: it cannot, and *ret_why says so in a line for people,
 * which the caller frees; or a negative errno, and *ret_why as command_run() has it.
 */
int doctor_run(struct bus *bus, int bus_error, const struct request *request,
	       const struct screen *screen, FILE *out, char **ret_why);
