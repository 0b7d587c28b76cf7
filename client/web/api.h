/* SPDX-License-Identifier: MIT */
/* What a page may ask and order, as calls of the daemon on behalf of the user who serves it. */
#pragma once

#include "client/args/request.h"
#include "client/web/route.h"

/* What the route promises, or {"error":"one line"} and a status that is not 200. */
struct web_response {
	unsigned int status;
	char *body; /* owned */
	size_t length;
};

void web_response_done(struct web_response *response);
/* Refusals. 0 or -ENOMEM. */
int web_response_refuse(struct web_response *response, unsigned int status, const char *line);
/* As long as the daemon takes, and a password. client_fd: the socket of who asked. 0, -ENOMEM, or
 * -ECANCELED: nobody waits for it. For any thread. */
int web_api_respond(const struct web_route *route, const struct request *request, int client_fd,
		    struct web_response *ret);
