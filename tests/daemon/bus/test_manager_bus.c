/* SPDX-License-Identifier: MIT */
/* Calls that the object on the bus takes and refuses, and its properties. Only the last tests
 * sample. */
#include "daemon/base/cleanup.h"
#include "tests/support/bus_world.h"
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/support/busy.h"
#include "tests/support/fake/interpreters.h"
#include "tests/support/kernel_side.h"

#define INVALID OX_ERROR_INVALID_ARGUMENT

TestSuite(manager_bus, .init = bus_world_start, .fini = bus_world_stop);

static sd_bus_message *introspect(const char *types, ...)
{
	sd_bus_message *reply;
	va_list args;

	va_start(args, types);
	reply = bus_world_callv("org.freedesktop.DBus.Introspectable", "Introspect", types, args);
	va_end(args);
	return reply;
}

/* The introspection, as sd-bus writes it. */
#define ARGUMENT(type, name, way) \
	"   <arg type=\"" type "\" name=\"" name "\" direction=\"" way "\"/>\n"
#define IN(type, name)          ARGUMENT(type, name, "in")
#define OUT(type, name)         ARGUMENT(type, name, "out")
#define METHOD(name, arguments) "  <method name=\"" name "\">\n" arguments "  </method>\n"
#define PROPERTY(name, type)    "  <property name=\"" name "\" type=\"" type "\" access=\"read\">"

Test(manager_bus, everything_is_there_under_its_name)
{
	static const char *const parts[] = {
		METHOD("Unpause", IN("as", "targets") IN("a{sv}", "options")),
		METHOD("Pause", IN("as", "targets")),
		METHOD("Cancel", ""),
		METHOD("SetInterval", IN("d", "seconds")),
		METHOD("Query",
		       IN("a{sv}", "filter") OUT("a{sv}", "summary") OUT("aa{sv}", "records")),
		METHOD("QueryByFileDescriptor", IN("a{sv}", "filter") OUT("h", "json")),
		METHOD("Export", IN("a{sv}", "filter") OUT("h", "stream")),
		METHOD("History", IN("a{sv}", "filter") OUT("aa{sv}", "sessions")),
		METHOD("GetStatus", OUT("a{sv}", "status") OUT("aa{sv}", "targets")),
		METHOD("PauseWithOptions", IN("as", "targets") IN("a{sv}", "options")),
		METHOD("CancelWithOptions", IN("a{sv}", "options")),
		METHOD("SetIntervalWithOptions", IN("d", "seconds") IN("a{sv}", "options")),
		METHOD("GetStatusWithOptions",
		       IN("a{sv}", "options") OUT("a{sv}", "status") OUT("aa{sv}", "targets")),
		METHOD("Resymbolize", OUT("t", "named") OUT("t", "unnamed") OUT("aa{sv}", "files")),
		PROPERTY("State", "s"),
		PROPERTY("Mode", "s"),
		PROPERTY("Interval", "d"),
		PROPERTY("Targets", "as"),
		PROPERTY("Samples", "t"),
		PROPERTY("Lost", "a{st}"),
		PROPERTY("Version", "s"),
		PROPERTY("DatabasePath", "s"),
	};
	_cleanup_free_ char *text = bus_world_text_of(introspect(""));

	for (size_t i = 0; i < array_length(parts); i++)
		assert_has(text, parts[i]);
}

Test(manager_bus, a_fresh_daemon_is_paused_and_says_so)
{
	_cleanup_free_ char *status = bus_world_answer("GetStatus", "");
	char part[400];

	assert_has(status, "{state=s:paused,mode=s:cpu,interval_ns=t:10101010,samples=t:0,"
			   "stacks=a{st}:{root=0,cut=0,no-table=0,broken=0,unreadable=0,no-rule=0,"
			   "python-broken=0},"
			   "lost=a{st}:{},unwind_bytes=t:0,unwind_budget_bytes=t:67108864,"
			   "unwind_tables=u:0,unwind_waiting=u:0,unwind_refused=u:0,"
			   "unwind_evicted=u:0,interpreters=aa{sv}:[],interpreters_total=u:0,"
			   "sessions=aa{sv}:[],other_sessions=u:0,");
	assert_has(status, "running_usec=t:0,");
	assert_has(status, ",version=s:" OX_VERSION ",kernel=s:unloaded,");
	snprintf(part, sizeof(part), ",database_path=s:%s,", store_world.path);
	assert_has(status, part);
	assert_has(status, "} []");
	assert_has_not(status, "session=t:");
	assert_has_not(status, "notice=");
	assert_has_not(status, "achieved_");
	assert_has_not(status, "database_bytes=t:0,");
}

Test(manager_bus, the_status_names_the_interpreters)
{
	_cleanup_free_ char *some = NULL, *all = NULL;

	interpreters_add(2);
	some = bus_world_answer("GetStatus", "");
	assert_has(some, ",interpreters=aa{sv}:["
			 "{pid=u:1,comm=s:app1,name=s:CPython 3.11.2,file=s:/usr/bin/python3.11,"
			 "state=s:read},"
			 "{pid=u:2,comm=s:app2,name=s:PyPy,file=s:/usr/bin/pypy3,state=s:pypy,"
			 "note=s:its frames are made otherwise}],interpreters_total=u:2,");
	interpreters_add(OX_INTERPRETERS_IN_STATUS);
	all = bus_world_answer("GetStatus", "");
	assert_has(all, ",interpreters_total=u:1002,");
	assert_has(all, "{pid=u:1000,");
	assert_has_not(all, "{pid=u:1001,");
}

Test(manager_bus, properties_are_as_the_status)
{
	char database[400];

	snprintf(database, sizeof(database), "s:%s", store_world.path);
	assert_property("State", "s:paused");
	assert_property("Mode", "s:cpu");
	assert_property("Interval", "d:0.01010101");
	assert_property("Targets", "as:[]");
	assert_property("Samples", "t:0");
	assert_property("Lost", "a{st}:{}");
	assert_property("Version", "s:" OX_VERSION);
	assert_property("DatabasePath", database);
}

Test(manager_bus, without_a_target_there_is_nothing_to_resume)
{
	assert_error(OX_ERROR_NO_TARGET, "there is no target yet", "Unpause", "asa{sv}", 0, 0);
	assert_property("State", "s:paused");
}

Test(manager_bus, what_is_no_target_is_refused)
{
	static const char *const bad[] = {
		"",
		"42",
		"pid:",
		"pid:0",
		"pid:-1",
		"pid:1x",
		"comm:",
		"cgroup:x",
		"cgroup:/../x",
		"user:",
		"unit:a b",
		"everything",
		"pid:999999999999",
	};

	for (size_t i = 0; i < array_length(bad); i++) {
		assert_error(INVALID, "is not a target", "Unpause", "asa{sv}", 1, bad[i], 0);
		assert_error(INVALID, "is not a target", "Pause", "as", 1, bad[i]);
		assert_error(INVALID, "is not a target", "Query", "a{sv}", 1, "targets", "as", 1,
			     bad[i]);
	}
	assert_property("Targets", "as:[]");
}

Test(manager_bus, options_are_read_strictly)
{
	assert_error(INVALID, "there is no option \"colour\"", "Unpause", "asa{sv}", 1, "all", 1,
		     "colour", "s", "blue");
	assert_error(INVALID, "option \"interval\" has a value of the wrong type", "Unpause",
		     "asa{sv}", 1, "all", 1, "interval", "s", "0.01");
	assert_error(INVALID, "option \"for\" has a value of the wrong type", "Unpause", "asa{sv}",
		     1, "all", 1, "for", "u", 5);
	assert_error(INVALID, "option \"children\" has a value of the wrong type", "Unpause",
		     "asa{sv}", 1, "all", 1, "children", "s", "yes");
	assert_error(INVALID, "a time of 0 usec", "Unpause", "asa{sv}", 1, "all", 1, "for", "t",
		     UINT64_C(0));
	assert_error(INVALID, "at most ten years", "Unpause", "asa{sv}", 1, "all", 1, "for", "t",
		     UINT64_C(315360000000001));
	assert_error(INVALID, "mode wall is not in this release", "Unpause", "asa{sv}", 1, "all", 1,
		     "mode", "s", "wall");
	assert_error(INVALID, "there is no mode \"fast\"", "Unpause", "asa{sv}", 1, "all", 1,
		     "mode", "s", "fast");
	assert_error(SD_BUS_ERROR_INVALID_ARGS, "", "Unpause", "s", "all");
	assert_property("State", "s:paused");
	assert_property("Targets", "as:[]");
}

Test(manager_bus, an_interval_is_refused_that_is_none)
{
	static const double bad[] = {0, -1, NAN, 1e9, INFINITY, -INFINITY, 0.00009, 10.1};

	for (size_t i = 0; i < array_length(bad); i++) {
		assert_error(INVALID, "0.0001 to 10 seconds", "SetInterval", "d", bad[i]);
		assert_error(INVALID, "0.0001 to 10 seconds", "Unpause", "asa{sv}", 1, "all", 1,
			     "interval", "d", bad[i]);
	}
	assert_property("Interval", "d:0.01010101");
}

Test(manager_bus, what_is_not_there_cannot_be_profiled)
{
	pid_t gone = fork();
	char target[32];

	if (!gone)
		_exit(0);
	cr_assert_eq(waitpid(gone, NULL, 0), gone);
	snprintf(target, sizeof(target), "pid:%d", gone);
	assert_error(OX_ERROR_NO_SUCH_PROCESS, "there is no process", "Unpause", "asa{sv}", 1,
		     target, 0);
	assert_error(OX_ERROR_NO_SUCH_USER, "there is no user no-such-user", "Unpause", "asa{sv}",
		     1, "user:no-such-user", 0);
	assert_error(OX_ERROR_NO_SUCH_CGROUP, "cgroup", "Unpause", "asa{sv}", 1,
		     "cgroup:/no/such/group", 0);
	/* A target that exists is not taken either: a request is fulfilled as a whole. */
	assert_error(OX_ERROR_NO_SUCH_PROCESS, "there is no process", "Unpause", "asa{sv}", 2,
		     "comm:something", target, 0);
	assert_property("Targets", "as:[]");
}

Test(manager_bus, what_is_no_target_cannot_be_paused)
{
	assert_error(OX_ERROR_NO_TARGET, "pid:1 is not a target", "Pause", "as", 1, "pid:1");
}

static void *wait_for_ever(void *userdata)
{
	atomic_store((_Atomic pid_t *)userdata, gettid());
	pause(); /* which ends only when the thread does */
	return NULL;
}

Test(manager_bus, a_thread_is_no_process)
{
	_Atomic pid_t tid = 0;
	pthread_t thread;
	char target[32];

	cr_assert_eq(pthread_create(&thread, NULL, wait_for_ever, &tid), 0);
	while (!tid)
		sched_yield();
	snprintf(target, sizeof(target), "pid:%d", tid);
	assert_error(OX_ERROR_NO_SUCH_PROCESS, "name the process", "Unpause", "asa{sv}", 1, target,
		     0);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
}

Test(manager_bus, to_pause_what_is_paused_is_no_failure)
{
	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *text = bus_world_answer("Pause", "as", 0);

		cr_assert_str_empty(text);
	}
	free(bus_world_answer("Cancel", ""));
	free(bus_world_answer("Cancel", ""));
	assert_property("State", "s:paused");
}

Test(manager_bus, more_targets_than_the_limit_are_refused)
{
	sd_bus_message *message = NULL;
	struct bus_world_reply reply = {0};
	char text[32];

	cr_assert_geq(sd_bus_message_new_method_call(bus_world.client, &message, NULL, OX_BUS_PATH,
						     OX_BUS_INTERFACE, "Pause"),
		      0);
	sd_bus_message_open_container(message, 'a', "s");
	for (unsigned i = 1; i <= OX_TARGETS_MAX + 1; i++) {
		snprintf(text, sizeof(text), "pid:%u", i);
		sd_bus_message_append(message, "s", text);
	}
	sd_bus_message_close_container(message);
	cr_assert_geq(
		sd_bus_call_async(bus_world.client, NULL, message, bus_world_on_reply, &reply, 0),
		0);
	sd_bus_message_unref(message);
	while (!reply.n)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	cr_assert_str_eq(sd_bus_message_get_error(reply.message)->name, OX_ERROR_LIMIT_REACHED);
	sd_bus_message_unref(reply.message);
}

static int on_signal(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	char **text = userdata;

	free(*text);
	*text = bus_world_text(message);
	return 0;
}

Test(manager_bus, a_new_interval_is_told_to_who_listens)
{
	_cleanup_free_ char *text = NULL;

	cr_assert_geq(sd_bus_match_signal(bus_world.client, NULL, NULL, OX_BUS_PATH,
					  "org.freedesktop.DBus.Properties", "PropertiesChanged",
					  on_signal, &text),
		      0);
	free(bus_world_answer("SetInterval", "d", 0.002));
	assert_property("Interval", "d:0.002");
	cr_assert_not_null(text);
	assert_has(text, OX_BUS_INTERFACE " {");
	assert_has(text, "Interval=d:0.002");
	assert_has(text, "State=s:paused");
	/* The interval of the settings holds again. */
	free(bus_world_answer("Cancel", ""));
	assert_property("Interval", "d:0.01010101");
}

Test(manager_bus, nobody_is_asked_for_an_answer_that_nobody_wants)
{
	sd_bus_message *message = NULL;

	cr_assert_geq(sd_bus_message_new_method_call(bus_world.client, &message, NULL, OX_BUS_PATH,
						     OX_BUS_INTERFACE, "SetInterval"),
		      0);
	cr_assert_geq(sd_bus_message_append(message, "d", 0.005), 0);
	cr_assert_geq(sd_bus_message_set_expect_reply(message, false), 0);
	cr_assert_geq(sd_bus_send(bus_world.client, message, NULL), 0);
	sd_bus_message_unref(message);
	assert_property("Interval", "d:0.005");
}

/* ---- with the kernel's side ---- */

Test(manager_bus, a_process_is_sampled_from_unpause_to_pause)
{
	struct busy_process busy;
	_cleanup_free_ char *running = NULL, *paused = NULL, *status = NULL, *again = NULL;
	char target[32], part[128];

	sampler_free(sampler_or_skip());
	busy = busy_start(&(struct busy){.comm = "bus busy", .depth = 3});
	snprintf(target, sizeof(target), "pid:%d", busy.pid);
	free(bus_world_answer("Unpause", "asa{sv}", 1, target, 1, "interval", "d", 0.0005));
	assert_property("State", "s:running");
	snprintf(part, sizeof(part), "as:[%s]", target);
	assert_property("Targets", part);
	busy_let(busy.pid, 50);
	/* A query has the samples up to this moment while the session runs. */
	running = bus_world_answer("Query", "a{sv}", 1, "by", "s", "process");
	snprintf(part, sizeof(part), "{name=s:bus busy[%d],", busy.pid);
	assert_has(running, "{state=s:running,");
	assert_has(running, part);
	status = bus_world_answer("GetStatus", "");
	assert_has(status, "session=t:1");
	snprintf(part, sizeof(part), "[{target=s:%s,state=s:running,owner=u:0,", target);
	assert_has(status, part);
	free(bus_world_answer("Pause", "as", 0));
	assert_property("State", "s:paused");
	paused = bus_world_answer("Query", "a{sv}", 1, "targets", "as", 1, target);
	assert_has(paused, "function=s:busy_spin");
	busy_let(busy.pid, 20);
	again = bus_world_answer("Query", "a{sv}", 1, "targets", "as", 1, target);
	cr_assert_str_eq(paused, again);
	busy_stop(&busy);
}

Test(manager_bus, a_target_that_ends_ends_the_session)
{
	struct busy_process busy;
	_cleanup_free_ char *status = NULL;
	char target[32];

	sampler_free(sampler_or_skip());
	busy = busy_start(&(struct busy){.depth = 3});
	snprintf(target, sizeof(target), "pid:%d", busy.pid);
	free(bus_world_answer("Unpause", "asa{sv}", 1, target, 0));
	busy_stop(&busy);
	while (manager_is_running(bus_world.manager, 0))
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	status = bus_world_answer("GetStatus", "");
	assert_has(status, "state=s:exited,");
	assert_error(OX_ERROR_NO_TARGET, "all targets have ended", "Unpause", "asa{sv}", 0, 0);
}

Test(manager_bus, a_time_that_was_asked_for_ends_the_sampling)
{
	struct busy_process busy;
	_cleanup_free_ char *status = NULL;
	char target[32];

	sampler_free(sampler_or_skip());
	busy = busy_start(&(struct busy){.depth = 3});
	snprintf(target, sizeof(target), "pid:%d", busy.pid);
	free(bus_world_answer("Unpause", "asa{sv}", 1, target, 1, "for", "t", UINT64_C(100000)));
	assert_property("State", "s:running");
	while (manager_is_running(bus_world.manager, 0))
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	status = bus_world_answer("GetStatus", "");
	assert_has(status, "state=s:paused,owner=");
	/* The target can be resumed, without a new end. */
	free(bus_world_answer("Unpause", "asa{sv}", 0, 0));
	assert_property("State", "s:running");
	busy_stop(&busy);
}

Test(manager_bus, a_manager_that_cannot_begin_says_why_and_leaves_nothing)
{
	struct manager *other = NULL;
	struct failure failure = {0};
	struct config config;

	config_init(&config);
	snprintf(config.database, sizeof(config.database), "%s/none/db", store_world.path);
	cr_assert_lt(manager_new(bus_world.event, &config, &other, &failure), 0);
	cr_assert_str_eq(failure.name, OX_ERROR_DATABASE);
	cr_assert_null(other);
}
