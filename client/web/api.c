/* SPDX-License-Identifier: MIT */
#include "client/web/api.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "client/base/failure.h"
#include "client/base/text.h"
#include "client/bus/bus.h"
#include "client/bus/password.h"
#include "client/graph/graph.h"
#include "client/report/flamegraph.h"
#include "client/web/export.h"
#include "client/web/timeline.h"
#include "daemon/base/clock.h"
#include "daemon/base/json.h"
#include "daemon/base/loss.h"

define_cleanup(struct bus *, bus_close);
define_cleanup(struct graph *, graph_free);
define_cleanup(struct profile *, profile_free);
define_cleanup(struct web_timeline *, web_timeline_free);

/* A call of the daemon for one request. */
struct call {
	struct bus *bus;
	const struct web_route *route;
	const struct request *request;
	int client_fd;
	FILE *out;
	char *why; /* the reason of a failure; NULL: the bus or the errno has it */
};

void web_response_done(struct web_response *response)
{
	free(response->body);
	*response = (struct web_response){0};
}

static int write_error(const char *line, FILE *out)
{
	_cleanup_free_ char *clean = text_clean_copy(line);
	struct json json = {out, 1};

	if (!clean)
		return -ENOMEM;
	json_open(&json, NULL, '{');
	json_add_text(&json, "error", clean);
	json_close(&json, '}');
	return 0;
}

int web_response_refuse(struct web_response *response, unsigned int status, const char *line)
{
	_cleanup_fclose_ FILE *out = NULL;

	assert(status >= 400);
	web_response_done(response);
	out = open_memstream(&response->body, &response->length);
	if (!out || write_error(line, out) < 0 || fflush(out) != 0)
		return -ENOMEM;
	response->status = status;
	return 0;
}

/* ---- queries ---- */

/* Adds the reasons of losses in which only a part of the sample is lost. */
static int add_losses_in_part(struct json_object *tree)
{
	static const char *const reasons[] = {OX_LOSSES_IN_PART};
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < array_length(reasons); i++)
		json_object_array_add(array, json_object_new_string(reasons[i]));
	return array ? tree_add(tree, "losses_in_part", array) : -ENOMEM;
}

static int respond_status(struct call *call)
{
	_cleanup_tree_ struct json_object *tree = NULL;
	int r = bus_get_status(call->bus, NULL, &tree);

	if (r < 0)
		return r;
	r = add_losses_in_part(tree);
	return r < 0 ? r : tree_print(tree, call->out);
}

static int respond_functions(struct call *call)
{
	_cleanup_tree_ struct json_object *tree = NULL;
	int r = bus_query(call->bus, call->request, &tree);

	return r < 0 ? r : tree_print(tree, call->out);
}

static int respond_history(struct call *call)
{
	_cleanup_tree_ struct json_object *tree = NULL;
	int r = bus_get_visible_history(call->bus, call->request, &tree);

	return r < 0 ? r : tree_print(tree, call->out);
}

/* Chooses the length of the slots, which depends on how much time the history has in the window. */
static int choose_step(struct call *call, uint64_t *ret_usec)
{
	_cleanup_tree_ struct json_object *tree = NULL;
	const struct window *window = &call->request->window;
	int r = bus_get_visible_history(call->bus, call->request, &tree);

	if (r < 0)
		return r;
	*ret_usec = web_timeline_choose_step(tree_get_rows(tree, "sessions"), window->since_usec,
					     window->until_usec, window->session,
					     clock_realtime_usec());
	return 0;
}

static int respond_timeline(struct call *call)
{
	_cleanup_(web_timeline_free_p) struct web_timeline *timeline = web_timeline_new();
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	struct bus_export_options options = {.slots = true};
	int r;

	if (!timeline)
		return -ENOMEM;
	r = choose_step(call, &options.step_usec);
	if (r < 0)
		return r;
	if (options.step_usec) {
		r = web_export_read(call->bus, call->request, &options, call->client_fd,
				    web_timeline_add, timeline, &profile, &call->why);
		if (r < 0)
			return r;
	}
	return web_timeline_write(timeline, profile, call->out);
}

static int respond_flame(struct call *call)
{
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	_cleanup_(graph_free_p) struct graph *graph = graph_new();
	struct bus_export_options options = {.stacks = true};
	int r;

	if (!graph)
		return -ENOMEM;
	r = web_export_read(call->bus, call->request, &options, call->client_fd, flamegraph_add,
			    graph, &profile, &call->why);
	if (r < 0)
		return r;
	r = graph_finish(graph);
	if (r < 0)
		return r;
	r = flamegraph_begin(call->route->format, call->out);
	if (r < 0)
		return r;
	return flamegraph_draw(graph, profile_summary(profile), call->request, call->route->format,
			       call->out);
}

/* ---- orders ---- */

static int order(struct bus *bus, const struct request *request, void *userdata)
{
	const struct call *call = userdata;

	switch (call->route->action) {
	case WEB_PAUSE:
		return bus_pause(bus, request);
	case WEB_UNPAUSE:
		return bus_unpause(bus, request);
	default:
		return bus_set_interval(bus, request);
	}
}

/* Carries out an order. A password is asked for in the terminal of the user who serves the page,
 * since the bus sees that user. */
static int answer_order(struct call *call)
{
	int r = question_call(call->bus, call->request, order, call);

	if (r < 0)
		return r;
	fputs("{\"ok\":true}", call->out);
	return 0;
}

/* ---- the response ---- */

static int run(struct call *call)
{
	static int (*const responses[N_WEB_ACTIONS])(struct call *) = {
		[WEB_STATUS] = respond_status,   [WEB_FUNCTIONS] = respond_functions,
		[WEB_HISTORY] = respond_history, [WEB_TIMELINE] = respond_timeline,
		[WEB_FLAME] = respond_flame,     [WEB_PAUSE] = answer_order,
		[WEB_UNPAUSE] = answer_order,    [WEB_SET_INTERVAL] = answer_order,
	};

	assert(call->route->action < N_WEB_ACTIONS && responses[call->route->action]);
	return responses[call->route->action](call);
}

static unsigned int choose_status(const char *name, int error)
{
	static const struct {
		const char *prefix;
		unsigned int status;
	} statuses[] = {
		{OX_ERROR_NOT_PERMITTED, 403},
		{"org.freedesktop.DBus.Error.AccessDenied", 403},
		{"org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", 403},
		{OX_ERROR_LIMIT_REACHED, 429},
		{OX_ERROR_KERNEL, 500},
		{OX_ERROR_DATABASE, 500},
		{"org.oxprof1.Error.", 400}, /* the request is wrong */
	};

	if (error == -EINPROGRESS)
		return 409;
	for (size_t i = 0; name && i < array_length(statuses); i++)
		if (!strncmp(name, statuses[i].prefix, strlen(statuses[i].prefix)))
			return statuses[i].status;
	return name ? 502 : 500;
}

static int explain(const struct call *call, int error, struct web_response *ret)
{
	const char *verb = verb_infos[call->route->verb].name, *name = bus_get_error(call->bus);
	_cleanup_free_ char *line = NULL;

	line = call->why ? failure_describe(verb, NULL, call->why, error)
			 : failure_describe(verb, name, bus_get_error_text(call->bus), error);
	return line ? web_response_refuse(ret, choose_status(name, error), line) : -ENOMEM;
}

static int run_to_end(struct call *call, struct web_response *ret)
{
	int r;

	call->out = open_memstream(&ret->body, &ret->length);
	if (!call->out)
		return -ENOMEM;
	r = run(call);
	if ((fflush(call->out) != 0 || ferror(call->out)) && r >= 0)
		r = -ENOMEM;
	fclose(call->out);
	ret->status = 200;
	return r;
}

int web_api_respond(const struct web_route *route, const struct request *request, int client_fd,
		    struct web_response *ret)
{
	_cleanup_(bus_close_p) struct bus *bus = NULL;
	struct request whole = *request;
	struct call call = {.route = route, .request = &whole, .client_fd = client_fd};
	int r;

	/* The page shows all that there is where nothing is chosen. */
	whole.window.all_sessions = !request_has_window(request);
	r = bus_open(&bus);
	if (r < 0) {
		_cleanup_free_ char *line = failure_describe_bus(verb_infos[route->verb].name, r);

		return line ? web_response_refuse(ret, 502, line) : -ENOMEM;
	}
	call.bus = bus;
	r = run_to_end(&call, ret);
	if (r < 0 && r != -ECANCELED && r != -ENOMEM)
		r = explain(&call, r, ret);
	free(call.why);
	return r;
}
