/* SPDX-License-Identifier: MIT */
/* Turns the requests of a page into calls of the daemon, on behalf of the user who serves it. */
#pragma once

#include "client/args/request.h"
#include "client/web/route.h"

/* Status 200 and the content of the route, or another status and {"error":"one line"}. */
struct web_response {
	unsigned int status;
	char *body; /* owned */
	size_t length;
};

void web_response_done(struct web_response *response);
/* Makes the response a refusal with one line for people. Returns 0 or -ENOMEM. */
int web_response_refuse(struct web_response *response, unsigned int status, const char *line);
/* Calls the daemon and waits for it, and for a password where one is needed. Any thread may call
 * this. client_fd is the client's socket. Returns 0, -ENOMEM, or -ECANCELED where the client has
 * closed it. */
int web_api_respond(const struct web_route *route, const struct request *request, int client_fd,
		    struct web_response *ret);
