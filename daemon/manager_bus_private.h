/* SPDX-License-Identifier: MIT */
/* What the files of the bus object share; nobody else includes it. */
#pragma once

#include "daemon/authorize.h"
#include "daemon/manager_bus.h"
#include "daemon/unit_watch.h"

struct manager_bus {
	sd_bus *bus;
	struct manager *manager;
	struct authorizer *authorizer;
	struct unit_watch *units;
	sd_bus_slot *slot;
};

/* query_bus.c: handlers. 1: polkit is being asked, the call comes again. */
int query_bus_query(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int query_bus_query_fd(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int query_bus_history(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int query_bus_status(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
/* "lost" as a{st}. */
int query_bus_append_lost(sd_bus_message *reply, const struct recorder_totals *totals);

#define CALL_IS_PENDING 2
