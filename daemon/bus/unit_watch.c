/* SPDX-License-Identifier: MIT */
#include "daemon/bus/unit_watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"

#define SYSTEMD      "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define MANAGER      "org.freedesktop.systemd1.Manager"

struct watched {
	struct unit_watch *watch;
	char *unit;
	char *path; /* of its object */
	sd_bus_slot *slot;
	struct watched *next;
};

struct unit_watch {
	sd_bus *bus;
	unit_moved_t moved;
	void *userdata;
	struct watched *units;
	bool subscribed;
};

struct unit_watch *unit_watch_new(sd_bus *bus, unit_moved_t moved, void *userdata)
{
	struct unit_watch *watch = calloc(1, sizeof(*watch));

	assert(moved);
	if (!watch)
		return NULL;
	watch->bus = sd_bus_ref(bus);
	watch->moved = moved;
	watch->userdata = userdata;
	return watch;
}

static void watched_free(struct watched *watched)
{
	sd_bus_slot_unref(watched->slot);
	free(watched->unit);
	free(watched->path);
	free(watched);
}

define_cleanup(struct watched *, watched_free);

void unit_watch_clear(struct unit_watch *watch)
{
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
	sd_bus_unref(watch->bus);
	free(watch);
	return NULL;
}

static const char *unit_interface(const char *unit)
{
	const char *suffix = strrchr(unit, '.');

	if (suffix && !strcmp(suffix, ".scope"))
		return SYSTEMD ".Scope";
	if (suffix && !strcmp(suffix, ".slice"))
		return SYSTEMD ".Slice";
	if (suffix && !strcmp(suffix, ".socket"))
		return SYSTEMD ".Socket";
	if (suffix && !strcmp(suffix, ".mount"))
		return SYSTEMD ".Mount";
	if (suffix && !strcmp(suffix, ".swap"))
		return SYSTEMD ".Swap";
	return SYSTEMD ".Service";
}

/* Finds the object of a unit. LoadUnit also has units that are installed but do not run, which
 * GetUnit has not. */
static int load_unit(struct unit_watch *watch, const char *unit, char **ret_path)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	const char *path;
	int r = sd_bus_call_method(watch->bus, SYSTEMD, SYSTEMD_PATH, MANAGER, "LoadUnit", NULL,
				   &reply, "s", unit);

	if (r < 0)
		return r;
	r = sd_bus_message_read(reply, "o", &path);
	if (r < 0)
		return r;
	*ret_path = strdup(path);
	return *ret_path ? 0 : -ENOMEM;
}

static int get_cgroup(struct unit_watch *watch, const char *unit, const char *path, char **ret)
{
	return sd_bus_get_property_string(watch->bus, SYSTEMD, path, unit_interface(unit),
					  "ControlGroup", NULL, ret);
}

static int load_unit_state(struct unit_watch *watch, const char *unit, char **ret_path,
			   char **ret_state)
{
	int r = load_unit(watch, unit, ret_path);

	return r < 0 ? r
		     : sd_bus_get_property_string(watch->bus, SYSTEMD, *ret_path, SYSTEMD ".Unit",
						  "LoadState", NULL, ret_state);
}

int unit_watch_find(struct unit_watch *watch, const char *unit, char *ret_cgroup, size_t size,
		    struct failure *failure)
{
	_cleanup_free_ char *path = NULL, *state = NULL, *cgroup = NULL;
	int r = load_unit_state(watch, unit, &path, &state);

	assert(size > 0);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_NO_SUCH_UNIT,
				   "cannot ask systemd about unit %s: %s", unit, strerror(-r));
	if (!strcmp(state, "not-found"))
		return failure_set(failure, -ENOENT, OX_ERROR_NO_SUCH_UNIT,
				   "there is no unit %s (systemctl list-units)", unit);
	r = get_cgroup(watch, unit, path, &cgroup);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_NO_SUCH_UNIT,
				   "unit %s has no processes of its own, so there is nothing to "
				   "profile; name a service, scope or slice",
				   unit);
	snprintf(ret_cgroup, size, "%s", cgroup);
	return 0;
}

static int on_properties(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct watched *watched = userdata;
	_cleanup_free_ char *cgroup = NULL;

	/* Whichever property has changed: the cgroup is read again. */
	if (get_cgroup(watched->watch, watched->unit, watched->path, &cgroup) >= 0)
		watched->watch->moved(watched->watch->userdata, watched->unit, cgroup);
	return 0;
}

/* Subscribes once: systemd sends signals only to those who do. */
static void subscribe(struct unit_watch *watch)
{
	if (!watch->subscribed)
		watch->subscribed = sd_bus_call_method(watch->bus, SYSTEMD, SYSTEMD_PATH, MANAGER,
						       "Subscribe", NULL, NULL, NULL) >= 0;
}

static int watched_new(struct unit_watch *watch, const char *unit, struct watched **ret)
{
	_cleanup_(watched_free_p) struct watched *watched = calloc(1, sizeof(*watched));
	int r;

	if (!watched)
		return -ENOMEM;
	watched->watch = watch;
	watched->unit = strdup(unit);
	if (!watched->unit)
		return -ENOMEM;
	r = load_unit(watch, unit, &watched->path);
	if (r < 0)
		return r;
	r = sd_bus_match_signal(watch->bus, &watched->slot, SYSTEMD, watched->path,
				"org.freedesktop.DBus.Properties", "PropertiesChanged",
				on_properties, watched);
	if (r < 0)
		return r;
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
	subscribe(watch);
	r = watched_new(watch, unit, &watched);
	if (r < 0)
		return r;
	watched->next = watch->units;
	watch->units = watched;
	return 0;
}
