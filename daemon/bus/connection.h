/* SPDX-License-Identifier: MIT */
/*
 * The daemon's connection to the system bus, with its object and its name. When it breaks, as at a
 * restart of dbus-daemon, the bus is tried again and again until it is back. Sessions go on
 * meanwhile: nothing of them is the bus's.
 */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/bus/manager_bus.h"

struct connection;

/* Connects, puts the object on the bus, and takes the name. Waits for all that: a daemon that
 * cannot be reached is none. Borrows the object. Returns 0, or a negative errno, and has told why.
 */
int connection_new(sd_event *event, struct manager_bus *object, struct connection **ret);
/* Sends what is still to be sent, and closes the connection. The object may be freed before. */
struct connection *connection_free(struct connection *connection);
