/* SPDX-License-Identifier: MIT */
/* Units that are followed, while systemd and the bus go and come. */
#include <criterion/criterion.h>

#include "daemon/base/cleanup.h"
#include "daemon/bus/unit_watch.h"
#include "tests/support/made/systemd.h"
#include "tests/support/rights_world.h"

static sd_bus *systemd;
static struct unit_watch *watch;
static char heard[256]; /* "UNIT=CGROUP " for each that moved */

static void on_moved(void *userdata, const char *unit, const char *cgroup)
{
	size_t n = strlen(heard);

	snprintf(heard + n, sizeof(heard) - n, "%s=%s ", unit, cgroup);
}

static void start_systemd(void)
{
	rights_world_connect(&systemd, "org.freedesktop.systemd1");
	made_systemd_start(systemd);
}

static void start(void)
{
	rights_world_set_up();
	start_systemd();
	watch = unit_watch_new(on_moved, NULL);
	unit_watch_attach(watch, bus_world.server);
	made_systemd_set("a.service", "/a");
	made_systemd_set("b.service", "");
}

static void stop(void)
{
	unit_watch_free(watch);
	sd_bus_flush_close_unref(systemd);
	rights_world_tear_down();
}

TestSuite(unit_watch, .init = start, .fini = stop, .timeout = 1000);

/* Waits until that was heard, and begins anew. */
static void expect(const char *text)
{
	while (strlen(heard) < strlen(text))
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	cr_assert_str_eq(heard, text);
	heard[0] = 0;
}

/* Waits until what was sent up to now has been answered. */
static void settle(void)
{
	assert_begins(caller_told(&caller_root, "Pause", "as", 0), "ok");
	while (sd_event_run(bus_world.event, 0) > 0)
		;
}

static void add_both(void)
{
	cr_assert_eq(unit_watch_add(watch, "a.service"), 0);
	cr_assert_eq(unit_watch_add(watch, "b.service"), 0);
	expect("a.service=/a b.service= ");
}

Test(unit_watch, who_watches_nothing_asks_nothing)
{
	settle();
	cr_assert_eq(made_systemd.n_asked, 0);
}

Test(unit_watch, a_unit_is_told_of_at_first_and_when_it_moves)
{
	add_both();
	cr_assert_eq(made_systemd.n_subscribed, 1);
	made_systemd_set("b.service", "/b");
	expect("b.service=/b ");
	made_systemd_set("a.service", "");
	expect("a.service= ");
	made_systemd_set("c.service", "/c");
	settle();
	cr_assert_str_empty(heard);
}

Test(unit_watch, once_added_is_enough)
{
	unsigned n;

	add_both();
	n = made_systemd.n_asked;
	cr_assert_eq(unit_watch_add(watch, "a.service"), 0);
	settle();
	cr_assert_eq(made_systemd.n_asked, n);
}

Test(unit_watch, what_is_dropped_is_not_heard_of)
{
	add_both();
	unit_watch_clear(watch);
	made_systemd_set("a.service", "");
	settle();
	cr_assert_str_empty(heard);
}

/* A drop while PID 1 is being asked, whose answer is nobody's then. */
Test(unit_watch, what_is_asked_about_may_be_dropped)
{
	made_systemd.silent = true;
	cr_assert_eq(unit_watch_add(watch, "a.service"), 0);
	cr_assert_eq(unit_watch_add(watch, "b.service"), 0);
	settle();
	/* Behind the Subscribe only one question is open at a time. */
	cr_assert_eq(made_systemd.n_asked, 2);
	unit_watch_clear(watch);
	made_systemd.silent = false;
	cr_assert_eq(unit_watch_add(watch, "b.service"), 0);
	expect("b.service= ");
}

Test(unit_watch, a_systemd_that_comes_back_is_asked_again)
{
	add_both();
	sd_bus_flush_close_unref(systemd);
	made_systemd.units[0].cgroup = "/elsewhere";
	start_systemd();
	expect("a.service=/elsewhere b.service= ");
	cr_assert_eq(made_systemd.n_subscribed, 2);
	made_systemd_set("b.service", "/b");
	expect("b.service=/b ");
}

Test(unit_watch, another_bus_is_asked_again)
{
	add_both();
	unit_watch_attach(watch, NULL);
	made_systemd_set("b.service", "/b");
	cr_assert_eq(unit_watch_add(watch, "c.service"), 0);
	settle();
	cr_assert_str_empty(heard);
	made_systemd_set("c.service", "/c");
	unit_watch_attach(watch, bus_world.server);
	expect("a.service=/a b.service=/b c.service=/c ");
	cr_assert_eq(made_systemd.n_subscribed, 2);
	made_systemd_set("b.service", "");
	expect("b.service= ");
}
