/* SPDX-License-Identifier: MIT */
#include "daemon/bus/systemd.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/cleanup.h"

#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER      SYSTEMD_NAME ".Manager"
#define PROPERTIES   "org.freedesktop.DBus.Properties"

static int make_call(sd_bus *bus, const char *path, const char *interface, const char *member,
		     sd_bus_message **ret)
{
	int r;

	if (!bus)
		return -ENOTCONN;
	r = sd_bus_message_new_method_call(bus, ret, SYSTEMD_NAME, path, interface, member);
	/* The bus is not to start it: it is PID 1. */
	return r < 0 ? r : sd_bus_message_set_auto_start(*ret, false);
}

static int send_call(const struct systemd_call *call, sd_bus_message *message,
		     sd_bus_slot **ret_slot)
{
	assert(call->fn && !*ret_slot);
	return sd_bus_call_async(call->bus, ret_slot, message, call->fn, call->userdata,
				 call->timeout_usec);
}

int systemd_load_unit(const struct systemd_call *call, const char *unit, sd_bus_slot **ret_slot)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	int r = make_call(call->bus, MANAGER_PATH, MANAGER, "LoadUnit", &message);

	if (r < 0)
		return r;
	r = sd_bus_message_append(message, "s", unit);
	return r < 0 ? r : send_call(call, message, ret_slot);
}

static int get_property(const struct systemd_call *call, const char *path, const char *interface,
			const char *name, sd_bus_slot **ret_slot)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	int r = make_call(call->bus, path, PROPERTIES, "Get", &message);

	if (r < 0)
		return r;
	r = sd_bus_message_append(message, "ss", interface, name);
	return r < 0 ? r : send_call(call, message, ret_slot);
}

int systemd_get_load_state(const struct systemd_call *call, const char *path,
			   sd_bus_slot **ret_slot)
{
	return get_property(call, path, SYSTEMD_NAME ".Unit", "LoadState", ret_slot);
}

static const char *unit_interface(const char *unit)
{
	static const struct {
		const char *suffix, *interface;
	} interfaces[] = {
		{".scope", SYSTEMD_NAME ".Scope"},   {".slice", SYSTEMD_NAME ".Slice"},
		{".socket", SYSTEMD_NAME ".Socket"}, {".mount", SYSTEMD_NAME ".Mount"},
		{".swap", SYSTEMD_NAME ".Swap"},
	};
	const char *suffix = strrchr(unit, '.');

	for (size_t i = 0; suffix && i < array_length(interfaces); i++)
		if (!strcmp(suffix, interfaces[i].suffix))
			return interfaces[i].interface;
	return SYSTEMD_NAME ".Service";
}

int systemd_get_cgroup(const struct systemd_call *call, const char *unit, const char *path,
		       sd_bus_slot **ret_slot)
{
	return get_property(call, path, unit_interface(unit), "ControlGroup", ret_slot);
}

int systemd_subscribe(sd_bus *bus)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *message = NULL;
	int r = make_call(bus, MANAGER_PATH, MANAGER, "Subscribe", &message);

	if (r < 0)
		return r;
	r = sd_bus_message_set_expect_reply(message, false);
	return r < 0 ? r : sd_bus_send(bus, message, NULL);
}

int systemd_read_path(sd_bus_message *reply, const char **ret)
{
	return sd_bus_message_read(reply, "o", ret);
}

int systemd_read_text(sd_bus_message *reply, const char **ret)
{
	return sd_bus_message_read(reply, "v", "s", ret);
}
