/* SPDX-License-Identifier: MIT */
/*
 * Calls that name units. PID 1 is asked for one unit of a call after another; meanwhile the handler
 * returns, and the call is handed to it once more when all answers are there. To be used only where
 * the sender's right was granted.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "daemon/manager/failure.h"
#include "daemon/manager/manager.h"

/* How long PID 1 may take over all units of a call. */
#define UNIT_ASK_USEC UINT64_C(5000000)

struct unit_asker; /* the calls that wait for PID 1 */

struct unit_asker *unit_asker_new(void); /* NULL: no memory */
struct unit_asker *unit_asker_free(struct unit_asker *asker);

/* Goes on with another connection to PID 1, to which it holds a reference; NULL: there is none.
 * Calls that came over the one before are dropped, others that wait get a failure. */
void unit_asker_attach(struct unit_asker *asker, sd_bus *bus);

/* Fills in the cgroups of the units among the targets. Returns 1; 0 while PID 1 is being asked:
 * then the handler must return 1 and do nothing; or a negative errno: -ENOENT where there is no
 * such unit, -ETIMEDOUT where PID 1 does not answer, -EBUSY where too many calls wait. */
int unit_ask(struct unit_asker *asker, sd_bus_message *call, uint32_t uid,
	     struct target_request *requested, size_t n, struct failure *failure);
/* Frees what is known for a call that is answered. */
void unit_ask_done(struct unit_asker *asker, const sd_bus_message *call);
