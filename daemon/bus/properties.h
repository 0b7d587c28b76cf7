/* SPDX-License-Identifier: MIT */
/*
 * The properties of the object: each reader gets those of his own sessions. A connection that has
 * called the object is told when they change, until it leaves the bus, and by a message of its own:
 * nobody hears of another user's sessions.
 */
#pragma once

#include <stdint.h>

#include <systemd/sd-bus.h>

#include "daemon/manager/manager.h"

/* Appends the value of a property to a reply to that user. Returns a negative errno where that
 * fails. */
int property_append(const struct manager *manager, const char *name, uint32_t uid,
		    sd_bus_message *reply);

struct listeners;

/* Returns NULL where there is no memory. */
struct listeners *listeners_new(void);
/* Forgets all listeners, and borrows another bus; NULL: there is none. */
void listeners_attach(struct listeners *listeners, sd_bus *bus);
struct listeners *listeners_free(struct listeners *listeners);

/* Adds the sender of a call, where there is room and the call came by that bus, and gives the
 * sender's uid. Returns 0 or a negative errno of finding the uid. */
int listeners_add(struct listeners *listeners, sd_bus_message *call, uint32_t *ret_uid);
/* Sends the properties that change to the user's connections; UINT32_MAX: to all, each the values
 * of its own user. */
void listeners_tell(const struct listeners *listeners, const struct manager *manager, uint32_t uid);
