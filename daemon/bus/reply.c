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

	/* A text that was cut within a character is one that sd-bus sends nobody. */
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

int bus_append_double(sd_bus_message *reply, const char *key, double value)
{
	return sd_bus_message_append(reply, "{sv}", key, "d", value);
}

int bus_append_lost(sd_bus_message *reply, const struct recorder_totals *totals)
{
	int r = sd_bus_message_open_container(reply, 'a', "{st}");

	for (unsigned i = 0; i < OX_N_LOSSES && r >= 0; i++)
		if (totals->lost[i])
			r = sd_bus_message_append(reply, "{st}", loss_name(i), totals->lost[i]);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Opens {KEY: variant of a{st}}; what is appended in between is its value. */
static int open_counts(sd_bus_message *reply, const char *key)
{
	int r = sd_bus_message_open_container(reply, 'e', "sv");

	r = r < 0 ? r : sd_bus_message_append(reply, "s", key);
	return r < 0 ? r : sd_bus_message_open_container(reply, 'v', "a{st}");
}

static int close_counts(sd_bus_message *reply)
{
	int r = sd_bus_message_close_container(reply);

	return r < 0 ? r : sd_bus_message_close_container(reply);
}

int bus_open_lost(sd_bus_message *reply)
{
	return open_counts(reply, "lost");
}

int bus_close_lost(sd_bus_message *reply)
{
	return close_counts(reply);
}

int bus_append_stops(sd_bus_message *reply, const uint64_t stops[static OX_N_STOPS])
{
	int r = open_counts(reply, "stacks");

	r = r < 0 ? r : sd_bus_message_open_container(reply, 'a', "{st}");
	for (unsigned i = 0; i < OX_N_STOPS && r >= 0; i++)
		r = sd_bus_message_append(reply, "{st}", stop_name(i), stops[i]);
	r = r < 0 ? r : sd_bus_message_close_container(reply);
	return r < 0 ? r : close_counts(reply);
}
