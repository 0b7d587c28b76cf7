/* SPDX-License-Identifier: MIT */
/*
 * Connections that do not go by way of dbus-daemon, for root alone: on a machine on its knees that
 * is one process more which waits for its turn, several times a call. systemctl speaks to systemd
 * in the same way (/run/systemd/private).
 */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* At once; more wait until one of them is closed. */
#define DIRECT_MAX 64

struct direct;

/* Puts the objects on a new connection. 0, or a negative errno: it is closed. */
typedef int (*direct_fn)(void *userdata, sd_bus *bus);

/* Listens at a path, in place of what is there. 0 or a negative errno. */
int direct_new(sd_event *event, const char *path, direct_fn fn, void *userdata,
	       struct direct **ret);
/* Closes all. Before what the objects on them belong to. */
struct direct *direct_free(struct direct *direct);
