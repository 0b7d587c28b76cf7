/* SPDX-License-Identifier: MIT */
#include "daemon/bus/reply.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/loss.h"
#include "daemon/base/text.h"

int bus_error_set(sd_bus_error *error, const struct failure *failure)
{
	char text[sizeof(failure->text)];

	assert(failure->name);
	/* sd-bus refuses to send a text that was cut within a character. */
	text_clean(failure->text, strlen(failure->text), text, sizeof(text));
	return sd_bus_error_set(error, failure->name, text);
}

int bus_error_refuse(sd_bus_error *error, int result, const char *what)
{
	assert(result < 0);
	if (result == -ENOKEY)
		return sd_bus_error_setf(
			error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
			"not permitted to %s without a password; there is no terminal or agent "
			"to ask for one: use sudo",
			what);
	return sd_bus_error_setf(
		error, OX_ERROR_NOT_PERMITTED,
		"not permitted to %s; use sudo, or have polkit allow it; your own processes need "
		"no right",
		what);
}

static int enqueue_again(sd_bus_message *call)
{
	int r = sd_bus_message_rewind(call, true);

	return r < 0 ? r : sd_bus_enqueue_for_read(sd_bus_message_get_bus(call), call);
}

void bus_call_again(sd_bus_message *call)
{
	int r = enqueue_again(call);

	if (r < 0)
		(void)sd_bus_reply_method_errno(call, r, NULL);
}

struct bus_entry bus_text(const char *key, const char *text)
{
	return (struct bus_entry){key, text[0] ? 's' : 0, .value.s = text};
}

struct bus_entry bus_u32(const char *key, uint32_t value)
{
	return (struct bus_entry){key, 'u', .value.u = value};
}

struct bus_entry bus_u64(const char *key, uint64_t value)
{
	return (struct bus_entry){key, 't', .value.t = value};
}

struct bus_entry bus_known_u32(const char *key, uint32_t value)
{
	return (struct bus_entry){key, value ? 'u' : 0, .value.u = value};
}

struct bus_entry bus_known_u64(const char *key, uint64_t value)
{
	return (struct bus_entry){key, value ? 't' : 0, .value.t = value};
}

struct bus_entry bus_bool(const char *key, bool value)
{
	return (struct bus_entry){key, 'b', .value.b = value};
}

struct bus_entry bus_double(const char *key, double value)
{
	return (struct bus_entry){key, isnan(value) ? 0 : 'd', .value.d = value};
}

int bus_append(sd_bus_message *reply, struct bus_entry entry)
{
	switch (entry.type) {
	case 0:
		return 0;
	case 's':
		return sd_bus_message_append(reply, "{sv}", entry.key, "s", entry.value.s);
	case 'u':
		return sd_bus_message_append(reply, "{sv}", entry.key, "u", entry.value.u);
	case 't':
		return sd_bus_message_append(reply, "{sv}", entry.key, "t", entry.value.t);
	case 'd':
		return sd_bus_message_append(reply, "{sv}", entry.key, "d", entry.value.d);
	case 'b':
		return sd_bus_message_append(reply, "{sv}", entry.key, "b", entry.value.b);
	}
	assert(false);
	return -EINVAL;
}

int bus_append_entries(sd_bus_message *reply, const struct bus_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = bus_append(reply, entries[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int bus_append_lost(sd_bus_message *reply, const struct recorder_totals *totals)
{
	for (unsigned i = 0; i < OX_N_LOSSES; i++) {
		int r = totals->lost[i] ? sd_bus_message_append(reply, "{st}", loss_name(i),
								totals->lost[i])
					: 0;

		if (r < 0)
			return r;
	}
	return 0;
}

int bus_open_entry(sd_bus_message *reply, const char *key, const char *type)
{
	int r = sd_bus_message_open_container(reply, 'e', "sv");

	if (r < 0)
		return r;
	r = sd_bus_message_append(reply, "s", key);
	return r < 0 ? r : sd_bus_message_open_container(reply, 'v', type);
}

int bus_close_entry(sd_bus_message *reply)
{
	int r = sd_bus_message_close_container(reply);

	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int bus_open_counts(sd_bus_message *reply, const char *key)
{
	int r = bus_open_entry(reply, key, "a{st}");

	return r < 0 ? r : sd_bus_message_open_container(reply, 'a', "{st}");
}

int bus_close_counts(sd_bus_message *reply)
{
	int r = sd_bus_message_close_container(reply);

	return r < 0 ? r : bus_close_entry(reply);
}

int bus_append_stops(sd_bus_message *reply, const char *key,
		     const uint64_t stops[static OX_N_STOPS])
{
	int r = bus_open_counts(reply, key);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < OX_N_STOPS; i++) {
		r = sd_bus_message_append(reply, "{st}", stop_name(i), stops[i]);
		if (r < 0)
			return r;
	}
	return bus_close_counts(reply);
}
