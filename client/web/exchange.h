/* SPDX-License-Identifier: MIT */
/* One request, from its head to its response. */
#pragma once

#include <microhttpd.h>
#include <stdatomic.h>

#include "client/web/guard.h"
#include "client/web/server.h"

/* What the requests of a server have in common; used by its threads at once. */
struct web_shared {
	struct web_settings settings;
	struct web_guard *guard;
	atomic_uint n_working; /* requests that wait for the daemon */
	atomic_bool ends;      /* no more of them */
};

struct web_exchange;

/* Judges the head. MHD_YES with *ret: it goes on; without: it is refused, and that is its response.
 * MHD_NO, here and below: the connection ends. */
enum MHD_Result web_exchange_begin(const struct web_shared *shared,
				   struct MHD_Connection *connection, const char *path,
				   const char *method, struct web_exchange **ret);
/* More of the body; *size is 0 then. */
enum MHD_Result web_exchange_take(struct web_exchange *exchange, const char *data, size_t *size);
/* All of it is there. */
enum MHD_Result web_exchange_respond(const struct web_exchange *exchange, struct web_shared *shared,
				     struct MHD_Connection *connection);
struct web_exchange *web_exchange_free(struct web_exchange *exchange);
