/* SPDX-License-Identifier: MIT */
/*
 * Exports for pages. The daemon lets one user have few at a time, and a page asks for its time line
 * and its flame graph at once: so here they wait for one another, and stop when nobody wants them
 * any more.
 */
#pragma once

#include "client/bus/bus.h"
#include "client/profile/profile.h"

/*
 * As bus_export() and profile_read() behind it. client_fd: the socket of who asked; -ECANCELED
 * when that is closed. *ret_why: a sentence about what was read, the caller frees; NULL: the bus or
 * the errno knows.
 */
int web_export_read(struct bus *bus, const struct request *request,
		    const struct export_options *options, int client_fd, profile_hit_fn fn,
		    void *userdata, struct profile **ret, char **ret_why);
