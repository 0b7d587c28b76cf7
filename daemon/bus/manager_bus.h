/* SPDX-License-Identifier: MIT */
/* The manager on the bus: org.oxprof1.Manager, as api.h describes it. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/manager/manager.h"

struct manager_bus;

/* Puts the object on the bus and tells the manager's news there. Borrows the manager. 0 or a
 * negative errno. */
int manager_bus_new(sd_bus *bus, struct manager *manager, struct manager_bus **ret);
/* The same object on another connection, until that is closed, which has to be before
 * manager_bus_free(). News are told on the first one alone. A direct_fn (daemon/bus/direct.h). */
int manager_bus_add(void *self, sd_bus *bus);
struct manager_bus *manager_bus_free(struct manager_bus *bus);
