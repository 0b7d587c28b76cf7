/* SPDX-License-Identifier: MIT */
/*
 * Handlers are thin: read, ask for the right, call one function of the manager, reply. A handler
 * returns CALL_IS_PENDING while polkit or systemd is being asked; it has changed nothing then and
 * is called again from its beginning.
 */
#include "daemon/bus/manager_bus.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/bus/internal.h"
#include "daemon/bus/read.h"
#include "daemon/bus/reply.h"

/* ---- changes ---- */

static void watch_units(struct manager_bus *self, const struct manager_request *request)
{
	for (size_t i = 0; i < request->n_targets; i++)
		if (request->targets[i].target.kind == TARGET_UNIT)
			(void)unit_watch_add(self->units,
					     target_value(&request->targets[i].target));
}

/* ---- calls that wait until the kernel side is ready ---- */

/* Frees what is known for a call that is answered. */
static void forget_call(struct manager_bus *self, sd_bus_message *call)
{
	authorize_done(self->authorizer, call);
	unit_ask_done(self->asker, call);
	waiting_fresh_done(&self->fresh, call);
}

/* Hands the call to its handler again, from its beginning, since much may have changed; or answers
 * it with the failure. */
static void answer_waiting(struct manager_bus *self, sd_bus_message *call,
			   const struct failure *failure)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

	if (!failure) {
		bus_call_again(call);
		return;
	}
	(void)bus_error_set(&error, failure);
	(void)sd_bus_reply_method_error(call, &error);
	forget_call(self, call);
}

static void on_ready(void *userdata, const struct failure *failure)
{
	struct manager_bus *self = userdata;
	struct waiting waiting = waiting_take(&self->waiting);
	bool anybody = false;

	for (size_t i = 0; i < waiting.n; i++) {
		sd_bus_message *call = waiting.calls[i].call;

		if (sd_bus_is_open(sd_bus_message_get_bus(call)) > 0) {
			answer_waiting(self, call, failure);
			anybody = true;
		}
	}
	waiting_drop(&waiting, NULL);
	if (!anybody)
		manager_stop_if_idle(self->manager);
}

static void fill_requested(struct target_request *requested, const struct manager_request *request,
			   const struct target *targets, bool children)
{
	for (size_t i = 0; i < request->n_targets; i++) {
		requested[i].target = targets[i];
		requested[i].children = children;
	}
}

/* Begins to sample, or lets the call wait until the kernel side is ready for that. */
static int begin_unpause(struct manager_bus *self, sd_bus_message *call,
			 const struct manager_request *request, sd_bus_error *error)
{
	struct failure failure;
	int r = manager_check_request(self->manager, request, &failure);

	if (r < 0)
		return bus_error_set(error, &failure);
	r = manager_make_ready(self->manager, &failure);
	if (r == 0)
		r = waiting_add(&self->waiting, call, request->owner, "the BPF programs are loaded",
				&failure);
	if (r <= 0)
		return r < 0 ? bus_error_set(error, &failure) : CALL_IS_PENDING;
	r = manager_unpause(self->manager, request, &failure);
	if (r < 0)
		return bus_error_set(error, &failure);
	watch_units(self, request);
	return sd_bus_reply_method_return(call, NULL);
}

static int unpause(struct manager_bus *self, sd_bus_message *call, struct target_request *requested,
		   struct manager_request *request, const struct target *targets, bool children,
		   sd_bus_error *error)
{
	struct failure failure;
	int r;

	fill_requested(requested, request, targets, children);
	r = manager_bus_require_unpause(self, call, request, error);
	if (r != 1)
		return r;
	r = unit_ask(self->asker, call, request->owner, requested, request->n_targets, &failure);
	if (r <= 0)
		return r < 0 ? bus_error_set(error, &failure) : CALL_IS_PENDING;
	return begin_unpause(self, call, request, error);
}

static int handle_unpause(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_free_ struct target *targets = NULL;
	_cleanup_free_ struct target_request *requested = NULL;
	struct manager_request request = {0};
	struct unpause_options options;
	int r = bus_read_targets(call, &targets, &request.n_targets, error);

	if (r < 0)
		return r;
	r = bus_read_unpause_options(call, &options, error);
	if (r < 0)
		return r;
	r = sender_get_uid(call, &request.owner);
	if (r < 0)
		return r;
	requested = calloc(request.n_targets + 1, sizeof(*requested));
	if (!requested)
		return -ENOMEM;
	request.targets = requested;
	request.interval_ns = options.interval_ns;
	request.for_usec = options.for_usec;
	r = unpause(self, call, requested, &request, targets, options.children, error);
	if (r != CALL_IS_PENDING)
		manager_stop_if_idle(self->manager);
	return r;
}

/* Reads the options of a change, where its method has them, and finds the sessions that it is
 * about.
 */
static int read_scope(struct manager_bus *self, sd_bus_message *call, const char *action,
		      const char *what, struct manager_scope *ret, sd_bus_error *error)
{
	struct bus_scope asked;
	int r = bus_read_scope(call, &asked, error);

	return r < 0 ? r : manager_bus_find_scope(self, call, &asked, action, what, ret, error);
}

static int handle_pause(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	_cleanup_free_ struct target *targets = NULL;
	struct manager_scope scope;
	struct failure failure;
	size_t n;
	int r = bus_read_targets(call, &targets, &n, error);

	if (r < 0)
		return r;
	r = read_scope(self, call, OX_ACTION_PROFILE_OTHERS, "pause what others profile", &scope,
		       error);
	if (r != 1)
		return r;
	r = manager_pause(self->manager, &scope, targets, n, &failure);
	return r < 0 ? bus_error_set(error, &failure) : sd_bus_reply_method_return(call, NULL);
}

static int refuse_none(void *userdata, const struct manager_target_info *info)
{
	return -EEXIST;
}

/* Watches no unit any more where no target of anybody is left. */
static void clear_units(struct manager_bus *self)
{
	const struct manager_scope all = {.owner = UINT32_MAX};

	if (manager_foreach_target(self->manager, &all, refuse_none, NULL) >= 0)
		unit_watch_clear(self->units);
}

static int handle_cancel(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	struct manager_scope scope;
	struct failure failure;
	int r = read_scope(self, call, OX_ACTION_CONFIGURE, "cancel what others profile", &scope,
			   error);

	if (r != 1)
		return r;
	r = manager_cancel(self->manager, &scope, &failure);
	if (r < 0)
		return bus_error_set(error, &failure);
	clear_units(self);
	return sd_bus_reply_method_return(call, NULL);
}

static int set_interval(struct manager_bus *self, sd_bus_message *call, uint64_t interval_ns,
			sd_bus_error *error)
{
	struct manager_scope scope;
	struct failure failure;
	int r = read_scope(self, call, OX_ACTION_CONFIGURE, "change the interval of others", &scope,
			   error);

	if (r != 1)
		return r;
	r = manager_bus_require_interval(self, call, scope.owner, interval_ns, error);
	if (r != 1)
		return r;
	r = manager_set_interval(self->manager, &scope, interval_ns, &failure);
	return r < 0 ? bus_error_set(error, &failure) : sd_bus_reply_method_return(call, NULL);
}

static int handle_set_interval(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error)
{
	uint64_t interval_ns;
	double seconds;
	int r = sd_bus_message_read(call, "d", &seconds);

	if (r < 0)
		return r;
	r = bus_read_interval(seconds, &interval_ns, error);
	return r < 0 ? r : set_interval(self, call, interval_ns, error);
}

/* ---- the table ---- */

/* Ends a call. One that waits for polkit, systemd, the kernel or names is not answered yet, and
 * keeps its rights. */
static int finish_call(struct manager_bus *self, sd_bus_message *call, int result)
{
	if (result == CALL_IS_PENDING)
		return 1;
	forget_call(self, call);
	return result;
}

typedef int (*handler_fn)(struct manager_bus *self, sd_bus_message *call, sd_bus_error *error);

static int take_call(struct manager_bus *self, sd_bus_message *call, handler_fn handler,
		     sd_bus_error *error)
{
	uint32_t uid;
	int r = listeners_add(self->listeners, call, &uid);

	return finish_call(self, call, r < 0 ? r : handler(self, call, error));
}

static int take_change(struct manager_bus *self, sd_bus_message *call, handler_fn handler,
		       sd_bus_error *error)
{
	uint32_t uid;
	int r = listeners_add(self->listeners, call, &uid);

	if (r >= 0)
		r = manager_bus_limit_changes(self, call, uid, error);
	return finish_call(self, call, r < 0 ? r : handler(self, call, error));
}

/* Makes a handler as the table below needs it; take: one of the functions above. */
#define METHOD(name, take, handler)                                                \
	static int name(sd_bus_message *call, void *userdata, sd_bus_error *error) \
	{                                                                          \
		return take(userdata, call, handler, error);                       \
	}

METHOD(on_unpause, take_change, handle_unpause)
METHOD(on_pause, take_change, handle_pause)
METHOD(on_cancel, take_change, handle_cancel)
METHOD(on_set_interval, take_change, handle_set_interval)
METHOD(on_query, take_call, manager_bus_query)
METHOD(on_query_fd, take_call, manager_bus_query_fd)
METHOD(on_export, take_call, manager_bus_export)
METHOD(on_history, take_call, manager_bus_history)
METHOD(on_get_status, take_call, manager_bus_status)
METHOD(on_resymbolize, take_call, manager_bus_resymbolize)

static int get_property(sd_bus *bus, const char *path, const char *interface, const char *property,
			sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct manager_bus *self = userdata;
	sd_bus_message *call = sd_bus_get_current_message(bus);
	uint32_t uid;
	int r = call ? listeners_add(self->listeners, call, &uid) : -ENXIO;

	return r < 0 ? r : property_append(self->manager, property, uid, reply);
}

/* All users may call: the handlers check the rights. */
#define OPEN SD_BUS_VTABLE_UNPRIVILEGED
#define CHANGING(name, type, get) \
	SD_BUS_PROPERTY(name, type, get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
#define CONSTANT(name, type, get) SD_BUS_PROPERTY(name, type, get, 0, SD_BUS_VTABLE_PROPERTY_CONST)

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD_WITH_ARGS("Unpause", SD_BUS_ARGS("as", targets, "a{sv}", options),
				SD_BUS_NO_RESULT, on_unpause, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_ARGS("as", targets), SD_BUS_NO_RESULT, on_pause,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_cancel, OPEN),
	SD_BUS_METHOD_WITH_ARGS("SetInterval", SD_BUS_ARGS("d", seconds), SD_BUS_NO_RESULT,
				on_set_interval, OPEN),
	SD_BUS_METHOD_WITH_ARGS("PauseWithOptions", SD_BUS_ARGS("as", targets, "a{sv}", options),
				SD_BUS_NO_RESULT, on_pause, OPEN),
	SD_BUS_METHOD_WITH_ARGS("CancelWithOptions", SD_BUS_ARGS("a{sv}", options),
				SD_BUS_NO_RESULT, on_cancel, OPEN),
	SD_BUS_METHOD_WITH_ARGS("SetIntervalWithOptions",
				SD_BUS_ARGS("d", seconds, "a{sv}", options), SD_BUS_NO_RESULT,
				on_set_interval, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Query", SD_BUS_ARGS("a{sv}", filter),
				SD_BUS_RESULT("a{sv}", summary, "aa{sv}", records), on_query, OPEN),
	SD_BUS_METHOD_WITH_ARGS("QueryByFileDescriptor", SD_BUS_ARGS("a{sv}", filter),
				SD_BUS_RESULT("h", json), on_query_fd, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Export", SD_BUS_ARGS("a{sv}", filter), SD_BUS_RESULT("h", stream),
				on_export, OPEN),
	SD_BUS_METHOD_WITH_ARGS("History", SD_BUS_ARGS("a{sv}", filter),
				SD_BUS_RESULT("aa{sv}", sessions), on_history, OPEN),
	SD_BUS_METHOD_WITH_ARGS("GetStatus", SD_BUS_NO_ARGS,
				SD_BUS_RESULT("a{sv}", status, "aa{sv}", targets), on_get_status,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("GetStatusWithOptions", SD_BUS_ARGS("a{sv}", options),
				SD_BUS_RESULT("a{sv}", status, "aa{sv}", targets), on_get_status,
				OPEN),
	SD_BUS_METHOD_WITH_ARGS("Resymbolize", SD_BUS_NO_ARGS,
				SD_BUS_RESULT("t", named, "t", unnamed, "aa{sv}", files),
				on_resymbolize, OPEN),
	CHANGING("State", "s", get_property),
	CHANGING("Mode", "s", get_property),
	CHANGING("Interval", "d", get_property),
	CHANGING("Targets", "as", get_property),
	/* These two change with every sample; they are told when the state changes. */
	CHANGING("Samples", "t", get_property),
	CHANGING("Lost", "a{st}", get_property),
	CONSTANT("Version", "s", get_property),
	CONSTANT("DatabasePath", "s", get_property),
	SD_BUS_VTABLE_END,
};

static void on_change(void *userdata, uint32_t owner)
{
	struct manager_bus *self = userdata;

	listeners_tell(self->listeners, self->manager, owner);
}

static void on_moved(void *userdata, const char *unit, const char *cgroup)
{
	struct manager_bus *self = userdata;

	manager_move_unit(self->manager, unit, cgroup);
}

int manager_bus_attach(struct manager_bus *self, sd_bus *bus)
{
	int r;

	assert(!self->bus);
	r = sd_bus_add_object_vtable(bus, &self->slot, OX_BUS_PATH, OX_BUS_INTERFACE, vtable, self);
	if (r < 0)
		return r;
	self->bus = sd_bus_ref(bus);
	listeners_attach(self->listeners, bus);
	unit_asker_attach(self->asker, bus);
	unit_watch_attach(self->units, bus);
	return 0;
}

void manager_bus_detach(struct manager_bus *self)
{
	if (!self->bus)
		return;
	authorize_done(self->authorizer, NULL);
	manager_bus_drop_queries(self, self->bus);
	listeners_attach(self->listeners, NULL);
	unit_asker_attach(self->asker, NULL);
	unit_watch_attach(self->units, NULL);
	waiting_drop(&self->waiting, self->bus);
	waiting_fresh_drop(&self->fresh, self->bus);
	if (self->resymbolize_call && sd_bus_message_get_bus(self->resymbolize_call) == self->bus)
		manager_bus_forget_resymbolize(self);
	self->slot = sd_bus_slot_unref(self->slot);
	self->bus = sd_bus_unref(self->bus);
}

define_cleanup(struct manager_bus *, manager_bus_free);

int manager_bus_new(sd_bus *bus, struct manager *manager, struct manager_bus **ret)
{
	_cleanup_(manager_bus_free_p) struct manager_bus *self = calloc(1, sizeof(*self));
	int r;

	if (!self)
		return -ENOMEM;
	self->manager = manager;
	self->authorizer = authorizer_new();
	self->changes = changes_new();
	self->listeners = listeners_new();
	self->asker = unit_asker_new();
	self->units = unit_watch_new(on_moved, self);
	if (!self->authorizer || !self->changes || !self->listeners || !self->asker || !self->units)
		return -ENOMEM;
	r = bus ? manager_bus_attach(self, bus) : 0;
	if (r < 0)
		return r;
	manager_listen(manager, on_change, self);
	manager_on_ready(manager, on_ready, self);
	*ret = take_ptr(self);
	return 0;
}

int manager_bus_add(void *self, sd_bus *bus)
{
	return sd_bus_add_object_vtable(bus, NULL, OX_BUS_PATH, OX_BUS_INTERFACE, vtable, self);
}

struct manager_bus *manager_bus_free(struct manager_bus *self)
{
	if (!self)
		return NULL;
	manager_listen(self->manager, NULL, NULL);
	manager_on_ready(self->manager, NULL, NULL);
	manager_bus_drop_queries(self, NULL);
	manager_bus_detach(self);
	waiting_drop(&self->waiting, NULL);
	waiting_fresh_drop(&self->fresh, NULL);
	manager_bus_forget_resymbolize(self);
	authorizer_free(self->authorizer);
	changes_free(self->changes);
	listeners_free(self->listeners);
	unit_asker_free(self->asker);
	unit_watch_free(self->units);
	free(self);
	return NULL;
}
