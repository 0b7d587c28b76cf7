/* SPDX-License-Identifier: MIT */
/*
 * The manager on a bus that is a socketpair, with a client at its other end, all in one event loop.
 * Both ends are one user, so every call passes the gate of rights.
 */
#pragma once

#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "daemon/base/cleanup.h"
#include "daemon/bus/manager_bus.h"
#include "tests/support/store_world.h"

static sd_event *event;
static struct manager *manager;
static struct manager_bus *bus_object;
static sd_bus *server, *client;

/* ---- a message as text: {key=type:value,...} for dictionaries, [..] for arrays ---- */

static void print_value(sd_bus_message *message, FILE *out);

static inline void print_all(sd_bus_message *message, FILE *out, const char *gap)
{
	for (bool first = true; sd_bus_message_at_end(message, false) == 0; first = false) {
		fputs(first ? "" : gap, out);
		print_value(message, out);
	}
}

static inline void print_container(sd_bus_message *message, FILE *out, char type,
				   const char *contents)
{
	const char *ends = type != 'a' ? NULL : contents[0] == '{' ? "{}" : "[]";

	cr_assert_geq(sd_bus_message_enter_container(message, type, contents), 0);
	if (ends)
		fputc(ends[0], out);
	if (type == 'v')
		fprintf(out, "%s:", contents);
	print_all(message, out, type == 'e' ? "=" : ",");
	if (ends)
		fputc(ends[1], out);
	cr_assert_geq(sd_bus_message_exit_container(message), 0);
}

static inline void print_value(sd_bus_message *message, FILE *out)
{
	union {
		const char *s;
		double d;
		uint64_t t;
		uint32_t u;
		int b;
	} value = {0};
	const char *contents;
	char type;

	cr_assert_gt(sd_bus_message_peek_type(message, &type, &contents), 0);
	if (strchr("aerv", type)) {
		print_container(message, out, type, contents);
		return;
	}
	cr_assert_gt(sd_bus_message_read_basic(message, type, &value), 0);
	if (type == 's')
		fputs(value.s, out);
	else if (type == 'd')
		fprintf(out, "%.9g", value.d);
	else if (type == 't')
		fprintf(out, "%lu", (unsigned long)value.t);
	else
		fprintf(out, "%u", value.u);
}

/* The caller's to free. */
static inline char *message_text(sd_bus_message *message)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	cr_assert_not_null(out);
	print_all(message, out, " ");
	fclose(out);
	return text;
}

/* ---- both ends ---- */

static inline void bus_start(sd_bus **bus, int fd, bool serves)
{
	sd_id128_t id;

	cr_assert_geq(sd_id128_randomize(&id), 0);
	cr_assert_geq(sd_bus_new(bus), 0);
	cr_assert_geq(sd_bus_set_fd(*bus, fd, fd), 0);
	cr_assert_geq(sd_bus_negotiate_fds(*bus, true), 0);
	if (serves) {
		cr_assert_geq(sd_bus_set_server(*bus, true, id), 0);
		cr_assert_geq(sd_bus_set_anonymous(*bus, true), 0);
	}
	cr_assert_geq(sd_bus_start(*bus), 0);
	cr_assert_geq(sd_bus_attach_event(*bus, event, 0), 0);
}

static inline void manager_start(void)
{
	struct failure failure = {0};
	struct config config;

	config_init(&config);
	snprintf(config.database, sizeof(config.database), "%s", path);
	snprintf(config.symbolizer, sizeof(config.symbolizer), "%s", OX_SYMBOLIZER_BUILT);
	cr_assert_eq(manager_new(event, &config, &manager, &failure), 0, "%s", failure.text);
}

/* `fill`: what the daemon finds in its database; NULL: there is none yet. */
static inline void world_start_with(void (*fill)(void))
{
	int ends[2];

	set_up();
	if (fill)
		fill();
	cr_assert_geq(sd_event_new(&event), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	bus_start(&server, ends[0], true);
	bus_start(&client, ends[1], false);
	manager_start();
	cr_assert_eq(manager_bus_new(server, manager, &bus_object), 0);
}

static inline void world_start(void)
{
	world_start_with(NULL);
}

static inline void world_stop(void)
{
	manager_bus_free(bus_object);
	manager_free(manager);
	sd_bus_close_unref(client);
	sd_bus_close_unref(server);
	sd_event_unref(event);
	tear_down();
}

/* ---- calls ---- */

struct reply {
	sd_bus_message *message;
	unsigned n;
};

static inline int on_reply(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct reply *reply = userdata;

	reply->n++;
	reply->message = sd_bus_message_ref(message);
	return 1;
}

/* The caller's to free. */
static inline sd_bus_message *callv(const char *interface, const char *member, const char *types,
				    va_list args)
{
	sd_bus_message *call = NULL;
	struct reply reply = {0};

	cr_assert_geq(
		sd_bus_message_new_method_call(client, &call, NULL, OX_BUS_PATH, interface, member),
		0);
	cr_assert_geq(sd_bus_message_appendv(call, types, args), 0);
	cr_assert_geq(sd_bus_call_async(client, NULL, call, on_reply, &reply, 0), 0);
	sd_bus_message_unref(call);
	while (!reply.n)
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	cr_assert_eq(reply.n, 1);
	return reply.message;
}

static inline sd_bus_message *call(const char *member, const char *types, ...)
{
	sd_bus_message *reply;
	va_list args;

	va_start(args, types);
	reply = callv(OX_BUS_INTERFACE, member, types, args);
	va_end(args);
	return reply;
}

static inline char *text_of_reply(sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	char *text;

	cr_assert_null(error, "%s: %s", error ? error->name : "", error ? error->message : "");
	text = message_text(reply);
	sd_bus_message_unref(reply);
	return text;
}

/* Of a reply that is one; the caller closes it. */
static inline int fd_of(sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	int fd = -1;

	cr_assert_null(error, "%s", error ? error->message : "");
	cr_assert_gt(sd_bus_message_read(reply, "h", &fd), 0);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	cr_assert_geq(fd, 0);
	sd_bus_message_unref(reply);
	return fd;
}

/* What a call that must go well answers, as text; the caller's to free. */
static inline char *answer_of(const char *member, const char *types, ...)
{
	sd_bus_message *reply;
	va_list args;

	va_start(args, types);
	reply = callv(OX_BUS_INTERFACE, member, types, args);
	va_end(args);
	return text_of_reply(reply);
}

static inline sd_bus_message *call_properties(const char *member, const char *types, ...)
{
	sd_bus_message *reply;
	va_list args;

	va_start(args, types);
	reply = callv("org.freedesktop.DBus.Properties", member, types, args);
	va_end(args);
	return reply;
}

static inline void assert_property(const char *name, const char *expected)
{
	_cleanup_free_ char *text =
		text_of_reply(call_properties("Get", "ss", OX_BUS_INTERFACE, name));

	cr_assert_str_eq(text, expected, "%s is %s, not %s", name, text, expected);
}

/* A call that must fail: with this name, and with these words in its text. */
static inline void assert_error(const char *name, const char *words, const char *member,
				const char *types, ...)
{
	const sd_bus_error *error;
	sd_bus_message *reply;
	va_list args;

	va_start(args, types);
	reply = callv(OX_BUS_INTERFACE, member, types, args);
	va_end(args);
	error = sd_bus_message_get_error(reply);
	cr_assert_not_null(error, "%s went well", member);
	cr_assert_str_eq(error->name, name, "%s is %s: %s", member, error->name, error->message);
	cr_assert_not_null(strstr(error->message, words), "%s says [%s], not [%s]", member,
			   error->message, words);
	cr_assert_null(strchr(error->message, '\n'), "%s", error->message);
	sd_bus_message_unref(reply);
}

static inline void assert_has(const char *text, const char *part)
{
	cr_assert_not_null(strstr(text, part), "%s is not in %s", part, text);
}

static inline void assert_has_not(const char *text, const char *part)
{
	cr_assert_null(strstr(text, part), "%s is in %s", part, text);
}
