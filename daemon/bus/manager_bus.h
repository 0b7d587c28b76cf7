/* SPDX-License-Identifier: MIT */
/* The manager on the bus: org.oxprof1.Manager, as api.h describes it. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/manager/manager.h"

struct manager_bus;

/* Puts the object on the bus and emits its changes there. Borrows the manager. Returns 0 or a
 * negative errno. */
int manager_bus_new(sd_bus *bus, struct manager *manager, struct manager_bus **ret);
/* Puts the same object on another connection, which must be closed before manager_bus_free().
 * Changes are emitted on the first connection alone. A direct_fn (daemon/bus/direct.h). */
int manager_bus_add(void *self, sd_bus *bus);
struct manager_bus *manager_bus_free(struct manager_bus *bus);
