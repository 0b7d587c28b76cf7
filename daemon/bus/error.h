/* SPDX-License-Identifier: MIT */
/* A manager's failure as an error on the bus. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/manager/failure.h"

/* Returns a negative errno, for a handler to return. */
int bus_error_set(sd_bus_error *error, const struct failure *failure);
/* Refused by the rules. result: what authorize() returned; what: "profile process 42". */
int bus_error_refuse(sd_bus_error *error, int result, const char *what);
