/* SPDX-License-Identifier: MIT */
/*
 * Units that are followed: PID 1 is asked where they run at first, after each change, and again
 * when it or the bus was away. One question is open at a time, however many units there are:
 * dbus-daemon refuses who has many.
 */
#pragma once

#include <systemd/sd-bus.h>

struct unit_watch;

/* Called when a unit that is watched may run in another cgroup, "" for none. */
typedef void (*unit_moved_t)(void *userdata, const char *unit, const char *cgroup);

/* Returns NULL where there is no memory. */
struct unit_watch *unit_watch_new(unit_moved_t moved, void *userdata);
struct unit_watch *unit_watch_free(struct unit_watch *watch);

/* Goes on with another connection, to which it holds a reference; NULL: there is none, and nothing
 * is heard of the units. */
void unit_watch_attach(struct unit_watch *watch, sd_bus *bus);
/* Watches the unit from now on, across restarts; a second call changes nothing. Returns 0 or
 * -ENOMEM. */
int unit_watch_add(struct unit_watch *watch, const char *unit);
/* Watches no unit any more. */
void unit_watch_clear(struct unit_watch *watch);
