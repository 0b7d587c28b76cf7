/* SPDX-License-Identifier: MIT */
/* An Unpause of units: what it asks of PID 1 and when, and how it ends. */
#include <criterion/criterion.h>

#include "daemon/base/cleanup.h"
#include "daemon/bus/unit_ask.h"
#include "tests/support/kernel_side.h"
#include "tests/support/made/systemd.h"
#include "tests/support/rights_world.h"

#define UNPAUSE(unit) "Unpause", "asa{sv}", 1, unit, 0

static sd_bus *systemd;

static void start(void)
{
	rights_world_set_up();
	rights_world_connect(&systemd, "org.freedesktop.systemd1");
	made_systemd_start(systemd);
	polkit.verdict = VERDICT_YES;
}

static void stop(void)
{
	sd_bus_flush_close_unref(systemd);
	rights_world_tear_down();
}

TestSuite(unit_ask, .init = start, .fini = stop, .timeout = 1000);

static void wait_until_asked(unsigned n)
{
	while (made_systemd.n_asked < n)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	cr_assert_eq(made_systemd.n_asked, n);
}

Test(unit_ask, who_has_no_right_makes_nobody_ask)
{
	made_systemd_set("a.service", "");
	polkit.verdict = VERDICT_NO;
	assert_begins(caller_told(&caller_nobody, UNPAUSE("unit:a.service")), DENIED);
	assert_begins(caller_told(&caller_nobody, UNPAUSE("unit:b.service")), DENIED);
	cr_assert_eq(polkit.n_asked, 2);
	cr_assert_eq(made_systemd.n_asked, 0);
}

Test(unit_ask, what_cannot_be_profiled_is_refused)
{
	made_systemd_set("a.timer", "");
	assert_begins(caller_told(&caller_nobody, UNPAUSE("unit:a.service")),
		      OX_ERROR_NO_SUCH_UNIT ": there is no unit a.service (systemctl list-units)");
	cr_assert_eq(polkit.n_asked, 1);
	assert_begins(caller_told(&caller_root, UNPAUSE("unit:a.timer")),
		      OX_ERROR_NO_SUCH_UNIT ": unit a.timer has no processes of its own");
	assert_begins(caller_told(&caller_root, UNPAUSE("unit:bad.service")),
		      OX_ERROR_NO_SUCH_UNIT ": cannot ask systemd about unit bad.service: "
					    "Unit name bad.service is not valid.");
	cr_assert_eq(count_targets(), 0);
}

Test(unit_ask, without_a_systemd_units_are_unknown)
{
	systemd = sd_bus_flush_close_unref(systemd);
	assert_begins(caller_told(&caller_root, UNPAUSE("unit:a.service")),
		      OX_ERROR_SYSTEMD ": cannot ask systemd about unit a.service: ");
}

Test(unit_ask, a_systemd_that_does_not_answer_is_given_up)
{
	made_systemd.silent = true;
	assert_begins(caller_told(&caller_root, UNPAUSE("unit:a.service")), OX_ERROR_SYSTEMD
		      ": cannot ask systemd about unit a.service: no answer within "
		      "5 s");
}

Test(unit_ask, others_are_answered_meanwhile)
{
	struct caller stays = {.uid = NOBODY, .stays = true};

	made_systemd.silent = true;
	caller_told(&stays, UNPAUSE("unit:a.service"));
	wait_until_asked(1);
	assert_begins(caller_told(&caller_nobody, "GetStatus", ""), "ok {state=s:paused");
	assert_begins(caller_told(&caller_root, SET_INTERVAL), "ok");
	cr_assert_eq(made_systemd.n_asked, 1);
}

Test(unit_ask, so_many_may_wait)
{
	struct caller stays = {.uid = NOBODY, .stays = true};
	struct caller other = {.uid = SOMEBODY, .stays = true};

	made_systemd.silent = true;
	for (unsigned i = 1; i <= OX_WAITING_PER_USER; i++) {
		caller_told(&stays, UNPAUSE("unit:a.service"));
		wait_until_asked(i);
	}
	assert_begins(caller_told(&caller_nobody, UNPAUSE("unit:a.service")), OX_ERROR_LIMIT_REACHED
		      ": 16 requests of yours wait already until systemd has "
		      "answered");
	cr_assert_eq(made_systemd.n_asked, OX_WAITING_PER_USER);
	caller_told(&other, UNPAUSE("unit:a.service"));
	wait_until_asked(OX_WAITING_PER_USER + 1);
}

/* The object goes, as at the end of the daemon, or with its bus. */
Test(unit_ask, a_call_that_waits_may_be_dropped)
{
	struct caller stays = {.stays = true};

	made_systemd.silent = true;
	caller_told(&stays, UNPAUSE("unit:a.service"));
	wait_until_asked(1);
	manager_bus_detach(bus_world.object);
	cr_assert_eq(manager_bus_attach(bus_world.object, bus_world.server), 0);
	made_systemd.silent = false;
	assert_begins(caller_told(&caller_root, UNPAUSE("unit:a.service")), OX_ERROR_NO_SUCH_UNIT);
	made_systemd.silent = true;
	made_systemd.n_asked = 0;
	caller_told(&stays, UNPAUSE("unit:a.service"));
	wait_until_asked(1);
}

/* ---- with the kernel's side ---- */

static void assert_state(const char *unit, const char *state)
{
	char part[128];
	const char *status = caller_told(&caller_nobody, "GetStatus", "");

	snprintf(part, sizeof(part), "{target=s:unit:%s,state=s:%s,", unit, state);
	assert_has(status, part);
}

Test(unit_ask, each_unit_is_found_and_followed)
{
	struct caller stays = {.uid = NOBODY, .stays = true};

	sampler_free(sampler_or_skip());
	made_systemd_set("a.service", "");
	made_systemd_set("b.scope", "/");
	assert_begins(caller_told(&caller_nobody, "Unpause", "asa{sv}", 3, "unit:a.service",
				  "user:nobody", "unit:b.scope", 0),
		      "ok");
	assert_state("a.service", "waiting");
	assert_state("b.scope", "running");
	made_systemd_set("a.service", "/");
	/* Until the daemon has taken it in; else this ends by the time that a test may have. */
	while (!strstr(caller_told(&caller_nobody, "GetStatus", ""), "a.service,state=s:running"))
		;
	assert_state("b.scope", "running");
	made_systemd.silent = true;
	caller_told(&stays, UNPAUSE("unit:b.scope"));
}
