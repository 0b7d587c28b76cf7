/* SPDX-License-Identifier: MIT */
#include "tests/support/made/systemd.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"

#define PATH       "/org/freedesktop/systemd1"
#define PROPERTIES "org.freedesktop.DBus.Properties"

struct made_systemd made_systemd;

static sd_bus *systemd_bus;

static char *unit_path(const char *unit)
{
	char *path = NULL;

	cr_assert_geq(sd_bus_path_encode(PATH "/unit", unit, &path), 0);
	return path;
}

static struct made_unit *find_unit(const char *name)
{
	for (size_t i = 0; i < MADE_UNITS_MAX; i++) {
		struct made_unit *unit = &made_systemd.units[i];

		if (unit->name && !strcmp(unit->name, name))
			return unit;
	}
	return NULL;
}

static int load_unit(sd_bus_message *call)
{
	_cleanup_free_ char *path = NULL;
	const char *name;

	cr_assert_gt(sd_bus_message_read(call, "s", &name), 0);
	if (!strcmp(name, "bad.service"))
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS,
						  "Unit name %s is not valid.", name);
	path = unit_path(name);
	return sd_bus_reply_method_return(call, "o", path);
}

static int get_property(sd_bus_message *call)
{
	_cleanup_free_ char *name = NULL;
	const char *interface, *property;
	const struct made_unit *unit;

	cr_assert_gt(sd_bus_path_decode(sd_bus_message_get_path(call), PATH "/unit", &name), 0);
	cr_assert_gt(sd_bus_message_read(call, "ss", &interface, &property), 0);
	unit = find_unit(name);
	if (!strcmp(property, "LoadState"))
		return sd_bus_reply_method_return(call, "v", "s", unit ? "loaded" : "not-found");
	cr_assert_str_eq(property, "ControlGroup");
	if (strstr(name, ".timer"))
		return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_INTERFACE,
						  "Unknown interface %s.", interface);
	return sd_bus_reply_method_return(call, "v", "s", unit->cgroup);
}

static int on_call(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const char *member = sd_bus_message_get_member(call);

	made_systemd.n_asked++;
	if (made_systemd.silent)
		return 1;
	if (!strcmp(member, "LoadUnit"))
		return load_unit(call);
	if (!strcmp(member, "Get"))
		return get_property(call);
	cr_assert_str_eq(member, "Subscribe");
	made_systemd.n_subscribed++;
	return 1;
}

void made_systemd_start(sd_bus *bus)
{
	systemd_bus = bus;
	cr_assert_geq(sd_bus_add_fallback(bus, NULL, PATH, on_call, NULL), 0);
}

void made_systemd_set(const char *name, const char *cgroup)
{
	_cleanup_free_ char *path = unit_path(name);
	struct made_unit *unit = find_unit(name);

	for (size_t i = 0; !unit && i < MADE_UNITS_MAX; i++)
		if (!made_systemd.units[i].name)
			unit = &made_systemd.units[i];
	cr_assert_not_null(unit);
	*unit = (struct made_unit){name, cgroup};
	if (systemd_bus && sd_bus_is_open(systemd_bus) > 0)
		cr_assert_geq(sd_bus_emit_signal(systemd_bus, path, PROPERTIES, "PropertiesChanged",
						 "sa{sv}as", "org.freedesktop.systemd1.Service", 0,
						 0),
			      0);
}
