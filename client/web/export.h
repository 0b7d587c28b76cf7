/* SPDX-License-Identifier: MIT */
/*
 * Exports for pages. The daemon allows a user few exports at a time, and a page asks for its time
 * line and its flame graph at once. So exports wait here for one another, and stop when their
 * client is gone.
 */
#pragma once

#include "client/bus/bus.h"
#include "client/profile/profile.h"

/*
 * Calls bus_export() and reads the export with profile_read(); any thread may call this. Returns
 * their results, or -ECANCELED when the client has closed client_fd, its socket. *ret_why is a
 * sentence about a wrong export, which the caller frees; NULL: the bus or the errno has the reason.
 */
int web_export_read(struct bus *bus, const struct request *request,
		    const struct bus_export_options *options, int client_fd, profile_hit_fn fn,
		    void *userdata, struct profile **ret, char **ret_why);
