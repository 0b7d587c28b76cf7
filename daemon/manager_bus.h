/* SPDX-License-Identifier: MIT */
/* The manager on the bus: org.oxprof1.Manager, as api.h describes it. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/manager.h"

struct manager_bus;

/* Puts the object on the bus and tells the manager's news there. Borrows the manager. 0 or a
 * negative errno. */
int manager_bus_new(sd_bus *bus, struct manager *manager, struct manager_bus **ret);
struct manager_bus *manager_bus_free(struct manager_bus *bus);
