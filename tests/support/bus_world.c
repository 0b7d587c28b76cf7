/* SPDX-License-Identifier: MIT */
#include "tests/support/bus_world.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "tests/support/store_world.h"

struct bus_world bus_world;

/* ---- a message as text: {key=type:value,...} for dictionaries, [..] for arrays ---- */

static void print_value(sd_bus_message *message, FILE *out);

static void print_all(sd_bus_message *message, FILE *out, const char *gap)
{
	for (bool first = true; sd_bus_message_at_end(message, false) == 0; first = false) {
		fputs(first ? "" : gap, out);
		print_value(message, out);
	}
}

static void print_container(sd_bus_message *message, FILE *out, char type, const char *contents)
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

static void print_value(sd_bus_message *message, FILE *out)
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

char *bus_world_text(sd_bus_message *message)
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

static void bus_start(sd_bus **bus, int fd, bool serves)
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
	cr_assert_geq(sd_bus_attach_event(*bus, bus_world.event, 0), 0);
}

void bus_world_start_manager(void)
{
	struct failure failure = {0};
	struct config config;

	config_init(&config);
	snprintf(config.database, sizeof(config.database), "%s", store_world.path);
	snprintf(config.symbolizer, sizeof(config.symbolizer), "%s", OX_SYMBOLIZER_BUILT);
	snprintf(config.deputy, sizeof(config.deputy), "%s", bus_world.deputy ?: "/");
	cr_assert_eq(manager_new(bus_world.event, &config, &bus_world.manager, &failure), 0, "%s",
		     failure.text);
}

void bus_world_start_with(void (*fill)(void))
{
	int ends[2];

	store_world_set_up();
	if (fill)
		fill();
	cr_assert_geq(sd_event_new(&bus_world.event), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	bus_start(&bus_world.server, ends[0], true);
	bus_start(&bus_world.client, ends[1], false);
	bus_world_start_manager();
	cr_assert_eq(manager_bus_new(bus_world.server, bus_world.manager, &bus_world.object), 0);
}

void bus_world_start(void)
{
	bus_world_start_with(NULL);
}

void bus_world_stop(void)
{
	manager_bus_free(bus_world.object);
	manager_free(bus_world.manager);
	sd_bus_close_unref(bus_world.client);
	sd_bus_close_unref(bus_world.server);
	sd_event_unref(bus_world.event);
	store_world_tear_down();
}

/* ---- calls ---- */

int bus_world_on_reply(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct bus_world_reply *reply = userdata;

	reply->n++;
	reply->message = sd_bus_message_ref(message);
	return 1;
}

sd_bus_message *bus_world_callv(const char *interface, const char *member, const char *types,
				va_list args)
{
	sd_bus_message *call = NULL;
	struct bus_world_reply reply = {0};

	cr_assert_geq(sd_bus_message_new_method_call(bus_world.client, &call, NULL, OX_BUS_PATH,
						     interface, member),
		      0);
	cr_assert_geq(sd_bus_message_appendv(call, types, args), 0);
	cr_assert_geq(
		sd_bus_call_async(bus_world.client, NULL, call, bus_world_on_reply, &reply, 0), 0);
	sd_bus_message_unref(call);
	while (!reply.n)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	cr_assert_eq(reply.n, 1);
	return reply.message;
}

sd_bus_message *bus_world_call(const char *member, const char *types, ...)
{
	sd_bus_message *reply;
	va_list args;

	va_start(args, types);
	reply = bus_world_callv(OX_BUS_INTERFACE, member, types, args);
	va_end(args);
	return reply;
}

char *bus_world_text_of(sd_bus_message *reply)
{
	const sd_bus_error *error = sd_bus_message_get_error(reply);
	char *text;

	cr_assert_null(error, "%s: %s", error ? error->name : "", error ? error->message : "");
	text = bus_world_text(reply);
	sd_bus_message_unref(reply);
	return text;
}

int bus_world_fd_of(sd_bus_message *reply)
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

char *bus_world_answer(const char *member, const char *types, ...)
{
	sd_bus_message *reply;
	va_list args;

	va_start(args, types);
	reply = bus_world_callv(OX_BUS_INTERFACE, member, types, args);
	va_end(args);
	return bus_world_text_of(reply);
}

static sd_bus_message *call_properties(const char *member, const char *types, ...)
{
	sd_bus_message *reply;
	va_list args;

	va_start(args, types);
	reply = bus_world_callv("org.freedesktop.DBus.Properties", member, types, args);
	va_end(args);
	return reply;
}

void assert_property(const char *name, const char *expected)
{
	_cleanup_free_ char *text =
		bus_world_text_of(call_properties("Get", "ss", OX_BUS_INTERFACE, name));

	cr_assert_str_eq(text, expected, "%s is %s, not %s", name, text, expected);
}

void assert_error(const char *name, const char *words, const char *member, const char *types, ...)
{
	const sd_bus_error *error;
	sd_bus_message *reply;
	va_list args;

	va_start(args, types);
	reply = bus_world_callv(OX_BUS_INTERFACE, member, types, args);
	va_end(args);
	error = sd_bus_message_get_error(reply);
	cr_assert_not_null(error, "%s went well", member);
	cr_assert_str_eq(error->name, name, "%s is %s: %s", member, error->name, error->message);
	cr_assert_not_null(strstr(error->message, words), "%s says [%s], not [%s]", member,
			   error->message, words);
	cr_assert_null(strchr(error->message, '\n'), "%s", error->message);
	sd_bus_message_unref(reply);
}

void assert_has(const char *text, const char *part)
{
	cr_assert_not_null(strstr(text, part), "%s is not in %s", part, text);
}

void assert_has_not(const char *text, const char *part)
{
	cr_assert_null(strstr(text, part), "%s is in %s", part, text);
}
