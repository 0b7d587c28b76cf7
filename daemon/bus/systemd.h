/* SPDX-License-Identifier: MIT */
/* Calls to PID 1. None of them waits: the answer, or an error in its place, goes to a callback. */
#pragma once

#include <stdint.h>

#include <systemd/sd-bus.h>

#define SYSTEMD_NAME "org.freedesktop.systemd1"

/* A call to be made: on which bus, for how long its answer is waited for, and who gets it. */
struct systemd_call {
	sd_bus *bus;
	uint64_t timeout_usec; /* UINT64_MAX: without end */
	sd_bus_message_handler_t fn;
	void *userdata;
};

/* These return 0 or more, or a negative errno where nothing was sent. While *ret_slot is held, the
 * answer is awaited. */

/* Asks for the object of a unit; systemd_read_path() reads the answer. Units that are installed but
 * do not run have one, too. */
int systemd_load_unit(const struct systemd_call *call, const char *unit, sd_bus_slot **ret_slot);
/* Asks whether there is a unit at all; systemd_read_text() reads "loaded", "not-found" and so on.
 */
int systemd_get_load_state(const struct systemd_call *call, const char *path,
			   sd_bus_slot **ret_slot);
/* Asks where a unit runs; systemd_read_text() reads "" where it does not. */
int systemd_get_cgroup(const struct systemd_call *call, const char *unit, const char *path,
		       sd_bus_slot **ret_slot);
/* Subscribes: signals of units are sent only to those who do. */
int systemd_subscribe(sd_bus *bus);

/* Reads the answer of systemd_load_unit(), which is no error. The path belongs to the message.
 * Returns 0 or more, or a negative errno. */
int systemd_read_path(sd_bus_message *reply, const char **ret);
/* Reads the answer of the other two, likewise. */
int systemd_read_text(sd_bus_message *reply, const char **ret);
