/* SPDX-License-Identifier: MIT */
/* One request, from its head to its response. */
#pragma once

#include <microhttpd.h>
#include <stdatomic.h>

#include "client/web/guard.h"
#include "client/web/server.h"

/* The state that all requests of a server share; its threads use it at once. */
struct web_shared {
	struct web_settings settings;
	struct web_guard *guard;
	atomic_uint n_working; /* requests that wait for the daemon */
	atomic_bool ends;      /* no more requests may begin to wait */
};

struct web_exchange;

/* Judges the head of a request. Returns MHD_YES and sets *ret where the request may go on; MHD_YES
 * without setting *ret where a refusal is queued as its response; or MHD_NO, and then, as with the
 * functions below, the library closes the connection. */
enum MHD_Result web_exchange_begin(const struct web_shared *shared,
				   struct MHD_Connection *connection, const char *path,
				   const char *method, struct web_exchange **ret);
/* Takes the next *size bytes of the body, and sets *size to 0. */
enum MHD_Result web_exchange_take(struct web_exchange *exchange, const char *data, size_t *size);
/* Carries out the request, whose body is complete, and queues its response. */
enum MHD_Result web_exchange_respond(const struct web_exchange *exchange, struct web_shared *shared,
				     struct MHD_Connection *connection);
struct web_exchange *web_exchange_free(struct web_exchange *exchange);
