/* SPDX-License-Identifier: MIT */
#include "tests/support/rights_world.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/bus_world.h"
#include "tests/support/skip.h"
#include "tests/support/store_world.h"

#define DBUS_DAEMON "/usr/bin/dbus-daemon"
#define POLKIT      "org.freedesktop.PolicyKit1"

const struct caller caller_nobody = {.uid = NOBODY};
const struct caller caller_asked = {.uid = NOBODY, .interactive = true};
const struct caller caller_root = {0};

struct polkit polkit;

static pid_t dbus;
static char address[512];

/* ---- a bus ---- */

static const char dbus_config[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>\n"
	"<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n"
	"<allow send_type=\"method_call\"/><allow send_type=\"signal\"/>\n"
	"<allow send_requested_reply=\"true\"/><allow receive_requested_reply=\"true\"/>\n"
	"<allow receive_type=\"method_call\"/><allow receive_type=\"signal\"/>\n"
	"</policy></busconfig>\n";

static void dbus_run(const char *config, int news)
{
	char print[32];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The daemon warns of the limits that it cannot raise. */
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	fcntl(news, F_SETFD, 0);
	snprintf(print, sizeof(print), "--print-address=%d", news);
	execl(DBUS_DAEMON, DBUS_DAEMON, "--nofork", "--nosyslog", config, print, NULL);
	_exit(1);
}

void rights_world_start_bus(void)
{
	char config[400];
	ssize_t n;
	FILE *f;
	int ends[2];

	chmod(store_world.directory, 0755);
	snprintf(config, sizeof(config), "--config-file=%s/dbus.conf", store_world.directory);
	f = fopen(config + strlen("--config-file="), "we");
	cr_assert_not_null(f);
	fprintf(f, dbus_config, store_world.directory);
	fclose(f);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	dbus = fork();
	if (!dbus)
		dbus_run(config, ends[1]);
	close(ends[1]);
	n = read(ends[0], address, sizeof(address) - 1);
	cr_assert_gt(n, 0);
	address[strcspn(address, "\n")] = 0;
	close(ends[0]);
}

void rights_world_stop_bus(void)
{
	kill(dbus, SIGKILL);
	waitpid(dbus, NULL, 0);
}

static void dbus_connect(sd_bus **bus, const char *name)
{
	cr_assert_geq(sd_bus_new(bus), 0);
	cr_assert_geq(sd_bus_set_address(*bus, address), 0);
	cr_assert_geq(sd_bus_set_bus_client(*bus, true), 0);
	cr_assert_geq(sd_bus_start(*bus), 0);
	if (name)
		cr_assert_geq(sd_bus_request_name(*bus, name, 0), 0);
}

void rights_world_connect(sd_bus **bus, const char *name)
{
	dbus_connect(bus, name);
	cr_assert_geq(sd_bus_attach_event(*bus, bus_world.event, 0), 0);
}

/* ---- polkit ---- */

void polkit_answer(sd_bus_message *call, enum verdict verdict)
{
	cr_assert_geq(sd_bus_reply_method_return(call, "(bba{ss})", verdict == VERDICT_YES,
						 verdict == VERDICT_CHALLENGE, 0),
		      0);
}

static int on_check(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	const char *kind, *key, *name, *action, *cookie;
	uint32_t flags;

	if (strcmp(sd_bus_message_get_member(call), "CheckAuthorization"))
		return 0;
	cr_assert_gt(sd_bus_message_read(call, "(sa{sv})s", &kind, 1, &key, "s", &name, &action),
		     0);
	cr_assert_geq(sd_bus_message_skip(call, "a{ss}"), 0);
	cr_assert_gt(sd_bus_message_read(call, "us", &flags, &cookie), 0);
	cr_assert_str_eq(kind, "system-bus-name");
	cr_assert_str_eq(key, "name");
	if (!strcmp(action, OX_ACTION_PROFILE_KERNEL)) {
		cr_assert_eq(flags, 0);
		polkit_answer(call, polkit.of_kernel);
		return 1;
	}
	polkit.n_asked++;
	polkit.flags = flags;
	snprintf(polkit.action, sizeof(polkit.action), "%s", action);
	snprintf(polkit.subject, sizeof(polkit.subject), "%s", name);
	if (polkit.verdict == VERDICT_LATER)
		polkit.held = sd_bus_message_ref(call);
	else
		polkit_answer(call, polkit.verdict);
	return 1;
}

void polkit_start(void)
{
	rights_world_connect(&polkit.bus, POLKIT);
	cr_assert_geq(sd_bus_add_object(polkit.bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
					on_check, NULL),
		      0);
	polkit.of_kernel = VERDICT_NO;
}

void polkit_stop(void)
{
	sd_bus_message_unref(polkit.held);
	sd_bus_flush_close_unref(polkit.bus);
	polkit.bus = NULL;
}

/* ---- the daemon's side ---- */

void rights_world_set_up_bus(void)
{
	char place[400];

	if (geteuid() != 0)
		skip_loudly("needs root for a second user: rights were NOT tested");
	if (access(DBUS_DAEMON, X_OK) < 0)
		skip_loudly("there is no " DBUS_DAEMON ": rights were NOT tested");
	store_world_set_up();
	cr_assert_geq(sd_event_new(&bus_world.event), 0);
	rights_world_start_bus();
	/* Without the bus's own id, which is another one after each start. */
	snprintf(place, sizeof(place), "unix:path=%s/bus", store_world.directory);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", place, true);
	bus_world_start_manager();
}

void rights_world_set_up(void)
{
	rights_world_set_up_bus();
	rights_world_connect(&bus_world.server, OX_BUS_NAME);
	cr_assert_eq(manager_bus_new(bus_world.server, bus_world.manager, &bus_world.object), 0);
	polkit_start();
}

void rights_world_tear_down(void)
{
	polkit_stop();
	manager_bus_free(bus_world.object);
	manager_free(bus_world.manager);
	sd_bus_flush_close_unref(bus_world.server);
	sd_event_unref(bus_world.event);
	rights_world_stop_bus();
	store_world_tear_down();
}

/* ---- clients ---- */

static int count_message(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	uint8_t type = 0;

	sd_bus_message_get_type(message, &type);
	if (type == SD_BUS_MESSAGE_METHOD_RETURN || type == SD_BUS_MESSAGE_METHOD_ERROR)
		(*(unsigned *)userdata)++;
	return 0;
}

/* Waits until the daemon has begun to work at all that was sent before. */
static void ping(sd_bus *bus)
{
	sd_bus_call_method(bus, OX_BUS_NAME, OX_BUS_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL,
			   NULL, "");
}

/* Makes the call, and then another one, whose reply comes behind every reply of the first. Writes
 * the reply of the first to out: "ok TEXT" or "NAME: WORDS", behind "twice " where two came. */
static void caller_call(sd_bus *bus, const struct caller *caller, sd_bus_message *message,
			FILE *out)
{
	const sd_bus_error *error;
	struct bus_world_reply reply = {0};
	unsigned n_stray = 0;
	char *text;

	sd_bus_add_filter(bus, NULL, count_message, &n_stray);
	sd_bus_message_set_allow_interactive_authorization(message, caller->interactive);
	if (sd_bus_call_async(bus, NULL, message, bus_world_on_reply, &reply, 0) < 0)
		_exit(1);
	if (caller->leaves) {
		ping(bus);
		_exit(0);
	}
	sd_bus_flush(bus);
	if (caller->stays) {
		fclose(out);
		for (;;)
			pause();
	}
	while (!reply.n)
		if (sd_bus_process(bus, NULL) == 0)
			sd_bus_wait(bus, UINT64_MAX);
	ping(bus);
	while (sd_bus_process(bus, NULL) > 0)
		;
	error = sd_bus_message_get_error(reply.message);
	text = error ? NULL : bus_world_text(reply.message);
	fprintf(out, "%s%s%s%s\n", reply.n + n_stray == 1 ? "" : "twice ",
		error ? error->name : "ok", error ? ": " : " ", error ? error->message : text);
}

static void caller_run(const struct caller *caller, int out, const char *member, const char *types,
		       va_list args)
{
	FILE *f = fdopen(out, "w");
	sd_bus *bus;

	if (caller->uid && setresuid(caller->uid, caller->uid, caller->uid) < 0)
		_exit(1);
	/* Behind the change of the uid, which would end it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dbus_connect(&bus, NULL);
	for (unsigned i = 0; i < (caller->times ?: 1); i++) {
		sd_bus_message *message;
		va_list copy;

		va_copy(copy, args);
		if (sd_bus_message_new_method_call(bus, &message, OX_BUS_NAME, OX_BUS_PATH,
						   OX_BUS_INTERFACE, member) < 0 ||
		    sd_bus_message_appendv(message, types, copy) < 0)
			_exit(1);
		va_end(copy);
		caller_call(bus, caller, message, f);
	}
	fclose(f);
	_exit(0);
}

struct transcript {
	char text[65536];
	size_t n;
	bool ended;
};

static int on_transcript(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct transcript *transcript = userdata;
	ssize_t n = read(fd, transcript->text + transcript->n,
			 sizeof(transcript->text) - 1 - transcript->n);

	if (n > 0)
		transcript->n += n;
	else
		transcript->ended = true;
	return 0;
}

const char *caller_told(const struct caller *caller, const char *member, const char *types, ...)
{
	static struct transcript transcript;
	sd_event_source *source = NULL;
	int ends[2], status;
	va_list args;
	pid_t pid;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	fflush(NULL);
	pid = fork();
	va_start(args, types);
	if (!pid)
		caller_run(caller, ends[1], member, types, args);
	va_end(args);
	close(ends[1]);
	memset(&transcript, 0, sizeof(transcript));
	cr_assert_geq(sd_event_add_io(bus_world.event, &source, ends[0], EPOLLIN, on_transcript,
				      &transcript),
		      0);
	while (!transcript.ended)
		cr_assert_geq(sd_event_run(bus_world.event, UINT64_MAX), 0);
	sd_event_source_disable_unref(source);
	close(ends[0]);
	if (!caller->stays) {
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert_eq(status, 0);
	}
	return transcript.text;
}

void assert_interval(uint32_t owner, uint64_t ns)
{
	cr_assert_eq(manager_interval_ns(bus_world.manager, owner), ns);
}

static int count_target(void *userdata, const struct manager_target_info *info)
{
	(*(unsigned *)userdata)++;
	return 0;
}

unsigned count_targets(void)
{
	const struct manager_scope all = {.owner = UINT32_MAX};
	unsigned n = 0;

	cr_assert_eq(manager_foreach_target(bus_world.manager, &all, count_target, &n), 0);
	return n;
}

void assert_begins(const char *text, const char *start)
{
	cr_assert_eq(strncmp(text, start, strlen(start)), 0, "%s", text);
}
