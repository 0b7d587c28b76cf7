/* SPDX-License-Identifier: MIT */
/* The manager on the bus: org.oxprof1.Manager, as api.h describes it. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/manager/manager.h"

struct manager_bus;

/* Puts the object on the bus, where that is not NULL. Borrows the manager. Returns 0 or a negative
 * errno. */
int manager_bus_new(sd_bus *bus, struct manager *manager, struct manager_bus **ret);
/* Puts the object on a bus while it is on none, emits its changes there, and asks PID 1 over it.
 * Units that may have moved meanwhile are asked about. Returns 0 or a negative errno. */
int manager_bus_attach(struct manager_bus *bus, sd_bus *connection);
/* Takes the object from its bus, if it is on one. Calls that came over it and wait are dropped. */
void manager_bus_detach(struct manager_bus *bus);
/* Puts the same object on another connection, which must be closed before manager_bus_free().
 * Changes are told on the bus alone. A direct_fn (daemon/bus/direct.h). */
int manager_bus_add(void *self, sd_bus *bus);
struct manager_bus *manager_bus_free(struct manager_bus *bus);
