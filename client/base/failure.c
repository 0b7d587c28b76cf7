/* SPDX-License-Identifier: MIT */
#include "client/base/failure.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "client/base/text.h"
#include "daemon/base/cleanup.h"

#define DBUS(name)  "org.freedesktop.DBus.Error." name
#define UNREACHABLE "cannot reach oxprofd on the system bus: "
#define RESTART     "; restart it with: systemctl restart oxprofd"
#define START       "; start it with: systemctl start oxprofd"
#define LOOK        "; look at: journalctl -u oxprofd"

/* The explanations of bus errors, around the text of the error or in its place. */
static const struct saying {
	const char *name; /* a name that ends in a dot stands for all that begin with it */
	const char *before;
	const char *text; /* NULL: the text of the error */
	const char *after;
} sayings[] = {
	{DBUS("ServiceUnknown"), UNREACHABLE, "it is not running", START},
	{DBUS("NameHasNoOwner"), UNREACHABLE, "it is not running", START},
	{DBUS("Spawn."), "oxprofd could not be started: ", NULL, LOOK},
	{DBUS("TimedOut"), "oxprofd could not be started: ", NULL, LOOK},
	{"org.freedesktop.systemd1.NoSuchUnit", UNREACHABLE, "it is not running", START},
	{"org.freedesktop.systemd1.", "oxprofd could not be started: ", NULL, LOOK},
	{DBUS("NoReply"), "oxprofd did not answer: ", NULL, LOOK},
	{DBUS("Timeout"), "oxprofd did not answer: ", NULL, LOOK},
	{DBUS("Disconnected"), "the system bus closed the connection: ", NULL, LOOK},
	{DBUS("UnknownMethod"), "oxprofd is of another version than oxprofctl: ", NULL, RESTART},
};

static bool is_named(const char *name, const char *pattern)
{
	size_t length = strlen(pattern);

	assert(length > 0);
	return pattern[length - 1] == '.' ? strncmp(name, pattern, length) == 0
					  : strcmp(name, pattern) == 0;
}

static const struct saying *find_saying(const char *name)
{
	static const struct saying as_it_is = {NULL, "", NULL, ""};

	for (size_t i = 0; name && i < array_length(sayings); i++)
		if (is_named(name, sayings[i].name))
			return &sayings[i];
	return &as_it_is;
}

static const char *explain(int error)
{
	switch (error) {
	case -EINPROGRESS:
		return "a password is being asked for already, on the terminal or the desktop; "
		       "answer that first";
	case -EBADMSG:
		return "the answer of oxprofd cannot be read; it may be of another version" RESTART;
	case -ENOTCONN:
	case -ECONNRESET:
		return "the connection to the system bus was lost" LOOK;
	default:
		return strerror(-error);
	}
}

char *failure_describe(const char *verb, const char *name, const char *text, int error)
{
	const char *rejected = error == -EKEYREJECTED ? "no password was accepted; " : "";
	const struct saying *saying = find_saying(name);
	char *line;

	assert(error < 0);
	/* Two errors say nothing about the cause: sd-bus makes errors named System.Error. of its
	 * own errnos, and with -EINPROGRESS the error is that of the first refusal, not of the
	 * question for a password that another thread waits for. */
	if (error == -EINPROGRESS || (name && is_named(name, "System.Error.")))
		name = text = NULL;
	if (saying->text)
		text = saying->text;
	else if (!text || !*text)
		text = name ? name : explain(error);
	return asprintf(&line, "%s: %s%s%s%s", verb, rejected, saying->before, text,
			saying->after) < 0
		       ? NULL
		       : line;
}

char *failure_describe_bus(const char *verb, int error)
{
	char *line;

	assert(error < 0);
	return asprintf(&line, "%s: cannot reach the system bus: %s; look at: oxprofctl doctor",
			verb, strerror(-error)) < 0
		       ? NULL
		       : line;
}

void failure_print(const char *line, FILE *out)
{
	_cleanup_free_ char *clean = line ? text_clean_copy(line) : NULL;

	fprintf(out, "oxprofctl: %s\n", clean ?: "out of memory");
}
