/* SPDX-License-Identifier: MIT */
#include "daemon/bus/reply.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/loss.h"
#include "daemon/base/text.h"

int bus_error_set(sd_bus_error *error, const struct failure *failure)
{
	char text[sizeof(failure->text)];

	/* sd-bus refuses to send a text that was cut within a character. */
	text_clean(failure->text, strlen(failure->text), text, sizeof(text));
	return sd_bus_error_set(error, failure->name, text);
}

int bus_error_refuse(sd_bus_error *error, int result, const char *what)
{
	if (result == -ENOKEY)
		return sd_bus_error_setf(
			error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
			"not permitted to %s without a password; there was nobody to "
			"ask for it: use sudo",
			what);
	return sd_bus_error_setf(
		error, OX_ERROR_NOT_PERMITTED,
		"not permitted to %s; your own processes need no right, others are "
		"for root and for whom polkit lets",
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

int bus_append_text(sd_bus_message *reply, const char *key, const char *text)
{
	return text[0] ? sd_bus_message_append(reply, "{sv}", key, "s", text) : 0;
}

int bus_append_u32(sd_bus_message *reply, const char *key, uint32_t value)
{
	return sd_bus_message_append(reply, "{sv}", key, "u", value);
}

int bus_append_u64(sd_bus_message *reply, const char *key, uint64_t value)
{
	return sd_bus_message_append(reply, "{sv}", key, "t", value);
}

int bus_append_bool(sd_bus_message *reply, const char *key, bool value)
{
	return sd_bus_message_append(reply, "{sv}", key, "b", (int)value);
}

int bus_append_double(sd_bus_message *reply, const char *key, double value)
{
	return sd_bus_message_append(reply, "{sv}", key, "d", value);
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

int bus_open_counts(sd_bus_message *reply, const char *key)
{
	int r = sd_bus_message_open_container(reply, 'e', "sv");

	if (r < 0)
		return r;
	r = sd_bus_message_append(reply, "s", key);
	if (r < 0)
		return r;
	r = sd_bus_message_open_container(reply, 'v', "a{st}");
	return r < 0 ? r : sd_bus_message_open_container(reply, 'a', "{st}");
}

int bus_close_counts(sd_bus_message *reply)
{
	for (int depth = 0; depth < 3; depth++) {
		int r = sd_bus_message_close_container(reply);

		if (r < 0)
			return r;
	}
	return 0;
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
