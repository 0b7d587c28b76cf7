/* SPDX-License-Identifier: MIT */
/* Answers on their way to the browser, each with the headers that keep the page to itself. */
#pragma once

#include <microhttpd.h>

#include "client/web/api.h"

/* Takes the body. type NULL: JSON. name: of one more header; NULL: none. */
enum MHD_Result web_response_send(struct MHD_Connection *connection, struct web_answer *answer,
				  const char *type, const char *name, const char *value);
enum MHD_Result web_response_refuse(struct MHD_Connection *connection, unsigned int status,
				    const char *why);
/* A file of the page. */
enum MHD_Result web_response_send_asset(struct MHD_Connection *connection,
					const struct web_route *route);
