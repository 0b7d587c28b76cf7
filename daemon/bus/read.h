/* SPDX-License-Identifier: MIT */
/* What clients send, read strictly: an unknown key or a wrong type is an error that names it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "daemon/base/api.h"
#include "daemon/base/target.h"
#include "daemon/export/export.h"
#include "daemon/query/engine.h"

/* A list of targets ("as"); the array is the caller's to free. */
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

/* filter is borrowed from the message; targets are the caller's to free. */
int bus_read_query(sd_bus_message *message, struct query *ret, struct target **ret_targets,
		   sd_bus_error *error);
/* The same of Export; focus is borrowed as well, and what the summary says is left to others. */
int bus_read_export(sd_bus_message *message, struct query *ret, struct export_options *ret_options,
		    struct target **ret_targets, sd_bus_error *error);
