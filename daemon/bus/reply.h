/* SPDX-License-Identifier: MIT */
/* Parts of replies: failures of the manager as errors, entries of an a{sv}. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "daemon/manager/failure.h"
#include "daemon/recorder/recorder.h"

/* Sets the error by a failure. Returns a negative errno, for a handler to return. */
int bus_error_set(sd_bus_error *error, const struct failure *failure);
/* Sets the error of a right that is missing. result: that of authorize(); what: "profile pid:42".
 * Returns a negative errno. */
int bus_error_refuse(sd_bus_error *error, int result, const char *what);

/* Hands a call to its handler again, from its beginning; answers it with the error where that
 * fails. */
void bus_call_again(sd_bus_message *call);

/* Entries of an a{sv} that is open in a reply. Each returns 0 or more, or a negative errno. */
int bus_append_text(sd_bus_message *reply, const char *key, const char *text); /* "": no entry */
int bus_append_u32(sd_bus_message *reply, const char *key, uint32_t value);
int bus_append_u64(sd_bus_message *reply, const char *key, uint64_t value);
int bus_append_bool(sd_bus_message *reply, const char *key, bool value);
int bus_append_double(sd_bus_message *reply, const char *key, double value);

/* Opens and closes an entry whose value is an a{st}: the {st} that are appended in between. */
int bus_open_counts(sd_bus_message *reply, const char *key);
int bus_close_counts(sd_bus_message *reply);
/* Appends {key: a{st}}: samples by how their user stack ends, all reasons. */
int bus_append_stops(sd_bus_message *reply, const char *key,
		     const uint64_t stops[static OX_N_STOPS]);
/* Appends a session's losses to an a{st} that is open; reasons without any are left out. */
int bus_append_lost(sd_bus_message *reply, const struct recorder_totals *totals);
