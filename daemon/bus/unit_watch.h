/* SPDX-License-Identifier: MIT */
/* Units of systemd: where they run, and news of it, over PID 1's bus. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-bus.h>

#include "daemon/manager/failure.h"

struct unit_watch;

/* A unit that is watched runs in another cgroup now; "" in none. */
typedef void (*unit_moved_t)(void *userdata, const char *unit, const char *cgroup);

/* Borrows the bus. NULL: no memory. */
struct unit_watch *unit_watch_new(sd_bus *bus, unit_moved_t moved, void *userdata);
struct unit_watch *unit_watch_free(struct unit_watch *watch);

/* The unit's cgroup, "" where it does not run now. A negative errno where there is no such unit. */
int unit_watch_find(struct unit_watch *watch, const char *unit, char *ret_cgroup, size_t size,
		    struct failure *failure);
/* Follows it from now on, across restarts; once is enough. */
int unit_watch_add(struct unit_watch *watch, const char *unit);
/* Follows none any more. */
void unit_watch_clear(struct unit_watch *watch);
