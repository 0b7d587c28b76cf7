/* SPDX-License-Identifier: MIT */
/* Parts of replies: failures of the manager as errors, entries of an a{sv}. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
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

/* An entry of an a{sv}, made by one of the functions below. */
struct bus_entry {
	const char *key;
	char type; /* of D-Bus; 0: the value is not known, so there is no entry */
	union {
		const char *s;
		uint32_t u;
		uint64_t t;
		double d;
		int b;
	} value;
};

/* Makes an entry; "" is not known. The text is borrowed. */
struct bus_entry bus_text(const char *key, const char *text);
struct bus_entry bus_u32(const char *key, uint32_t value);
struct bus_entry bus_u64(const char *key, uint64_t value);
/* Makes an entry; 0 is not known. */
struct bus_entry bus_known_u32(const char *key, uint32_t value);
struct bus_entry bus_known_u64(const char *key, uint64_t value);
struct bus_entry bus_bool(const char *key, bool value);
/* Makes an entry; NaN is not known. */
struct bus_entry bus_double(const char *key, double value);

/* Appends an entry to an a{sv} that is open. Returns 0 or more, or a negative errno. */
int bus_append(sd_bus_message *reply, struct bus_entry entry);
/* Appends n entries likewise. */
int bus_append_entries(sd_bus_message *reply, const struct bus_entry *entries, size_t n);

/* Opens and closes an entry whose value is appended in between; type is that of the value. */
int bus_open_entry(sd_bus_message *reply, const char *key, const char *type);
int bus_close_entry(sd_bus_message *reply);
/* Opens and closes an entry whose value is an a{st}: the {st} that are appended in between. */
int bus_open_counts(sd_bus_message *reply, const char *key);
int bus_close_counts(sd_bus_message *reply);
/* Appends {key: a{st}}: samples by how their user stack ends, all reasons. */
int bus_append_stops(sd_bus_message *reply, const char *key,
		     const uint64_t stops[static OX_N_STOPS]);
/* Appends a session's losses to an a{st} that is open; reasons without any are left out. */
int bus_append_lost(sd_bus_message *reply, const struct recorder_totals *totals);
