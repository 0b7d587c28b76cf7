/* SPDX-License-Identifier: MIT */
/* Shared by the files of this folder, and by no other. */
#pragma once

#include "daemon/base/api.h"
#include "daemon/bus/authorize.h"
#include "daemon/bus/manager_bus.h"
#include "daemon/bus/unit_ask.h"
#include "daemon/bus/unit_watch.h"
#include "daemon/bus/waiting.h"

/* A handler returns this where its call comes again, or is answered later. */
#define CALL_IS_PENDING 2

struct manager_bus {
	sd_bus *bus; /* NULL: it is away */
	struct manager *manager;
	struct authorizer *authorizer;
	struct unit_asker *asker;
	struct unit_watch *units;
	sd_bus_slot *slot;
	sd_bus_message *resymbolize_call; /* waits for its answer; NULL: none */
	struct waiting waiting;           /* until the kernel side is ready */
};

/* Reads a query and restricts it to what its sender may see. Returns 1, CALL_IS_PENDING, or a
 * negative errno with the error set. The caller frees the targets, whatever the result. */
int manager_bus_read_query(struct manager_bus *self, sd_bus_message *call, struct query *ret,
			   struct target **ret_targets, sd_bus_error *error);

/* ---- rights ---- */

/* True if the processes that the target names are the user's own. */
bool manager_bus_is_own(const struct target *target, uint32_t uid);
/* Requires the right to an action; `what` is for people, as "profile pid:42". This and the
 * functions below return 1 where the right is granted, CALL_IS_PENDING, or a negative errno with
 * the error set. */
int manager_bus_require(struct manager_bus *self, sd_bus_message *call, const char *action,
			const char *what, sd_bus_error *error);
/* Requires the right to change these targets; n == 0 means all that there are. Targets that the
 * sender named need no right. */
int manager_bus_require_targets(struct manager_bus *self, sd_bus_message *call,
				const struct target *targets, size_t n, const char *action,
				const char *what, sd_bus_error *error);
/* Requires the right to fulfil the request. *ret_kernel: true if kernel stacks may be recorded,
 * too. */
int manager_bus_require_unpause(struct manager_bus *self, sd_bus_message *call,
				const struct manager_request *request, bool *ret_kernel,
				sd_bus_error *error);

/* ---- handlers ---- */

int manager_bus_query(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_export(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_query_fd(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_history(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_resymbolize(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_status(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
/* Lets no call wait for the end of a resymbolization, which continues. */
void manager_bus_forget_resymbolize(struct manager_bus *self);
