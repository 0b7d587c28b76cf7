/* SPDX-License-Identifier: MIT */
/* What the files of the bus object share; nobody else includes it. */
#pragma once

#include "daemon/base/api.h"
#include "daemon/bus/authorize.h"
#include "daemon/bus/manager_bus.h"
#include "daemon/bus/unit_watch.h"

struct manager_bus {
	sd_bus *bus;
	struct manager *manager;
	struct authorizer *authorizer;
	struct unit_watch *units;
	sd_bus_slot *slot;
	sd_bus_message *resymbolize_call;        /* the one that waits for its answer */
	sd_bus_message *waiting[OX_WAITING_MAX]; /* until the kernel side is ready */
	size_t n_waiting;
};

/* Reads a query and leaves in it what the caller may see. 1, CALL_IS_PENDING, or an error that
 * is set. Without the right: the caller's own; where others' are named: refused. The targets are
 * the caller's to free, whatever the result. */
int manager_bus_read_query(struct manager_bus *self, sd_bus_message *call, struct query *ret,
			   struct target **ret_targets, sd_bus_error *error);
/* The second half of that. */
int manager_bus_restrict_query(struct manager_bus *self, sd_bus_message *call, struct query *query,
			       sd_bus_error *error);

/* Rights. 1: granted; CALL_IS_PENDING; or an error that is set. */

/* Is what the target names the user's own? */
bool manager_bus_is_own(const struct target *target, uint32_t uid);
int manager_bus_require(struct manager_bus *self, sd_bus_message *call, const char *action,
			const char *what, sd_bus_error *error);
/* To change these targets that are there (none: all). Those that he named himself he may. */
int manager_bus_require_targets(struct manager_bus *self, sd_bus_message *call,
				const struct target *targets, size_t n, const char *action,
				const char *what, sd_bus_error *error);
/* To do what is asked for. *ret_kernel: kernel stacks, too; else they are left out. */
int manager_bus_require_unpause(struct manager_bus *self, sd_bus_message *call,
				const struct manager_request *request, bool *ret_kernel,
				sd_bus_error *error);

/* Handlers. CALL_IS_PENDING: polkit is being asked, the call comes again. */
int manager_bus_query(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_export(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_query_fd(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_history(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_resymbolize(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);
int manager_bus_status(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);

#define CALL_IS_PENDING 2
