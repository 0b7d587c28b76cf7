/* SPDX-License-Identifier: MIT */
/* Units of systemd: the cgroups in which they run, and changes of these, asked of PID 1. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-bus.h>

#include "daemon/manager/failure.h"

struct unit_watch;

/* Called when a unit that is watched runs in another cgroup, "" for none. */
typedef void (*unit_moved_t)(void *userdata, const char *unit, const char *cgroup);

/* Holds a reference to the bus. Returns NULL where there is no memory. */
struct unit_watch *unit_watch_new(sd_bus *bus, unit_moved_t moved, void *userdata);
struct unit_watch *unit_watch_free(struct unit_watch *watch);

/* Finds the unit's cgroup, "" where it does not run now. Returns 0, or a negative errno: -ENOENT
 * where there is no such unit. */
int unit_watch_find(struct unit_watch *watch, const char *unit, char *ret_cgroup, size_t size,
		    struct failure *failure);
/* Watches the unit from now on, across restarts; a second call changes nothing. Returns 0 or a
 * negative errno. */
int unit_watch_add(struct unit_watch *watch, const char *unit);
/* Watches no unit any more. */
void unit_watch_clear(struct unit_watch *watch);
