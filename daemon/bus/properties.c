/* SPDX-License-Identifier: MIT */
#include "daemon/bus/properties.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/bus/authorize.h"
#include "daemon/bus/reply.h"

/* ---- values ---- */

static int append_state(const struct manager *manager, uint32_t uid, sd_bus_message *reply)
{
	return sd_bus_message_append(reply, "s",
				     manager_is_running(manager, uid) ? "running" : "paused");
}

static int append_mode(const struct manager *manager, uint32_t uid, sd_bus_message *reply)
{
	return sd_bus_message_append(reply, "s", manager_mode(manager));
}

static int append_interval(const struct manager *manager, uint32_t uid, sd_bus_message *reply)
{
	return sd_bus_message_append(reply, "d", manager_interval_ns(manager, uid) / 1e9);
}

static int append_target(void *userdata, const struct manager_target_info *info)
{
	return sd_bus_message_append(userdata, "s", info->text);
}

static int append_targets(const struct manager *manager, uint32_t uid, sd_bus_message *reply)
{
	const struct manager_scope own = {.owner = uid};
	int r = sd_bus_message_open_container(reply, 'a', "s");

	if (r < 0)
		return r;
	r = manager_foreach_target(manager, &own, append_target, reply);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Returns the session that a reader means: the newest one that runs, or the last one; {0}: none. */
static struct manager_session_info find_session(const struct manager *manager, uint32_t uid)
{
	const struct manager_scope own = {.owner = uid};
	struct manager_session_info info;

	return manager_get_session(manager, &own, &info) ? info : (struct manager_session_info){0};
}

static int append_samples(const struct manager *manager, uint32_t uid, sd_bus_message *reply)
{
	return sd_bus_message_append(reply, "t", find_session(manager, uid).totals.samples);
}

static int append_lost(const struct manager *manager, uint32_t uid, sd_bus_message *reply)
{
	struct manager_session_info info = find_session(manager, uid);
	int r = sd_bus_message_open_container(reply, 'a', "{st}");

	if (r < 0)
		return r;
	r = bus_append_lost(reply, &info.totals);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_version(const struct manager *manager, uint32_t uid, sd_bus_message *reply)
{
	return sd_bus_message_append(reply, "s", OX_VERSION);
}

static int append_database(const struct manager *manager, uint32_t uid, sd_bus_message *reply)
{
	return sd_bus_message_append(reply, "s", manager_database(manager));
}

static const struct property {
	const char *name;
	const char *type;
	int (*append)(const struct manager *manager, uint32_t uid, sd_bus_message *reply);
	bool changes;
} properties[] = {
	{"State", "s", append_state, true},       {"Mode", "s", append_mode, true},
	{"Interval", "d", append_interval, true}, {"Targets", "as", append_targets, true},
	{"Samples", "t", append_samples, true},   {"Lost", "a{st}", append_lost, true},
	{"Version", "s", append_version, false},  {"DatabasePath", "s", append_database, false},
};

int property_append(const struct manager *manager, const char *name, uint32_t uid,
		    sd_bus_message *reply)
{
	for (size_t i = 0; i < array_length(properties); i++)
		if (!strcmp(properties[i].name, name))
			return properties[i].append(manager, uid, reply);
	return -EINVAL;
}

/* ---- who is told ---- */

struct listener {
	struct listeners *listeners;
	char *name;          /* on the bus; NULL: there is no bus */
	uint32_t uid;        /* does not change as long as the name is there */
	sd_bus_track *track; /* ends the listener when the name goes */
	struct listener *next;
};

struct listeners {
	sd_bus *bus;
	struct listener *first;
	unsigned n;
};

struct listeners *listeners_new(void)
{
	return calloc(1, sizeof(struct listeners));
}

static void listener_free(struct listener *listener)
{
	sd_bus_track_unref(listener->track);
	free(listener->name);
	free(listener);
}

define_cleanup(struct listener *, listener_free);

void listeners_attach(struct listeners *listeners, sd_bus *bus)
{
	struct listener *next;

	for (struct listener *listener = listeners->first; listener; listener = next) {
		next = listener->next;
		listener_free(listener);
	}
	*listeners = (struct listeners){.bus = bus};
}

struct listeners *listeners_free(struct listeners *listeners)
{
	if (listeners)
		listeners_attach(listeners, NULL);
	free(listeners);
	return NULL;
}

static void remove_listener(struct listener *gone)
{
	struct listeners *listeners = gone->listeners;
	struct listener **p = &listeners->first;

	while (*p && *p != gone)
		p = &(*p)->next;
	assert(*p && listeners->n > 0);
	*p = gone->next;
	listeners->n--;
	listener_free(gone);
}

static int on_gone(sd_bus_track *track, void *userdata)
{
	remove_listener(userdata);
	return 0;
}

static bool has_name(const struct listener *listener, const char *name)
{
	return name && listener->name ? !strcmp(name, listener->name) : name == listener->name;
}

static struct listener *find_listener(const struct listeners *listeners, const char *name)
{
	struct listener *listener = listeners->first;

	while (listener && !has_name(listener, name))
		listener = listener->next;
	return listener;
}

static bool has_room(const struct listeners *listeners, uint32_t uid)
{
	unsigned n = 0;

	for (const struct listener *l = listeners->first; l; l = l->next)
		n += l->uid == uid;
	/* Root's are few, and are not to be kept out by others. */
	return uid == 0 || (n < OX_LISTENERS_PER_USER && listeners->n < OX_LISTENERS_MAX);
}

static int listener_new(struct listeners *listeners, const char *name, uint32_t uid,
			struct listener **ret)
{
	_cleanup_(listener_free_p) struct listener *listener = calloc(1, sizeof(*listener));
	int r;

	if (!listener)
		return -ENOMEM;
	listener->listeners = listeners;
	listener->uid = uid;
	if (!name) {
		*ret = take_ptr(listener);
		return 0;
	}
	listener->name = strdup(name);
	if (!listener->name)
		return -ENOMEM;
	r = sd_bus_track_new(listeners->bus, &listener->track, on_gone, listener);
	if (r < 0)
		return r;
	r = sd_bus_track_add_name(listener->track, name);
	if (r < 0)
		return r;
	*ret = take_ptr(listener);
	return 0;
}

/* Adds a listener. Whoever cannot be added is not told of changes, and that is all. */
static void add_listener(struct listeners *listeners, const char *name, uint32_t uid)
{
	struct listener *listener;

	if (!has_room(listeners, uid) || listener_new(listeners, name, uid, &listener) < 0)
		return;
	listener->next = listeners->first;
	listeners->first = listener;
	listeners->n++;
}

int listeners_add(struct listeners *listeners, sd_bus_message *call, uint32_t *ret_uid)
{
	const char *name = sd_bus_message_get_sender(call);
	bool is_here = listeners->bus && sd_bus_message_get_bus(call) == listeners->bus;
	const struct listener *known = is_here ? find_listener(listeners, name) : NULL;
	int r;

	if (known) {
		*ret_uid = known->uid;
		return 0;
	}
	r = sender_get_uid(call, ret_uid);
	if (r < 0)
		return r;
	if (is_here)
		add_listener(listeners, name, *ret_uid);
	return 0;
}

/* ---- changes ---- */

static int append_changes(const struct manager *manager, uint32_t uid, sd_bus_message *signal)
{
	int r = sd_bus_message_open_container(signal, 'a', "{sv}");

	for (size_t i = 0; r >= 0 && i < array_length(properties); i++) {
		if (!properties[i].changes)
			continue;
		r = bus_open_entry(signal, properties[i].name, properties[i].type);
		if (r < 0)
			return r;
		r = properties[i].append(manager, uid, signal);
		if (r < 0)
			return r;
		r = bus_close_entry(signal);
	}
	return r < 0 ? r : sd_bus_message_close_container(signal);
}

static int make_signal(const struct listener *listener, const struct manager *manager,
		       sd_bus_message **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
	int r = sd_bus_message_new_signal(listener->listeners->bus, &signal, OX_BUS_PATH,
					  "org.freedesktop.DBus.Properties", "PropertiesChanged");

	if (r < 0)
		return r;
	r = listener->name ? sd_bus_message_set_destination(signal, listener->name) : 0;
	if (r < 0)
		return r;
	r = sd_bus_message_append(signal, "s", OX_BUS_INTERFACE);
	if (r < 0)
		return r;
	r = append_changes(manager, listener->uid, signal);
	if (r < 0)
		return r;
	r = sd_bus_message_append(signal, "as", 0);
	if (r < 0)
		return r;
	*ret = take_ptr(signal);
	return 0;
}

static void tell(const struct listener *listener, const struct manager *manager)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;

	if (make_signal(listener, manager, &signal) >= 0)
		(void)sd_bus_send(listener->listeners->bus, signal, NULL);
}

void listeners_tell(const struct listeners *listeners, const struct manager *manager, uint32_t uid)
{
	for (const struct listener *l = listeners->first; l; l = l->next)
		if (uid == UINT32_MAX || l->uid == uid)
			tell(l, manager);
}
