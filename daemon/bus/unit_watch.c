/* SPDX-License-Identifier: MIT */
#include "daemon/bus/unit_watch.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/bus/systemd.h"

struct watched {
	struct unit_watch *watch;
	char *unit;
	char *path;         /* of its object; NULL: to be asked for */
	sd_bus_slot *match; /* its signals; there when its path is */
	bool stale;         /* where it runs is to be asked */
	struct watched *next;
};

struct unit_watch {
	sd_bus *bus; /* NULL: none */
	unit_moved_t moved;
	void *userdata;
	struct watched *units;
	sd_bus_slot *owner;    /* hears of a systemd that comes; there when one is subscribed */
	sd_bus_slot *question; /* that is open */
	struct watched *asked; /* whom it is about */
};

struct unit_watch *unit_watch_new(unit_moved_t moved, void *userdata)
{
	struct unit_watch *watch = calloc(1, sizeof(*watch));

	assert(moved);
	if (!watch)
		return NULL;
	watch->moved = moved;
	watch->userdata = userdata;
	return watch;
}

/* Forgets what PID 1 said of the unit; it is to be asked anew. */
static void watched_reset(struct watched *watched)
{
	watched->match = sd_bus_slot_unref(watched->match);
	free(take_ptr(watched->path));
	watched->stale = true;
}

static void watched_free(struct watched *watched)
{
	watched_reset(watched);
	free(watched->unit);
	free(watched);
}

define_cleanup(struct watched *, watched_free);

static void end_question(struct unit_watch *watch)
{
	watch->question = sd_bus_slot_unref(watch->question);
	watch->asked = NULL;
}

void unit_watch_clear(struct unit_watch *watch)
{
	end_question(watch);
	while (watch->units) {
		struct watched *watched = watch->units;

		watch->units = watched->next;
		watched_free(watched);
	}
}

struct unit_watch *unit_watch_free(struct unit_watch *watch)
{
	if (!watch)
		return NULL;
	unit_watch_clear(watch);
	unit_watch_attach(watch, NULL);
	free(watch);
	return NULL;
}

/* ---- questions ---- */

static void ask_next(struct unit_watch *watch);

static void append_watched(struct unit_watch *watch, struct watched *watched)
{
	struct watched **p = &watch->units;

	while (*p)
		p = &(*p)->next;
	*p = watched;
	watched->next = NULL;
}

/* Takes a unit that is to be asked about; NULL: there is none. It goes to the end of the list, so
 * that one that changes all the time does not keep the others out. */
static struct watched *take_stale(struct unit_watch *watch)
{
	for (struct watched **p = &watch->units; *p; p = &(*p)->next) {
		struct watched *watched = *p;

		if (!watched->stale)
			continue;
		*p = watched->next;
		append_watched(watch, watched);
		watched->stale = false;
		return watched;
	}
	return NULL;
}

/* Makes a call that waits without end: what PID 1 says in the end is news. */
static struct systemd_call call_to(struct watched *watched, sd_bus_message_handler_t fn)
{
	return (struct systemd_call){watched->watch->bus, UINT64_MAX, fn, watched};
}

/* Ends the question that was answered. Returns the text of the answer, NULL for an error: then a
 * signal, or a systemd that comes back, has the unit asked about again. */
static const char *take_answer(struct watched *watched, sd_bus_message *reply,
			       int (*read)(sd_bus_message *reply, const char **ret))
{
	const char *text;

	assert(watched->watch->asked == watched);
	end_question(watched->watch);
	if (sd_bus_message_is_method_error(reply, NULL) || read(reply, &text) < 0)
		return NULL;
	return text;
}

static int on_cgroup(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct watched *watched = userdata;
	struct unit_watch *watch = watched->watch;
	const char *cgroup = take_answer(watched, reply, systemd_read_text);

	ask_next(watch);
	if (cgroup)
		watch->moved(watch->userdata, watched->unit, cgroup);
	return 1;
}

static int ask_cgroup(struct watched *watched)
{
	const struct systemd_call call = call_to(watched, on_cgroup);

	return systemd_get_cgroup(&call, watched->unit, watched->path, &watched->watch->question);
}

static int on_properties(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct watched *watched = userdata;

	/* Whichever property has changed: the cgroup is read again. */
	watched->stale = true;
	ask_next(watched->watch);
	return 0;
}

/* Ignores what became of a match. Without a function for that, sd-bus closes the connection when
 * the bus has too many. */
static int on_match_added(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	return 1;
}

static int set_path(struct watched *watched, const char *path)
{
	watched->path = strdup(path);
	if (!watched->path)
		return -ENOMEM;
	return sd_bus_match_signal_async(watched->watch->bus, &watched->match, SYSTEMD_NAME, path,
					 "org.freedesktop.DBus.Properties", "PropertiesChanged",
					 on_properties, on_match_added, watched);
}

/* Asks for the cgroup behind the match, so that no change falls in between. */
static int on_path(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct watched *watched = userdata;
	struct unit_watch *watch = watched->watch;
	const char *path = take_answer(watched, reply, systemd_read_path);

	if (path && set_path(watched, path) >= 0 && ask_cgroup(watched) >= 0)
		watch->asked = watched;
	else
		ask_next(watch);
	return 1;
}

static int ask_about(struct watched *watched)
{
	const struct systemd_call call = call_to(watched, on_path);

	if (watched->path)
		return ask_cgroup(watched);
	return systemd_load_unit(&call, watched->unit, &watched->watch->question);
}

static void ask_next(struct unit_watch *watch)
{
	struct watched *watched;

	while (!watch->question && (watched = take_stale(watch)))
		if (ask_about(watched) >= 0)
			watch->asked = watched;
}

/* ---- the bus ---- */

static int on_owner(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct unit_watch *watch = userdata;
	const char *name, *old, *new;

	if (sd_bus_message_read(message, "sss", &name, &old, &new) < 0 || !new[0])
		return 0;
	(void)systemd_subscribe(watch->bus);
	end_question(watch);
	for (struct watched *watched = watch->units; watched; watched = watched->next)
		watched_reset(watched);
	ask_next(watch);
	return 0;
}

/* Begins to listen to systemd, once for each connection. systemd may come to the bus later than the
 * daemon does, where both come back to it. */
static void listen_to_systemd(struct unit_watch *watch)
{
	if (!watch->bus || watch->owner)
		return;
	(void)sd_bus_add_match_async(
		watch->bus, &watch->owner,
		"type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
		"interface='org.freedesktop.DBus',member='NameOwnerChanged',"
		"arg0='" SYSTEMD_NAME "'",
		on_owner, on_match_added, watch);
	(void)systemd_subscribe(watch->bus);
}

void unit_watch_attach(struct unit_watch *watch, sd_bus *bus)
{
	end_question(watch);
	watch->owner = sd_bus_slot_unref(watch->owner);
	for (struct watched *watched = watch->units; watched; watched = watched->next)
		watched_reset(watched);
	sd_bus_unref(watch->bus);
	watch->bus = sd_bus_ref(bus);
	if (!watch->units || !bus)
		return;
	listen_to_systemd(watch);
	ask_next(watch);
}

static int watched_new(struct unit_watch *watch, const char *unit, struct watched **ret)
{
	_cleanup_(watched_free_p) struct watched *watched = calloc(1, sizeof(*watched));

	if (!watched)
		return -ENOMEM;
	*watched = (struct watched){.watch = watch, .unit = strdup(unit), .stale = true};
	if (!watched->unit)
		return -ENOMEM;
	*ret = take_ptr(watched);
	return 0;
}

int unit_watch_add(struct unit_watch *watch, const char *unit)
{
	struct watched *watched;
	int r;

	for (watched = watch->units; watched; watched = watched->next)
		if (!strcmp(watched->unit, unit))
			return 0;
	r = watched_new(watch, unit, &watched);
	if (r < 0)
		return r;
	append_watched(watch, watched);
	if (!watch->bus)
		return 0;
	listen_to_systemd(watch);
	ask_next(watch);
	return 0;
}
