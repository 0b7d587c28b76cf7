/* SPDX-License-Identifier: MIT */
/* Calls that wait for what takes its time, and how many of them may. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "daemon/base/api.h"
#include "daemon/manager/manager.h"

/* Checks that one more call may wait, where n_all wait, of which n_of_user are of the same user.
 * until: for people, as "systemd has answered". Returns 0, or -EBUSY with the failure. */
int waiting_check_room(sd_bus_message *call, size_t n_all, size_t n_of_user, const char *until,
		       struct failure *failure);

/* Calls that all wait for the same. */
struct waiting {
	struct waiting_call {
		sd_bus_message *call; /* held */
		uint32_t uid;
	} calls[OX_WAITING_MAX];
	size_t n;
};

/* Lets a call of that user wait. Returns 0, or -EBUSY with the failure. */
int waiting_add(struct waiting *waiting, sd_bus_message *call, uint32_t uid, const char *until,
		struct failure *failure);
/* Takes all calls out: they wait no longer. The caller frees them. */
struct waiting waiting_take(struct waiting *waiting);
/* Drops the calls that came over that connection; NULL: all. */
void waiting_drop(struct waiting *waiting, const sd_bus *bus);

/* Calls whose answers are about what was sampled before they came. */
struct waiting_fresh;

/* Lets a call wait until that is in the history. Returns 0 where it waits: it comes again. Returns
 * 1 where it need not wait any longer, or too many others do: then it is answered with what there
 * is. */
int waiting_fresh_add(struct waiting_fresh **list, struct manager *manager, sd_bus_message *call);
/* Forgets a call that is answered. */
void waiting_fresh_done(struct waiting_fresh **list, const sd_bus_message *call);
/* Drops the calls that came over that connection; NULL: all. */
void waiting_fresh_drop(struct waiting_fresh **list, const sd_bus *bus);
