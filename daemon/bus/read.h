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

/* A query or an export as it was asked for. Texts are borrowed from the message; the caller frees
 * the targets, whatever the result. */
struct bus_question {
	struct query query;
	struct export_options options; /* of Export; its state and interval_ns stay empty */
	struct target *targets;        /* those of the query */
	bool has_window;               /* since, until or session was given */
};
int bus_read_query(sd_bus_message *message, struct bus_question *ret, sd_bus_error *error);
/* Reads the options of Export. */
int bus_read_export(sd_bus_message *message, struct bus_question *ret, sd_bus_error *error);

/* Whose sessions a call is about: by default those of its sender. */
struct bus_scope {
	bool all_users;
	int64_t session; /* this one; 0: all */
};
/* Reads the options of a method that has them; there are none in a message that is at its end. */
int bus_read_scope(sd_bus_message *message, struct bus_scope *ret, sd_bus_error *error);

struct history_options {
	uint64_t since_usec;
	uint64_t until_usec;
	uint32_t max;
	struct bus_scope scope;
};
int bus_read_history(sd_bus_message *message, struct history_options *ret, sd_bus_error *error);
