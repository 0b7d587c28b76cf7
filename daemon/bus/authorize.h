/* SPDX-License-Identifier: MIT */
/*
 * May the sender of a call do this? Root and the daemon's own user may all; others are asked about
 * at polkit, by their name on the bus. The check is asynchronous: while it is open the handler
 * returns, and the call is handed to it once more when the answer is there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

struct authorizer; /* the open checks of one bus */

struct authorizer *authorizer_new(void); /* NULL: no memory */
struct authorizer *authorizer_free(struct authorizer *authorizer);

/* Effective uid of who sent the call, as the bus saw it. 0 or a negative errno. */
int sender_get_uid(sd_bus_message *call, uint32_t *ret);
/* Root, or the daemon's own user: nothing is checked. */
bool sender_is_privileged(sd_bus_message *call);

/*
 * `interactive`: a person may be asked for a password, where the call allows that.
 * 1: allowed. 0: polkit is being asked; the handler must return 1 and do nothing. -EACCES: refused,
 * with -ENOKEY in its place where a person could still prove the right (no agent, not interactive).
 */
int authorize(struct authorizer *authorizer, sd_bus_message *call, const char *action,
	      const char *detail, bool interactive);
/* The call is answered: forget what was asked for it. */
void authorize_done(struct authorizer *authorizer, sd_bus_message *call);
