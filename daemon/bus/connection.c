/* SPDX-License-Identifier: MIT */
#include "daemon/bus/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/log.h"

/* The pauses between two tries: each is twice as long as the one before. */
#define PAUSE_MIN_USEC UINT64_C(1000000)
#define PAUSE_MAX_USEC UINT64_C(10000000)

/* How dbus-daemon answers to RequestName. */
#define NAME_TAKEN   1
#define NAME_IS_OURS 4

struct connection {
	sd_event *event;
	struct manager_bus *object;
	sd_bus *bus;            /* NULL: none */
	sd_bus_slot *name;      /* the name is being asked for */
	sd_event_source *timer; /* of the next try */
	uint64_t pause_usec;    /* before the next try */
	uint64_t lost_ns;       /* when it broke, CLOCK_BOOTTIME; 0: it is there */
	bool refusal_told;      /* why the name was refused is in the journal */
};

static void log_refusal(int r)
{
	if (r == -EEXIST)
		log_error("another oxprofd runs already: %s is taken", OX_BUS_NAME);
	else
		log_error("cannot take the name %s on the bus: %s; is the policy org.oxprof1.conf "
			  "installed?",
			  OX_BUS_NAME, strerror(-r));
}

static void close_bus(struct connection *connection)
{
	manager_bus_detach(connection->object);
	connection->name = sd_bus_slot_unref(connection->name);
	connection->bus = sd_bus_close_unref(connection->bus);
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error);

static int set_up_bus(struct connection *connection)
{
	int r = sd_bus_attach_event(connection->bus, connection->event, SD_EVENT_PRIORITY_NORMAL);

	if (r < 0)
		return r;
	r = sd_bus_match_signal(connection->bus, NULL, "org.freedesktop.DBus.Local",
				"/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
				"Disconnected", on_disconnected, connection);
	return r < 0 ? r : manager_bus_attach(connection->object, connection->bus);
}

/* Begins to connect, and puts the object there. */
static int open_bus(struct connection *connection)
{
	int r = sd_bus_open_system(&connection->bus);

	if (r < 0)
		return r;
	r = set_up_bus(connection);
	if (r < 0)
		close_bus(connection);
	return r;
}

/* ---- lost and found again ---- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

static void try_later(struct connection *connection)
{
	(void)sd_event_source_set_time_relative(connection->timer, connection->pause_usec);
	(void)sd_event_source_set_enabled(connection->timer, SD_EVENT_ONESHOT);
	connection->pause_usec *= 2;
	if (connection->pause_usec > PAUSE_MAX_USEC)
		connection->pause_usec = PAUSE_MAX_USEC;
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct connection *connection = userdata;

	if (!connection->lost_ns) {
		connection->lost_ns = clock_boottime_ns();
		connection->pause_usec = PAUSE_MIN_USEC;
		log_warning("the system bus is gone; sessions go on, and it is tried again until "
			    "it is back");
	}
	close_bus(connection);
	try_later(connection);
	return 0;
}

static int read_name_reply(sd_bus_message *reply)
{
	uint32_t answer;
	int r;

	if (sd_bus_message_is_method_error(reply, NULL))
		return -sd_bus_message_get_errno(reply);
	r = sd_bus_message_read(reply, "u", &answer);
	if (r < 0)
		return r;
	return answer == NAME_TAKEN || answer == NAME_IS_OURS ? 0 : -EEXIST;
}

static int on_name(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct connection *connection = userdata;
	char span[CLOCK_TEXT_BYTES];
	int r = read_name_reply(reply);

	connection->name = sd_bus_slot_unref(connection->name);
	/* A connection that broke is for on_disconnected(). */
	if (sd_bus_is_open(connection->bus) <= 0)
		return 1;
	if (r < 0) {
		if (!connection->refusal_told)
			log_refusal(r);
		connection->refusal_told = true;
		close_bus(connection);
		try_later(connection);
		return 1;
	}
	clock_format_span((clock_boottime_ns() - connection->lost_ns) / 1000, span);
	log_info("the system bus is back after %s", span);
	connection->lost_ns = 0;
	connection->refusal_told = false;
	return 1;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct connection *connection = userdata;
	int r = open_bus(connection);

	assert(connection->lost_ns);
	if (r >= 0) {
		r = sd_bus_request_name_async(connection->bus, &connection->name, OX_BUS_NAME, 0,
					      on_name, connection);
		if (r < 0)
			close_bus(connection);
	}
	if (r < 0)
		try_later(connection);
	return 0;
}

/* ---- the beginning ---- */

static int start(struct connection *connection)
{
	int r = sd_event_add_time_relative(connection->event, &connection->timer, CLOCK_MONOTONIC,
					   0, 0, on_timer, connection);

	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(connection->timer, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = open_bus(connection);
	if (r < 0) {
		log_error("cannot reach the system bus: %s; is dbus running?", strerror(-r));
		return r;
	}
	r = sd_bus_request_name(connection->bus, OX_BUS_NAME, 0);
	if (r >= 0)
		return 0;
	log_refusal(r);
	close_bus(connection);
	return r;
}

int connection_new(sd_event *event, struct manager_bus *object, struct connection **ret)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int r;

	if (!connection)
		return -ENOMEM;
	connection->event = sd_event_ref(event);
	connection->object = object;
	r = start(connection);
	if (r < 0) {
		connection_free(connection);
		return r;
	}
	*ret = connection;
	return 0;
}

struct connection *connection_free(struct connection *connection)
{
	if (!connection)
		return NULL;
	sd_event_source_disable_unref(connection->timer);
	sd_bus_slot_unref(connection->name);
	/* A connection that is still being made would be waited for. */
	if (connection->bus && sd_bus_is_ready(connection->bus) > 0)
		(void)sd_bus_flush(connection->bus);
	sd_bus_close_unref(connection->bus);
	sd_event_unref(connection->event);
	free(connection);
	return NULL;
}
