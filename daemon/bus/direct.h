/* SPDX-License-Identifier: MIT */
/*
 * Connections without dbus-daemon, for root alone: on an overloaded machine dbus-daemon is one more
 * process that waits for its turn, several times a call. systemctl reaches systemd in the same way
 * (/run/systemd/private).
 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* Connections at a time; more wait until one of them is closed. */
#define DIRECT_MAX 64

struct direct;

/* Puts the objects on a new connection. Returns 0, or a negative errno, and it is closed. */
typedef int (*direct_fn)(void *userdata, sd_bus *bus);

/* Listens at a path, in place of a file that is there. Returns 0 or a negative errno. */
int direct_new(sd_event *event, const char *path, direct_fn fn, void *userdata,
	       struct direct **ret);
/* Closes all connections. To be called before the owner of the objects on them is freed. */
struct direct *direct_free(struct direct *direct);
