/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "tests/support/busy.h"
#include "tests/support/fake/interpreters.h"
#include "tests/support/kernel_side.h"
#include "tests/support/rights_world.h"

TestSuite(authorize, .init = rights_world_set_up, .fini = rights_world_tear_down);

Test(authorize, root_is_not_asked_about)
{
	cr_assert_str_eq(caller_told(&caller_root, SET_INTERVAL), "ok \n");
	cr_assert_eq(polkit.n_asked, 0);
	assert_interval(0, SET_INTERVAL_NS);
}

Test(authorize, who_is_allowed_may)
{
	polkit.verdict = VERDICT_YES;
	cr_assert_str_eq(caller_told(&caller_nobody, SET_INTERVAL), "ok \n");
	cr_assert_eq(polkit.n_asked, 1);
	cr_assert_str_eq(polkit.action, OX_ACTION_CONFIGURE);
	cr_assert_eq(polkit.subject[0], ':');
	cr_assert_eq(polkit.flags, 0);
	assert_interval(NOBODY, SET_INTERVAL_NS);
}

Test(authorize, who_is_not_may_not)
{
	polkit.verdict = VERDICT_NO;
	assert_begins(caller_told(&caller_nobody, SET_INTERVAL),
		      DENIED ": not permitted to sample at intervals below a millisecond");
	cr_assert_eq(polkit.n_asked, 1);
	assert_interval(NOBODY, OX_INTERVAL_DEFAULT_NS);
}

Test(authorize, who_could_still_prove_it_is_told_so)
{
	polkit.verdict = VERDICT_CHALLENGE;
	assert_begins(caller_told(&caller_nobody, SET_INTERVAL),
		      "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired: ");
	assert_interval(NOBODY, OX_INTERVAL_DEFAULT_NS);
}

Test(authorize, a_person_is_asked_only_where_the_call_allows_it)
{
	polkit.verdict = VERDICT_YES;
	caller_told(&caller_asked, SET_INTERVAL);
	cr_assert_eq(polkit.flags, 1);
}

Test(authorize, without_polkit_nobody_but_root_may)
{
	polkit_stop();
	assert_begins(caller_told(&caller_nobody, SET_INTERVAL), DENIED ": ");
	assert_interval(NOBODY, OX_INTERVAL_DEFAULT_NS);
	cr_assert_str_eq(caller_told(&caller_root, SET_INTERVAL), "ok \n");
}

/* Makes more calls than there may be open checks: those of calls that were answered are freed. */
Test(authorize, each_call_is_answered_once_and_forgotten)
{
	struct caller often = {.uid = NOBODY, .times = 300};
	const char *text;
	unsigned n = 0;

	polkit.verdict = VERDICT_NO;
	text = caller_told(&often, "Resymbolize", "");
	assert_has_not(text, "twice");
	for (; (text = strstr(text, DENIED)); text++)
		n++;
	cr_assert_eq(n, 300);
	cr_assert_eq(polkit.n_asked, 300);
}

Test(authorize, a_caller_that_goes_away_does_no_harm)
{
	struct caller leaves = {.uid = NOBODY, .leaves = true};

	polkit.verdict = VERDICT_LATER;
	caller_told(&leaves, SET_INTERVAL);
	while (!polkit.held)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	polkit_answer(polkit.held, VERDICT_YES);
	polkit.verdict = VERDICT_NO;
	assert_begins(caller_told(&caller_nobody, SET_INTERVAL), DENIED);
}

Test(authorize, wrong_arguments_are_refused_before_anybody_is_asked)
{
	polkit.verdict = VERDICT_YES;
	assert_begins(caller_told(&caller_nobody, "SetInterval", "d", 0.0),
		      OX_ERROR_INVALID_ARGUMENT ": ");
	assert_begins(caller_told(&caller_nobody, "Unpause", "asa{sv}", 1, "nonsense", 0),
		      OX_ERROR_INVALID_ARGUMENT ": ");
	cr_assert_eq(polkit.n_asked, 0);
}

Test(authorize, others_processes_need_the_right)
{
	static const char *const others[] = {"pid:1", "all", "user:root", "comm:init",
					     "unit:a.service"};

	polkit.verdict = VERDICT_NO;
	for (size_t i = 0; i < array_length(others); i++) {
		assert_begins(caller_told(&caller_asked, "Unpause", "asa{sv}", 1, others[i], 0),
			      DENIED ": not permitted to profile ");
		cr_assert_eq(polkit.n_asked, i + 1);
		cr_assert_str_eq(polkit.action, OX_ACTION_PROFILE_OTHERS);
	}
	cr_assert_eq(count_targets(), 0);
}

Test(authorize, a_fast_rate_needs_the_right)
{
	polkit.verdict = VERDICT_NO;
	assert_begins(caller_told(&caller_nobody, "Unpause", "asa{sv}", 1, "user:nobody", 1,
				  "interval", "d", 0.0001),
		      DENIED ": not permitted to sample at intervals below a millisecond");
	cr_assert_str_eq(polkit.action, OX_ACTION_CONFIGURE);
	cr_assert_eq(count_targets(), 0);
}

Test(authorize, names_for_all_need_the_right)
{
	polkit.verdict = VERDICT_NO;
	assert_begins(caller_told(&caller_nobody, "Resymbolize", ""),
		      DENIED ": not permitted to give names");
	cr_assert_str_eq(polkit.action, OX_ACTION_CONFIGURE);
	polkit.verdict = VERDICT_YES;
	assert_begins(caller_told(&caller_nobody, "Resymbolize", ""), "ok 0 0 []");
	cr_assert_eq(polkit.n_asked, 2);
	assert_begins(caller_told(&caller_root, "Resymbolize", ""), "ok 0 0 []");
	cr_assert_eq(polkit.n_asked, 2);
}

Test(authorize, an_answer_holds_what_the_caller_may_see)
{
	struct store *store;

	manager_bus_free(bus_world.object);
	bus_world.manager = manager_free(bus_world.manager);
	store = store_world_open();
	cr_assert_eq(store_begin(store), 0);
	store_world_add_sample(store, store_world_add_session(store, START), 0,
			       store_world_add_task(store, 7, 0),
			       store_world_add_node(store, 0, "of_root"), 5);
	store_world_add_sample(store, 1, 0, store_world_add_task(store, 8, NOBODY),
			       store_world_add_node(store, 0, "of_nobody"), 3);
	cr_assert_eq(store_commit(store), 0);
	store_free(store);
	bus_world_start_manager();
	cr_assert_eq(manager_bus_new(bus_world.server, bus_world.manager, &bus_world.object), 0);

	polkit.verdict = VERDICT_NO;
	assert_has(caller_told(&caller_asked, "Query", "a{sv}", 0),
		   "samples=t:3,distinct=t:1,restricted=b:1");
	cr_assert_str_eq(polkit.action, OX_ACTION_QUERY_OTHERS);
	/* polkit must not ask for a password: the query named no others. */
	cr_assert_eq(polkit.flags, 0);
	assert_has_not(caller_told(&caller_asked, "Query", "a{sv}", 0), "of_root");
	assert_begins(
		caller_told(&caller_asked, "Query", "a{sv}", 1, "targets", "as", 1, "user:root"),
		DENIED);
	cr_assert_eq(polkit.flags, 1);
	polkit.verdict = VERDICT_YES;
	assert_has(caller_told(&caller_nobody, "Query", "a{sv}", 0),
		   "samples=t:8,distinct=t:2,restricted=b:0");
	assert_has(caller_told(&caller_root, "Query", "a{sv}", 0),
		   "samples=t:8,distinct=t:2,restricted=b:0");
}

Test(authorize, interpreters_are_shown_to_who_may_see_their_processes)
{
	struct caller somebody = {.uid = SOMEBODY};

	interpreters_add(3);
	polkit.verdict = VERDICT_NO;
	assert_has(caller_told(&somebody, "GetStatus", ""),
		   "interpreters=aa{sv}:[{pid=u:1,comm=s:app1,");
	assert_has(caller_told(&somebody, "GetStatus", ""), "}],interpreters_total=u:1,");
	cr_assert_str_eq(polkit.action, OX_ACTION_QUERY_OTHERS);
	cr_assert_eq(polkit.flags, 0);
	assert_has(caller_told(&caller_asked, "GetStatus", ""),
		   "interpreters=aa{sv}:[],interpreters_total=u:0,");
	cr_assert_eq(polkit.flags, 0, "nobody is disturbed");
	assert_has(caller_told(&caller_root, "GetStatus", ""), "interpreters_total=u:3,");
	polkit.verdict = VERDICT_YES;
	assert_has(caller_told(&caller_nobody, "GetStatus", ""), "interpreters_total=u:3,");
	polkit_stop();
	assert_has(caller_told(&caller_nobody, "GetStatus", ""), "interpreters_total=u:0,");
}

/* ---- with the kernel's side ---- */

Test(authorize, own_processes_need_no_right_and_others_cannot_stop_them)
{
	struct caller other = {.uid = SOMEBODY};
	struct busy_process his;
	char target[32];

	sampler_free(sampler_or_skip());
	his = busy_start(&(struct busy){.uid = NOBODY, .depth = 3});
	snprintf(target, sizeof(target), "pid:%d", his.pid);
	polkit.verdict = VERDICT_NO;
	assert_begins(caller_told(&other, "Unpause", "asa{sv}", 1, target, 0), DENIED);
	cr_assert_str_eq(caller_told(&caller_nobody, "Unpause", "asa{sv}", 1, target, 0), "ok \n");
	cr_assert(manager_is_running(bus_world.manager, NOBODY));
	/* These are about one's own sessions, of which there are none. */
	cr_assert_str_eq(caller_told(&other, "Pause", "as", 0), "ok \n");
	cr_assert_str_eq(caller_told(&other, "Cancel", ""), "ok \n");
	assert_begins(caller_told(&other, "Pause", "as", 1, target), OX_ERROR_NO_TARGET);
	assert_begins(caller_told(&other, "PauseWithOptions", "asa{sv}", 0, 1, "all_users", "b", 1),
		      DENIED ": not permitted to pause what others profile");
	assert_begins(caller_told(&other, "CancelWithOptions", "a{sv}", 1, "all_users", "b", 1),
		      DENIED ": not permitted to cancel what others profile");
	assert_begins(
		caller_told(&other, "CancelWithOptions", "a{sv}", 1, "session", "x", INT64_C(1)),
		OX_ERROR_INVALID_ARGUMENT ": there is no session 1 of yours; see");
	cr_assert(manager_is_running(bus_world.manager, NOBODY));
	cr_assert_str_eq(caller_told(&caller_nobody, "Pause", "as", 0), "ok \n");
	cr_assert_not(manager_is_running(bus_world.manager, NOBODY));
	assert_begins(caller_told(&other, "Unpause", "asa{sv}", 0, 0), OX_ERROR_NO_TARGET);
	busy_stop(&his);
}

/* Expects that another user is told nothing of session 1. */
static void expect_unseen(const struct caller *other)
{
	const char *status = caller_told(other, "GetStatus", "");

	assert_has(status, "ok {state=s:paused,");
	assert_has(status, ",samples=t:0,");
	assert_has(status, ",sessions=aa{sv}:[],");
	assert_has_not(status, "other_sessions");
	assert_has_not(status, "session=t:");
	assert_has(status, "} []");
	cr_assert_str_eq(caller_told(other, "History", "a{sv}", 0), "ok []\n");
	assert_begins(caller_told(other, "History", "a{sv}", 1, "session", "x", INT64_C(1)),
		      OX_ERROR_INVALID_ARGUMENT ": there is no session 1 of yours; ");
	assert_begins(caller_told(other, "History", "a{sv}", 1, "all_users", "b", 1), DENIED);
	assert_begins(
		caller_told(other, "GetStatusWithOptions", "a{sv}", 1, "session", "x", INT64_C(1)),
		OX_ERROR_INVALID_ARGUMENT ": there is no session 1 of yours; ");
	assert_begins(caller_told(other, "Query", "a{sv}", 1, "session", "x", INT64_C(1)),
		      OX_ERROR_INVALID_ARGUMENT ": there is no session 1 of yours; ");
	assert_has(caller_told(other, "Query", "a{sv}", 0), "samples=t:0,");
}

Test(authorize, a_session_is_its_owners)
{
	struct caller other = {.uid = SOMEBODY};
	struct busy_process his;
	const char *status;
	char target[32];

	sampler_free(sampler_or_skip());
	his = busy_start(&(struct busy){.uid = NOBODY, .depth = 3});
	snprintf(target, sizeof(target), "pid:%d", his.pid);
	polkit.verdict = VERDICT_NO;
	cr_assert_str_eq(caller_told(&caller_nobody, "Unpause", "asa{sv}", 1, target, 0), "ok \n");
	busy_let(his.pid, 50);
	expect_unseen(&other);
	status = caller_told(&caller_root, "GetStatus", "");
	assert_has(status, ",sessions=aa{sv}:[],other_sessions=u:1,");
	assert_has(status, "} []");
	status = caller_told(&caller_root, "GetStatusWithOptions", "a{sv}", 1, "session", "x",
			     INT64_C(1));
	assert_has(status, "ok {state=s:running,");
	assert_has(status, ",session=t:1,");
	assert_has(status, "owner=u:65534");
	assert_has(caller_told(&caller_root, "History", "a{sv}", 1, "all_users", "b", 1),
		   ",owner=u:65534,");
	cr_assert_str_eq(caller_told(&caller_root, "History", "a{sv}", 0), "ok []\n");
	assert_has(caller_told(&caller_nobody, "Query", "a{sv}", 0), "session=t:1,");
	cr_assert_str_eq(caller_told(&caller_root, "PauseWithOptions", "asa{sv}", 0, 1, "session",
				     "x", INT64_C(1)),
			 "ok \n");
	cr_assert_not(manager_is_running(bus_world.manager, NOBODY));
	busy_stop(&his);
}

Test(authorize, changes_are_limited_but_roots)
{
	struct caller often = {.uid = NOBODY, .times = OX_CHANGES_AT_ONCE + 1};
	struct caller other = {.uid = SOMEBODY};
	struct caller root = {.times = OX_CHANGES_AT_ONCE + 5};
	const char *text;

	polkit.verdict = VERDICT_NO;
	text = caller_told(&often, "Pause", "as", 0);
	assert_begins(text, "ok \n");
	assert_has(text,
		   OX_ERROR_LIMIT_REACHED ": too many changes: a user may make 20 at once, and "
					  "then one a second; try again in 1 s\n");
	cr_assert_str_eq(caller_told(&other, "Cancel", ""), "ok \n");
	assert_has_not(caller_told(&root, "Pause", "as", 0), OX_ERROR_LIMIT_REACHED);
	/* A question is no change. */
	assert_begins(caller_told(&caller_nobody, "GetStatus", ""), "ok ");
}

struct heard {
	unsigned n;
	char *text;
};

static int on_changed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	struct heard *heard = userdata;

	heard->n++;
	free(heard->text);
	heard->text = bus_world_text(message);
	return 0;
}

static int on_answer(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	*(bool *)userdata = true;
	return 1;
}

/* Calls by a connection of the test, behind which it has heard all that was said before. */
static void call_on(sd_bus *bus, const char *interface, const char *member)
{
	bool answered = false;

	cr_assert_geq(sd_bus_call_method_async(bus, NULL, OX_BUS_NAME, OX_BUS_PATH, interface,
					       member, on_answer, &answered, ""),
		      0);
	while (!answered)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
}

#define PEER "org.freedesktop.DBus.Peer"

static sd_bus *listen_as(uint32_t uid, struct heard *heard)
{
	sd_bus *bus;

	/* The bus asks who connected, and when. */
	cr_assert_eq(seteuid(uid), 0);
	rights_world_connect(&bus, NULL);
	cr_assert_eq(seteuid(0), 0);
	cr_assert_geq(sd_bus_match_signal(bus, NULL, NULL, OX_BUS_PATH,
					  "org.freedesktop.DBus.Properties", "PropertiesChanged",
					  on_changed, heard),
		      0);
	return bus;
}

/* Only connections that have called hear of changes, and only of those of their own user. */
Test(authorize, changes_are_told_to_their_owner_alone)
{
	struct heard heard = {0};
	sd_bus *bus = listen_as(0, &heard);

	cr_assert_str_eq(caller_told(&caller_root, "SetInterval", "d", 0.25), "ok \n");
	call_on(bus, PEER, "Ping");
	cr_expect_eq(heard.n, 0);
	call_on(bus, OX_BUS_INTERFACE, "GetStatus");
	cr_assert_str_eq(caller_told(&caller_nobody, "SetInterval", "d", 0.5), "ok \n");
	call_on(bus, PEER, "Ping");
	cr_expect_eq(heard.n, 0);
	cr_assert_str_eq(caller_told(&caller_root, "SetInterval", "d", 0.125), "ok \n");
	call_on(bus, PEER, "Ping");
	cr_expect_eq(heard.n, 1);
	assert_has(heard.text, "Interval=d:0.125,");
	assert_has(caller_told(&caller_nobody, "GetStatus", ""), "interval_ns=t:500000000,");
	free(heard.text);
	sd_bus_flush_close_unref(bus);
}

/* Connections that have left the bus take no place of those that listen. */
Test(authorize, so_many_connections_of_a_user_are_told)
{
	sd_bus *buses[OX_LISTENERS_PER_USER + 1];
	struct heard heard = {0};

	for (unsigned i = 0; i < 2 * OX_LISTENERS_PER_USER; i++)
		assert_begins(caller_told(&caller_nobody, "GetStatus", ""), "ok ");
	for (unsigned i = 0; i < array_length(buses); i++) {
		buses[i] = listen_as(NOBODY, &heard);
		call_on(buses[i], OX_BUS_INTERFACE, "GetStatus");
	}
	cr_assert_str_eq(caller_told(&caller_nobody, "SetInterval", "d", 0.5), "ok \n");
	for (unsigned i = 0; i < array_length(buses); i++) {
		call_on(buses[i], PEER, "Ping");
		sd_bus_flush_close_unref(buses[i]);
	}
	cr_expect_eq(heard.n, OX_LISTENERS_PER_USER);
	free(heard.text);
}

/* A call that waits for polkit comes again, and is one change all the same. */
Test(authorize, a_change_that_is_asked_about_counts_once)
{
	struct caller often = {.uid = NOBODY, .times = OX_CHANGES_AT_ONCE};
	const char *text;

	polkit.verdict = VERDICT_YES;
	text = caller_told(&often, SET_INTERVAL);
	assert_has_not(text, OX_ERROR_LIMIT_REACHED);
}

Test(authorize, a_process_that_hides_is_not_its_owners)
{
	struct busy_process his;
	char target[32];

	/* As a process that was root's, and may still hold secrets of root. */
	his = busy_start(&(struct busy){.uid = NOBODY, .depth = 3, .hides = true});
	snprintf(target, sizeof(target), "pid:%d", his.pid);
	polkit.verdict = VERDICT_NO;
	assert_begins(caller_told(&caller_nobody, "Unpause", "asa{sv}", 1, target, 0), DENIED);
	busy_stop(&his);
}

/* An error quotes the sender's text and cuts it. Cut within a character, it could not be sent. */
Test(authorize, a_caller_is_answered_whatever_he_wrote)
{
	for (size_t shift = 0; shift < 2; shift++) {
		char text[4000] = "x", cgroup[4016];

		for (size_t i = shift; i < 3000; i += 2)
			memcpy(text + i, "\xc3\xa9", 2);
		snprintf(cgroup, sizeof(cgroup), "cgroup:/%s", text);
		assert_begins(caller_told(&caller_nobody, "Unpause", "asa{sv}", 1, text, 0),
			      OX_ERROR_INVALID_ARGUMENT);
		assert_begins(
			caller_told(&caller_nobody, "Unpause", "asa{sv}", 0, 1, text, "s", "x"),
			OX_ERROR_INVALID_ARGUMENT);
		assert_begins(
			caller_told(&caller_nobody, "Unpause", "asa{sv}", 0, 1, "mode", "s", text),
			OX_ERROR_INVALID_ARGUMENT);
		assert_begins(caller_told(&caller_nobody, "Query", "a{sv}", 1, "by", "s", text),
			      OX_ERROR_INVALID_ARGUMENT);
		assert_begins(caller_told(&caller_nobody, "Pause", "as", 1, cgroup),
			      OX_ERROR_NO_TARGET);
		assert_begins(caller_told(&caller_root, "Unpause", "asa{sv}", 1, cgroup, 0),
			      OX_ERROR_NO_SUCH_CGROUP);
	}
	cr_assert(sd_bus_is_open(bus_world.server));
}
