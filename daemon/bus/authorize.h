/* SPDX-License-Identifier: MIT */
/*
 * Rights of the senders of calls. Root and the daemon's own user may do everything; for others
 * polkit decides, by their name on the bus. The check is asynchronous: while it is open the handler
 * returns, and the call is handed to it once more when the answer is there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

struct authorizer; /* the open checks of one bus */

struct authorizer *authorizer_new(void); /* NULL: no memory */
struct authorizer *authorizer_free(struct authorizer *authorizer);

/* Gives the sender's effective uid, as the bus saw it. Returns 0 or a negative errno. */
int sender_get_uid(sd_bus_message *call, uint32_t *ret);
/* True if the sender is root or the daemon's own user: then nothing is checked. */
bool sender_is_privileged(sd_bus_message *call);

/*
 * Checks whether the sender may do the action. interactive: polkit may ask a person for a password,
 * where the call allows that. Returns 1 where it is allowed; 0 while polkit is being asked: then
 * the handler must return 1 and do nothing; -EACCES where it is refused; -ENOKEY where it is
 * refused only for want of a password (no agent, or not interactive).
 */
int authorize(struct authorizer *authorizer, sd_bus_message *call, const char *action,
	      const char *detail, bool interactive);
/* True if the call has been checked before: it comes again. */
bool authorize_has_call(const struct authorizer *authorizer, const sd_bus_message *call);
/* Frees the checks of a call that is answered; NULL: of all calls. */
void authorize_done(struct authorizer *authorizer, sd_bus_message *call);
