/* SPDX-License-Identifier: MIT */
/*
 * The manager on a bus of the test's own, with a polkit of the test's own: these two live in this
 * process, the clients are other processes with another uid. Needs root for that alone.
 */
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/support/bus_world.h"
#include "tests/support/skip.h"

#define NOBODY      65534
#define SOMEBODY    1 /* known to the system, as the bus wants it */
#define DBUS_DAEMON "/usr/bin/dbus-daemon"
#define DENIED      OX_ERROR_NOT_PERMITTED
#define POLKIT      "org.freedesktop.PolicyKit1"

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

static inline void dbus_run(const char *config, int news)
{
	char print[32];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Whose limits it cannot raise it complains about. */
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	fcntl(news, F_SETFD, 0);
	snprintf(print, sizeof(print), "--print-address=%d", news);
	execl(DBUS_DAEMON, DBUS_DAEMON, "--nofork", "--nosyslog", config, print, NULL);
	_exit(1);
}

static inline void dbus_start(void)
{
	char config[400];
	ssize_t n;
	FILE *f;
	int ends[2];

	chmod(directory, 0755);
	snprintf(config, sizeof(config), "--config-file=%s/dbus.conf", directory);
	f = fopen(config + strlen("--config-file="), "we");
	cr_assert_not_null(f);
	fprintf(f, dbus_config, directory);
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

static inline void dbus_connect(sd_bus **bus, const char *name)
{
	cr_assert_geq(sd_bus_new(bus), 0);
	cr_assert_geq(sd_bus_set_address(*bus, address), 0);
	cr_assert_geq(sd_bus_set_bus_client(*bus, true), 0);
	cr_assert_geq(sd_bus_start(*bus), 0);
	if (name)
		cr_assert_geq(sd_bus_request_name(*bus, name, 0), 0);
}

/* ---- polkit ---- */

enum verdict {
	VERDICT_YES,
	VERDICT_NO,
	VERDICT_CHALLENGE,
	VERDICT_LATER, /* yes, when the caller is gone */
};

static struct {
	sd_bus *bus;
	enum verdict verdict;
	enum verdict of_kernel; /* for the action that is only ever asked about on the side */
	unsigned n_asked;       /* not counting that */
	char action[64];
	char subject[64];
	uint32_t flags;
	sd_bus_message *held;
} polkit;

static inline void polkit_answer(sd_bus_message *call, enum verdict verdict)
{
	cr_assert_geq(sd_bus_reply_method_return(call, "(bba{ss})", verdict == VERDICT_YES,
						 verdict == VERDICT_CHALLENGE, 0),
		      0);
}

static inline int on_check(sd_bus_message *call, void *userdata, sd_bus_error *error)
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

static inline void polkit_start(void)
{
	dbus_connect(&polkit.bus, POLKIT);
	cr_assert_geq(sd_bus_add_object(polkit.bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
					on_check, NULL),
		      0);
	cr_assert_geq(sd_bus_attach_event(polkit.bus, event, 0), 0);
	polkit.of_kernel = VERDICT_NO;
}

static inline void polkit_stop(void)
{
	sd_bus_message_unref(polkit.held);
	sd_bus_flush_close_unref(polkit.bus);
	polkit.bus = NULL;
}

/* ---- the daemon's side ---- */

static inline void set_up_rights(void)
{
	if (geteuid() != 0)
		skip_loudly("needs root for a second user: rights were NOT tested");
	if (access(DBUS_DAEMON, X_OK) < 0)
		skip_loudly("there is no " DBUS_DAEMON ": rights were NOT tested");
	set_up();
	cr_assert_geq(sd_event_new(&event), 0);
	dbus_start();
	dbus_connect(&server, OX_BUS_NAME);
	cr_assert_geq(sd_bus_attach_event(server, event, 0), 0);
	manager_start();
	cr_assert_eq(manager_bus_new(server, manager, &bus_object), 0);
	polkit_start();
}

static inline void tear_down_rights(void)
{
	polkit_stop();
	manager_bus_free(bus_object);
	manager_free(manager);
	sd_bus_flush_close_unref(server);
	sd_event_unref(event);
	kill(dbus, SIGKILL);
	waitpid(dbus, NULL, 0);
	tear_down();
}

/* ---- clients ---- */

struct caller {
	uint32_t uid;
	bool interactive;
	bool leaves;    /* at once, without waiting for the answer */
	unsigned times; /* 0: once */
};

static inline int count_message(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
	uint8_t type = 0;

	sd_bus_message_get_type(message, &type);
	if (type == SD_BUS_MESSAGE_METHOD_RETURN || type == SD_BUS_MESSAGE_METHOD_ERROR)
		(*(unsigned *)userdata)++;
	return 0;
}

/* One call, and then another of which the answer comes behind all that the first one had. What
 * came in for the first: "ok TEXT", "NAME: WORDS", with "twice " in front where that is so. */
static inline void caller_call(sd_bus *bus, const struct caller *caller, sd_bus_message *message,
			       FILE *out)
{
	const sd_bus_error *error;
	struct reply reply = {0};
	unsigned n_stray = 0;
	char *text;

	sd_bus_add_filter(bus, NULL, count_message, &n_stray);
	sd_bus_message_set_allow_interactive_authorization(message, caller->interactive);
	if (sd_bus_call_async(bus, NULL, message, on_reply, &reply, 0) < 0)
		_exit(1);
	sd_bus_flush(bus);
	if (caller->leaves)
		_exit(0);
	while (!reply.n)
		if (sd_bus_process(bus, NULL) == 0)
			sd_bus_wait(bus, UINT64_MAX);
	sd_bus_call_method(bus, OX_BUS_NAME, OX_BUS_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL,
			   NULL, "");
	while (sd_bus_process(bus, NULL) > 0)
		;
	error = sd_bus_message_get_error(reply.message);
	text = error ? NULL : message_text(reply.message);
	fprintf(out, "%s%s%s%s\n", reply.n + n_stray == 1 ? "" : "twice ",
		error ? error->name : "ok", error ? ": " : " ", error ? error->message : text);
}

static inline void caller_run(const struct caller *caller, int out, const char *member,
			      const char *types, va_list args)
{
	FILE *f = fdopen(out, "w");
	sd_bus *bus;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (caller->uid && setresuid(caller->uid, caller->uid, caller->uid) < 0)
		_exit(1);
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

static inline int on_transcript(sd_event_source *source, int fd, uint32_t events, void *userdata)
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

/* What the caller was told; borrowed until the next one. */
static inline const char *told(const struct caller *caller, const char *member, const char *types,
			       ...)
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
	cr_assert_geq(sd_event_add_io(event, &source, ends[0], EPOLLIN, on_transcript, &transcript),
		      0);
	while (!transcript.ended)
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
	sd_event_source_disable_unref(source);
	close(ends[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	return transcript.text;
}

static const struct caller nobody = {.uid = NOBODY};
static const struct caller asked = {.uid = NOBODY, .interactive = true};
static const struct caller root = {0};

#define SET_INTERVAL "SetInterval", "d", 0.002

static inline void assert_interval(uint64_t ns)
{
	cr_assert_eq(manager_interval_ns(manager), ns);
}

static inline void assert_begins(const char *text, const char *start)
{
	cr_assert_eq(strncmp(text, start, strlen(start)), 0, "%s", text);
}
