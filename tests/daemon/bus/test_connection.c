/* SPDX-License-Identifier: MIT */
/* The daemon on a bus that goes and comes. */
#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/base/cleanup.h"
#include "daemon/bus/connection.h"
#include "tests/support/kernel_side.h"
#include "tests/support/rights_world.h"

static struct connection *connection;

static void start(void)
{
	rights_world_set_up_bus();
	cr_assert_eq(manager_bus_new(NULL, bus_world.manager, &bus_world.object), 0);
	polkit_start();
}

/* Frees everything in the order in which the daemon does at its end. */
static void stop(void)
{
	polkit_stop();
	manager_bus_free(take_ptr(bus_world.object));
	bus_world.manager = manager_free(bus_world.manager);
	connection_free(connection);
	rights_world_tear_down();
}

TestSuite(connection, .init = start, .fini = stop, .timeout = 1000);

static int open_connection(void)
{
	return connection_new(bus_world.event, bus_world.object, &connection);
}

/* Ends the bus and runs until the daemon has seen that. */
static void lose_bus(void)
{
	rights_world_stop_bus();
	for (unsigned i = 0; i < 20; i++)
		cr_assert_geq(sd_event_run(bus_world.event, 10000), 0);
}

/* Waits until somebody has that name on the bus. */
static void wait_for_name(void)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;

	rights_world_connect(&bus, NULL);
	while (sd_bus_get_name_creds(bus, OX_BUS_NAME, 0, NULL) < 0)
		cr_assert_geq(sd_event_run(bus_world.event, 10000), 0);
}

Test(connection, the_object_is_there_under_its_name)
{
	cr_assert_eq(open_connection(), 0);
	cr_assert_str_eq(caller_told(&caller_root, SET_INTERVAL), "ok \n");
	assert_interval(0, SET_INTERVAL_NS);
}

Test(connection, without_a_bus_there_is_no_daemon)
{
	rights_world_stop_bus();
	cr_assert_lt(open_connection(), 0);
	cr_assert_null(connection);
	rights_world_start_bus();
	cr_assert_eq(open_connection(), 0);
}

Test(connection, there_is_one_daemon_only)
{
	rights_world_connect(&bus_world.server, OX_BUS_NAME);
	cr_assert_eq(open_connection(), -EEXIST);
	bus_world.server = sd_bus_flush_close_unref(bus_world.server);
	cr_assert_eq(open_connection(), 0);
}

Test(connection, it_comes_back_with_the_bus_and_nothing_is_forgotten)
{
	const struct manager_scope own = {0};

	cr_assert_eq(open_connection(), 0);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_str_eq(caller_told(&caller_root, SET_INTERVAL), "ok \n");
		lose_bus();
		/* A change that nobody can be told of. */
		cr_assert_eq(manager_set_interval(bus_world.manager, &own, 3000000,
						  &(struct failure){0}),
			     0);
		rights_world_start_bus();
		wait_for_name();
		assert_interval(0, 3000000);
		assert_has(caller_told(&caller_root, "GetStatus", ""), "interval_ns=t:3000000,");
	}
}

Test(connection, it_waits_for_its_name)
{
	cr_assert_eq(open_connection(), 0);
	lose_bus();
	rights_world_start_bus();
	rights_world_connect(&bus_world.server, OX_BUS_NAME);
	/* Longer than the first try takes: the name is another's then. */
	for (unsigned i = 0; i < 150; i++)
		cr_assert_geq(sd_event_run(bus_world.event, 10000), 0);
	bus_world.server = sd_bus_flush_close_unref(bus_world.server);
	wait_for_name();
	cr_assert_str_eq(caller_told(&caller_root, SET_INTERVAL), "ok \n");
}

Test(connection, calls_that_wait_are_dropped_with_the_bus)
{
	struct caller leaves = {.uid = NOBODY, .leaves = true};

	cr_assert_eq(open_connection(), 0);
	polkit.verdict = VERDICT_LATER;
	caller_told(&leaves, SET_INTERVAL);
	while (!polkit.held)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	lose_bus();
	polkit_stop();
	polkit.held = NULL;
	rights_world_start_bus();
	wait_for_name();
	assert_interval(NOBODY, OX_INTERVAL_DEFAULT_NS);
	polkit_start();
	polkit.verdict = VERDICT_YES;
	cr_assert_str_eq(caller_told(&caller_nobody, SET_INTERVAL), "ok \n");
	assert_interval(NOBODY, SET_INTERVAL_NS);
}

Test(connection, the_daemon_may_end_while_the_bus_is_away)
{
	cr_assert_eq(open_connection(), 0);
	lose_bus();
}

Test(connection, a_session_goes_on_without_the_bus)
{
	const struct manager_scope own = {0};
	struct manager_session_info before, after;

	sampler_free(sampler_or_skip());
	cr_assert_eq(open_connection(), 0);
	assert_begins(caller_told(&caller_root, "Unpause", "asa{sv}", 1, "all", 0), "ok");
	cr_assert(manager_get_session(bus_world.manager, &own, &before));
	lose_bus();
	cr_assert(manager_is_running(bus_world.manager, 0));
	rights_world_start_bus();
	wait_for_name();
	cr_assert(manager_is_running(bus_world.manager, 0));
	/* Before it answers it records what was sampled. */
	assert_has(caller_told(&caller_root, "GetStatus", ""), "state=s:running,");
	cr_assert(manager_get_session(bus_world.manager, &own, &after));
	cr_assert_eq(before.session, after.session);
	cr_assert_gt(after.totals.samples, before.totals.samples);
	assert_begins(caller_told(&caller_root, "Cancel", ""), "ok");
}
