/* SPDX-License-Identifier: MIT */
#include "client/web/route.h"

#include <string.h>

#include "daemon/base/cleanup.h"

#define BIT(option) (UINT64_C(1) << OPTION_##option)
#define TARGETS     (BIT(PID) | BIT(COMM) | BIT(UNIT) | BIT(CGROUP) | BIT(USER) | BIT(ALL))
#define WINDOW      (BIT(SINCE) | BIT(UNTIL) | BIT(SESSION))
#define STACKS      (TARGETS | WINDOW | BIT(FILTER) | BIT(PYTHON_ONLY) | BIT(NATIVE_ONLY))

#define HTML   "text/html; charset=utf-8"
#define STYLE  "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"

#define ASSET(name, media)                                                          \
	{                                                                           \
		.path = "/" name, .action = WEB_ASSET, .file = name, .type = media, \
	}

static const struct web_route routes[] = {
	{.path = "/", .action = WEB_ASSET, .file = "web.html", .type = HTML},
	ASSET("web.css", STYLE),
	ASSET("web_controls.css", STYLE),
	ASSET("web_panels.css", STYLE),
	ASSET("web.js", SCRIPT),
	ASSET("web_api.js", SCRIPT),
	ASSET("web_dom.js", SCRIPT),
	ASSET("web_panels.js", SCRIPT),
	ASSET("web_timeline.js", SCRIPT),
	ASSET("flamegraph.css", STYLE),
	ASSET("flamegraph.js", SCRIPT),
	ASSET("flame_keys.js", SCRIPT),
	ASSET("flame_layout.js", SCRIPT),
	ASSET("flame_paint.js", SCRIPT),
	ASSET("flame_words.js", SCRIPT),
	{.path = "/login", .method = WEB_POST, .action = WEB_LOGIN, .verb = VERB_WEB},
	{.path = "/api/status", .action = WEB_STATUS, .verb = VERB_STATUS},
	{.path = "/api/functions",
	 .action = WEB_FUNCTIONS,
	 .verb = VERB_QUERY,
	 .parameters = STACKS | BIT(MAX) | BIT(SORT) | BIT(BY)},
	{.path = "/api/history",
	 .action = WEB_HISTORY,
	 .verb = VERB_HISTORY,
	 .parameters = BIT(SINCE) | BIT(UNTIL) | BIT(MAX)},
	{.path = "/api/timeline",
	 .action = WEB_TIMELINE,
	 .verb = VERB_FLAMEGRAPH,
	 .parameters = STACKS},
	{.path = "/api/flame",
	 .action = WEB_FLAME,
	 .format = FORMAT_JSON,
	 .verb = VERB_FLAMEGRAPH,
	 .parameters = STACKS | BIT(THRESHOLD)},
	{.path = "/api/flame.html",
	 .action = WEB_FLAME,
	 .type = HTML,
	 .format = FORMAT_FLAMEGRAPH,
	 .verb = VERB_FLAMEGRAPH,
	 .parameters = STACKS | BIT(THRESHOLD)},
	{.path = "/api/pause",
	 .method = WEB_POST,
	 .action = WEB_PAUSE,
	 .verb = VERB_PAUSE,
	 .parameters = TARGETS},
	{.path = "/api/unpause",
	 .method = WEB_POST,
	 .action = WEB_UNPAUSE,
	 .verb = VERB_UNPAUSE,
	 .parameters = TARGETS | BIT(CHILDREN) | BIT(INTERVAL) | BIT(FREQUENCY) | BIT(FOR)},
	{.path = "/api/set-interval",
	 .method = WEB_POST,
	 .action = WEB_SET_INTERVAL,
	 .verb = VERB_SET_INTERVAL},
};

const struct web_route *web_route_find(const char *path)
{
	for (size_t i = 0; i < array_length(routes); i++)
		if (strcmp(routes[i].path, path) == 0)
			return &routes[i];
	return NULL;
}

bool web_route_is_private(const struct web_route *route)
{
	return route->action != WEB_ASSET && route->action != WEB_LOGIN;
}
