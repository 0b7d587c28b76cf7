/* SPDX-License-Identifier: MIT */
/* The client on names and units, against a bus of our own at the other end of a socketpair. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "client/base/json_tree.h"
#include "client/bus/facts.h"

/* The answers of this bus; NULL: an error. */
struct fake {
	sd_bus *bus;
	pthread_t thread;
	const char *owned, *activatable;
	const char *loaded;     /* the one unit that is there, as its path has it */
	unsigned int may_start; /* calls that would have started a service */
};

static int answer_owner(sd_bus_message *m, const struct fake *fake)
{
	const char *name;

	cr_assert_gt(sd_bus_message_read(m, "s", &name), 0);
	return sd_bus_reply_method_return(m, "b", fake->owned && !strcmp(name, fake->owned));
}

/* Answers with a property of a unit, in a variant. */
static int answer_property(sd_bus_message *m, const struct fake *fake)
{
	const char *interface, *name, *unit = strrchr(sd_bus_message_get_path(m), '/') + 1;
	bool is_there = fake->loaded && !strcmp(unit, fake->loaded);

	cr_assert_gt(sd_bus_message_read(m, "ss", &interface, &name), 0);
	cr_assert_str_eq(sd_bus_message_get_destination(m), "org.freedesktop.systemd1");
	if (!strcmp(name, "LoadState"))
		return sd_bus_reply_method_return(m, "v", "s", is_there ? "loaded" : "not-found");
	if (!strcmp(name, "ActiveState"))
		return sd_bus_reply_method_return(m, "v", "s", is_there ? "active" : "inactive");
	if (!strcmp(name, "DropInPaths"))
		return sd_bus_reply_method_return(m, "v", "as", 2, "/a.conf", "/b.conf");
	cr_assert_str_eq(interface, "org.freedesktop.systemd1.Service");
	if (!strcmp(name, "MainPID"))
		return sd_bus_reply_method_return(m, "v", "u", 42u);
	if (!strcmp(name, "AmbientCapabilities"))
		return sd_bus_reply_method_return(m, "v", "t", UINT64_C(0x1000000000));
	if (!strcmp(name, "CapabilityBoundingSet"))
		return sd_bus_reply_method_return(m, "v", "t", UINT64_C(0x1c000080004));
	return sd_bus_reply_method_return(m, "v", "s", name);
}

static int on_message(sd_bus_message *m, void *data, sd_bus_error *error)
{
	struct fake *fake = data;

	if (!sd_bus_message_is_method_call(m, NULL, NULL))
		return 0;
	fake->may_start += sd_bus_message_get_auto_start(m) != 0;
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus", "NameHasOwner"))
		return answer_owner(m, fake);
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus", "ListActivatableNames") &&
	    fake->activatable)
		return sd_bus_reply_method_return(m, "as", 2, "org.example", fake->activatable);
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "Get") &&
	    fake->loaded)
		return answer_property(m, fake);
	return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_SERVICE_UNKNOWN, "nobody");
}

static void *serve(void *data)
{
	struct fake *fake = data;
	int r;

	do {
		r = sd_bus_process(fake->bus, NULL);
		if (r == 0)
			r = sd_bus_wait(fake->bus, UINT64_MAX);
	} while (r >= 0);
	return NULL;
}

static struct bus *fake_start(struct fake *fake)
{
	sd_id128_t id = {0};
	struct bus *bus;
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	cr_assert_geq(sd_bus_new(&fake->bus), 0);
	cr_assert_geq(sd_bus_set_fd(fake->bus, ends[0], ends[0]), 0);
	cr_assert_geq(sd_bus_set_server(fake->bus, true, id), 0);
	cr_assert_geq(sd_bus_add_filter(fake->bus, NULL, on_message, fake), 0);
	cr_assert_geq(sd_bus_start(fake->bus), 0);
	cr_assert_eq(pthread_create(&fake->thread, NULL, serve, fake), 0);
	cr_assert_eq(bus_open_peer(ends[1], &bus), 0);
	return bus;
}

static void fake_stop(struct fake *fake, struct bus *bus)
{
	bus_close(bus);
	pthread_join(fake->thread, NULL);
	sd_bus_flush_close_unref(fake->bus);
}

static struct bus_facts ask(struct fake *fake)
{
	struct bus *bus = fake_start(fake);
	struct bus_facts facts;

	bus_facts_read(bus, &facts);
	fake_stop(fake, bus);
	cr_expect_eq(fake->may_start, 0);
	cr_expect_eq(facts.error, 0);
	return facts;
}

Test(client_bus_facts, the_service)
{
	struct fake fake = {
		.owned = "org.oxprof1", .activatable = "x", .loaded = "oxprofd_2eservice"};
	struct bus_facts facts = ask(&fake);

	cr_expect_eq(facts.daemon, NAME_OWNED);
	cr_expect_eq(facts.polkit, NAME_ABSENT);
	cr_expect(facts.service.is_known);
	cr_expect_str_eq(facts.service.load, "loaded");
	cr_expect_str_eq(facts.service.state, "active");
	cr_expect_str_eq(facts.service.result, "Result");
	cr_expect_str_eq(facts.service.user, "User");
	cr_expect_str_eq(facts.service.drop_ins, "/a.conf /b.conf");
	cr_expect_eq(facts.service.main_pid, 42);
	cr_expect_eq(facts.service.ambient, 0x1000000000);
	cr_expect_eq(facts.service.bounding, 0x1c000080004);
	cr_expect(facts.opener.is_known);
	cr_expect_str_eq(facts.opener.load, "not-found");
}

Test(client_bus_facts, the_opener)
{
	struct fake fake = {.loaded = "oxprof_2dopener_2esocket"};
	struct bus_facts facts = ask(&fake);

	cr_expect_str_eq(facts.opener.load, "loaded");
	cr_expect_str_eq(facts.opener.state, "active");
	cr_expect_str_eq(facts.service.load, "not-found");
}

Test(client_bus_facts, polkit_may_be_started_by_the_bus)
{
	struct fake fake = {.activatable = "org.freedesktop.PolicyKit1"};

	cr_expect_eq(ask(&fake).polkit, NAME_ACTIVATABLE);
	fake = (struct fake){.owned = "org.freedesktop.PolicyKit1"};
	cr_expect_eq(ask(&fake).polkit, NAME_OWNED);
}

/* The bus lists the name where it is installed; the alias of the unit is made by enabling it. */
Test(client_bus_facts, the_daemon_is_started_only_where_it_is_enabled)
{
	struct fake fake = {.activatable = "org.oxprof1", .loaded = "oxprofd_2eservice"};

	cr_expect_eq(ask(&fake).daemon, NAME_ABSENT);
	fake = (struct fake){.activatable = "org.oxprof1",
			     .loaded = "dbus_2dorg_2eoxprof1_2eservice"};
	cr_expect_eq(ask(&fake).daemon, NAME_ACTIVATABLE);
}

Test(client_bus_facts, a_bus_without_systemd)
{
	struct fake fake = {.owned = "org.oxprof1"};
	struct bus_facts facts = ask(&fake);

	cr_expect_eq(facts.daemon, NAME_OWNED);
	cr_expect_eq(facts.polkit, NAME_UNKNOWN);
	cr_expect_not(facts.service.is_known);
	cr_expect_not(facts.opener.is_known);
	cr_expect_str_empty(facts.service.load);
}

Test(client_bus_facts, a_daemon_that_may_not_be_started_is_not)
{
	struct fake fake = {0};
	struct bus *bus = fake_start(&fake);
	struct json_object *status = NULL;

	cr_expect_lt(bus_get_status(bus, NULL, &status), 0);
	cr_expect_eq(fake.may_start, 1);
	bus_forbid_start(bus);
	cr_expect_lt(bus_get_status(bus, NULL, &status), 0);
	cr_expect_eq(fake.may_start, 1);
	fake_stop(&fake, bus);
}
