/* SPDX-License-Identifier: MIT */
/*
 * Ends connections whose request does not come: each request has to be there, head and body, ten
 * seconds after its connection began or its last response was sent. The library closes only those
 * that are silent, and a byte now and then would keep one of its few connections for ever.
 *
 * Any thread may call these functions. Times are of the monotonic clock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define WEB_REQUEST_NS UINT64_C(10000000000)

struct web_deadlines;
struct web_deadline; /* of a connection */

/* Makes deadlines for so many connections. Returns 0 or a negative errno. */
int web_deadlines_new(size_t n_max, struct web_deadlines **ret);
struct web_deadlines *web_deadlines_free(struct web_deadlines *deadlines);

/* Takes a connection in, which has no deadline yet. Returns NULL where there are too many. */
struct web_deadline *web_deadlines_add(struct web_deadlines *deadlines, int socket);
/* Lets go of a connection, before its socket is closed. */
void web_deadlines_remove(struct web_deadlines *deadlines, struct web_deadline *deadline);

/* Expects a request of the connection from now on. */
void web_deadlines_begin(struct web_deadlines *deadlines, struct web_deadline *deadline,
			 uint64_t now_ns);
/* Ends the wait for the request, which is there. */
void web_deadlines_end(struct web_deadlines *deadlines, struct web_deadline *deadline);

/* Returns a descriptor that is readable when a connection may be late; the deadlines own it. */
int web_deadlines_get_fd(const struct web_deadlines *deadlines);
/* Shuts down the sockets of connections that are late; their threads then close them. */
void web_deadlines_shut_late(struct web_deadlines *deadlines, uint64_t now_ns);
