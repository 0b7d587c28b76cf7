/* SPDX-License-Identifier: MIT */
/* Shared by the files of this folder, and by no other. */
#pragma once

#include "daemon/base/api.h"
#include "daemon/base/changes.h"
#include "daemon/bus/authorize.h"
#include "daemon/bus/manager_bus.h"
#include "daemon/bus/properties.h"
#include "daemon/bus/read.h"
#include "daemon/bus/unit_ask.h"
#include "daemon/bus/unit_watch.h"
#include "daemon/bus/waiting.h"

/* A handler returns this where its call comes again, or is answered later. */
#define CALL_IS_PENDING 2

struct manager_bus {
	sd_bus *bus; /* NULL: it is away */
	struct manager *manager;
	struct authorizer *authorizer;
	struct changes *changes;
	struct listeners *listeners;
	struct unit_asker *asker;
	struct unit_watch *units;
	sd_bus_slot *slot;
	struct waiting_query *queries;    /* that are not answered yet */
	sd_bus_message *resymbolize_call; /* waits for its answer; NULL: none */
	struct waiting waiting;           /* until the kernel side is ready */
	struct waiting_fresh *fresh;      /* until what was sampled is in the history */
};

/* ---- rights ---- */

/* True if the processes that the target names are the user's own. */
bool manager_bus_is_own(const struct target *target, uint32_t uid);
/* Counts a change by the sender. Returns 1, or a negative errno with the error set where the sender
 * changes things too often. To be called before anything else is done for the call. */
int manager_bus_limit_changes(struct manager_bus *self, sd_bus_message *call, uint32_t uid,
			      sd_bus_error *error);
/* Requires the right to an action; `what` is for people, as "profile pid:42". This and the
 * functions below return 1 where the right is granted, CALL_IS_PENDING, or a negative errno with
 * the error set. */
int manager_bus_require(struct manager_bus *self, sd_bus_message *call, const char *action,
			const char *what, sd_bus_error *error);
/* Requires the right to sessions of the user at that interval; 0: the one that there is. */
int manager_bus_require_interval(struct manager_bus *self, sd_bus_message *call, uint32_t uid,
				 uint64_t interval_ns, sd_bus_error *error);
/* Requires the right to fulfil the request, and sets in it whose processes may be sampled and
 * whether with kernel stacks. */
int manager_bus_require_unpause(struct manager_bus *self, sd_bus_message *call,
				struct manager_request *request, sd_bus_error *error);
/* Gives the sessions that the call is about; requires the right to the action where these may be
 * another's. */
int manager_bus_find_scope(struct manager_bus *self, sd_bus_message *call,
			   const struct bus_scope *asked, const char *action, const char *what,
			   struct manager_scope *ret, sd_bus_error *error);
/* Finds out whether the sender may see what others do, without a question. *ret_uid: the only user
 * whose processes the sender may see; UINT32_MAX: all. */
int manager_bus_limit_sight(struct manager_bus *self, sd_bus_message *call, uint32_t *ret_uid);

/* ---- handlers ---- */

int manager_bus_query(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
/* Drops the queries that are not answered yet: those that came over a bus, NULL: all. */
void manager_bus_drop_queries(struct manager_bus *self, const sd_bus *bus);
int manager_bus_export(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_query_fd(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_history(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_resymbolize(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_status(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
/* Lets no call wait for the end of a resymbolization, which continues. */
void manager_bus_forget_resymbolize(struct manager_bus *self);
