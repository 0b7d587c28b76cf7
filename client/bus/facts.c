/* SPDX-License-Identifier: MIT */
#include "client/bus/facts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "client/bus/value.h"
#include "daemon/base/api.h"

/* Limit for an answer of systemd, which is slow on a slow machine, while a person waits. */
#define TIMEOUT_USEC UINT64_C(10000000)

#define SYSTEMD      "org.freedesktop.systemd1"
#define SYSTEMD_UNIT SYSTEMD ".Unit"
#define SYSTEMD_MAIN SYSTEMD ".Service"

define_cleanup(sd_bus_message *, sd_bus_message_unref);
#define _cleanup_message_ _cleanup_(sd_bus_message_unref_p)

static int call(sd_bus *bus, sd_bus_message *message, sd_bus_message **ret)
{
	TRY(sd_bus_message_set_auto_start(message, false));
	return sd_bus_call(bus, message, TIMEOUT_USEC, NULL, ret);
}

/* Asks for the names that the bus can start, and enters their array. */
static int list_activatable(sd_bus *bus, sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;

	TRY(sd_bus_message_new_method_call(bus, &message, "org.freedesktop.DBus",
					   "/org/freedesktop/DBus", "org.freedesktop.DBus",
					   "ListActivatableNames"));
	TRY(call(bus, message, &reply));
	TRY(sd_bus_message_enter_container(reply, 'a', "s"));
	*ret = take_ptr(reply);
	return 0;
}

static enum name_state find_activatable(sd_bus *bus, const char *name)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *known;
	int r = list_activatable(bus, &reply);

	if (r < 0)
		return NAME_UNKNOWN;
	while ((r = sd_bus_message_read_basic(reply, 's', &known)) > 0)
		if (!strcmp(known, name))
			return NAME_ACTIVATABLE;
	return r < 0 ? NAME_UNKNOWN : NAME_ABSENT;
}

static int name_has_owner(sd_bus *bus, const char *name)
{
	_cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;
	int has_owner;

	TRY(sd_bus_message_new_method_call(bus, &message, "org.freedesktop.DBus",
					   "/org/freedesktop/DBus", "org.freedesktop.DBus",
					   "NameHasOwner"));
	TRY(sd_bus_message_append(message, "s", name));
	TRY(call(bus, message, &reply));
	TRY(sd_bus_message_read_basic(reply, 'b', &has_owner));
	return has_owner;
}

static enum name_state find_name(sd_bus *bus, const char *name)
{
	int r = name_has_owner(bus, name);

	return r < 0 ? NAME_UNKNOWN : r ? NAME_OWNED : find_activatable(bus, name);
}

/* ---- units ---- */

/* Reads a property. sd_bus_get_property() would start the service of systemd's name. */
static int get(sd_bus *bus, const char *path, const char *interface, const char *name,
	       const char *type, sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *message = NULL, *reply = NULL;

	TRY(sd_bus_message_new_method_call(bus, &message, SYSTEMD, path,
					   "org.freedesktop.DBus.Properties", "Get"));
	TRY(sd_bus_message_append(message, "ss", interface, name));
	TRY(call(bus, message, &reply));
	TRY(sd_bus_message_enter_container(reply, 'v', type));
	*ret = take_ptr(reply);
	return 0;
}

static int get_text(sd_bus *bus, const char *path, const char *interface, const char *name,
		    char ret[static UNIT_TEXT_BYTES])
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *text;

	TRY(get(bus, path, interface, name, "s", &reply));
	TRY(sd_bus_message_read_basic(reply, 's', &text));
	snprintf(ret, UNIT_TEXT_BYTES, "%s", text);
	return 0;
}

static int get_number(sd_bus *bus, const char *path, const char *name, char type, void *ret)
{
	_cleanup_message_ sd_bus_message *reply = NULL;

	assert(type == 'u' || type == 't');
	TRY(get(bus, path, SYSTEMD_MAIN, name, (char[]){type, '\0'}, &reply));
	return sd_bus_message_read_basic(reply, type, ret);
}

static int get_drop_ins(sd_bus *bus, const char *path, char ret[static UNIT_DROP_INS_BYTES])
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	const char *drop_in;
	size_t used = 0;

	TRY(get(bus, path, SYSTEMD_UNIT, "DropInPaths", "as", &reply));
	TRY(sd_bus_message_enter_container(reply, 'a', "s"));
	while (sd_bus_message_read_basic(reply, 's', &drop_in) > 0 && used < UNIT_DROP_INS_BYTES)
		used += (size_t)snprintf(ret + used, UNIT_DROP_INS_BYTES - used, "%s%s",
					 used > 0 ? " " : "", drop_in);
	return 0;
}

static int read_unit(sd_bus *bus, const char *path, struct unit_facts *ret)
{
	TRY(get_text(bus, path, SYSTEMD_UNIT, "LoadState", ret->load));
	return get_text(bus, path, SYSTEMD_UNIT, "ActiveState", ret->state);
}

static int read_service(sd_bus *bus, const char *path, struct unit_facts *ret)
{
	TRY(read_unit(bus, path, ret));
	TRY(get_text(bus, path, SYSTEMD_MAIN, "Result", ret->result));
	TRY(get_text(bus, path, SYSTEMD_MAIN, "User", ret->user));
	TRY(get_drop_ins(bus, path, ret->drop_ins));
	TRY(get_number(bus, path, "MainPID", 'u', &ret->main_pid));
	TRY(get_number(bus, path, "AmbientCapabilities", 't', &ret->ambient));
	return get_number(bus, path, "CapabilityBoundingSet", 't', &ret->bounding);
}

/* Reads all properties of a unit; leaves *ret as it is where one is missing. */
static void find_unit(sd_bus *bus, const char *name,
		      int (*read)(sd_bus *bus, const char *path, struct unit_facts *ret),
		      struct unit_facts *ret)
{
	_cleanup_free_ char *path = NULL;
	struct unit_facts unit = {.is_known = true};
	int r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", name, &path);

	if (r < 0 || read(bus, path, &unit) < 0)
		return;
	*ret = unit;
}

/* True if the unit behind the name is enabled, which makes this alias: the bus lists the name as
 * soon as it is installed. */
static bool starts_when_asked(sd_bus *bus)
{
	struct unit_facts alias = {0};

	find_unit(bus, "dbus-" OX_BUS_NAME ".service", read_unit, &alias);
	return !strcmp(alias.load, "loaded");
}

void bus_facts_read(struct bus *bus, struct bus_facts *ret)
{
	sd_bus *connection = bus_connection(bus);

	*ret = (struct bus_facts){
		.daemon = find_name(connection, OX_BUS_NAME),
		.polkit = find_name(connection, "org.freedesktop.PolicyKit1"),
	};
	if (ret->daemon == NAME_ACTIVATABLE && !starts_when_asked(connection))
		ret->daemon = NAME_ABSENT;
	find_unit(connection, "oxprofd.service", read_service, &ret->service);
	find_unit(connection, "oxprof-opener.socket", read_unit, &ret->opener);
}
