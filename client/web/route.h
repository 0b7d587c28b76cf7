/* SPDX-License-Identifier: MIT */
/* The table of paths that the page's server has. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/args/request.h"

enum web_method { WEB_GET, WEB_POST, WEB_OTHER };

enum web_action {
	WEB_ASSET, /* a file of the page: the same for everybody, no secret in it */
	WEB_LOGIN,
	WEB_STATUS,
	WEB_FUNCTIONS,
	WEB_HISTORY,
	WEB_TIMELINE,
	WEB_FLAME,
	WEB_PAUSE,
	WEB_UNPAUSE,
	WEB_SET_INTERVAL,
	N_WEB_ACTIONS,
};

struct web_route {
	const char *path;
	enum web_method method;
	enum web_action action;
	const char *file;    /* of an asset: its name in client/page */
	const char *type;    /* of the response; NULL: JSON */
	enum format format;  /* of a flame graph */
	enum verb verb;      /* the parameters are options of this verb */
	uint64_t parameters; /* bits of enum option_id: the options that the path takes */
};

/* Returns the route of a path, or NULL where there is no such path. */
const struct web_route *web_route_find(const char *path);
/* True if the route is only for a client that has logged in. */
bool web_route_is_private(const struct web_route *route);
