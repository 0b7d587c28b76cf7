/* SPDX-License-Identifier: MIT */
/* Reads what clients send, and strictly: an error names an unknown key or a wrong type. Each
 * function returns 0 or more, or a negative errno with the error set. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "daemon/base/api.h"
#include "daemon/base/target.h"
#include "daemon/export/export.h"
#include "daemon/query/engine.h"

/* Reads a list of targets ("as"); the caller frees the array. */
int bus_read_targets(sd_bus_message *message, struct target **ret, size_t *ret_n,
		     sd_bus_error *error);

struct unpause_options {
	uint64_t interval_ns; /* 0: not given */
	uint64_t for_usec;    /* 0: not given */
	bool children;
};
int bus_read_unpause_options(sd_bus_message *message, struct unpause_options *ret,
			     sd_bus_error *error);

int bus_read_interval(double seconds, uint64_t *ret_ns, sd_bus_error *error);

/* Reads a query. Its filter is borrowed from the message; the caller frees the targets, whatever
 * the result. */
int bus_read_query(sd_bus_message *message, struct query *ret, struct target **ret_targets,
		   sd_bus_error *error);
/* Reads the options of Export likewise; focus is borrowed as well. state and interval_ns stay
 * empty. */
int bus_read_export(sd_bus_message *message, struct query *ret, struct export_options *ret_options,
		    struct target **ret_targets, sd_bus_error *error);
