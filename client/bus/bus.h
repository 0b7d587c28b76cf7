/* SPDX-License-Identifier: MIT */
/*
 * org.oxprof1.Manager (daemon/base/api.h) as functions, one for each method. This folder alone
 * knows sd-bus. A call returns 0, or a negative errno and keeps the error of the reply.
 */
#pragma once

#include "client/args/request.h"
#include "client/base/json_tree.h"

struct bus;

/* The dimensions by which hits of an export are told apart; see api.h. */
struct bus_export_options {
	bool stacks;
	bool tasks;
	bool slots;
	uint64_t step_usec; /* of the slots; 0: one window of the history */
};

/* Connects to the system bus. */
int bus_open(struct bus **ret);
/* Connects without dbus-daemon in between, which works for root and while oxprofd runs; else
 * returns a negative errno: use bus_open() then. The connection ends with oxprofd, so a program
 * that is to outlive it uses bus_open() as well. */
int bus_open_direct(struct bus **ret);
/* Connects over a socket to the service at its other end. Takes the descriptor. */
int bus_open_peer(int fd, struct bus **ret);
struct bus *bus_close(struct bus *bus);
/* Returns the connection of sd-bus, borrowed; for the other files of this folder. */
struct sd_bus *bus_connection(struct bus *bus);

/* Lets polkit ask the user for a password during the calls that follow. */
void bus_allow_questions(struct bus *bus);
void bus_forbid_questions(struct bus *bus);
/* Makes the calls that follow fail where oxprofd does not run, instead of starting it. */
void bus_forbid_start(struct bus *bus);
/* Sets how long an answer may take, 90 s by default. Calls that ask for a password or that do long
 * work have limits of their own. */
void bus_set_timeout(struct bus *bus, uint64_t usec);

/* Returns name and text of the error of the last call that failed, borrowed until the next call;
 * NULL where there was no reply: then only the errno of the call is known. */
const char *bus_get_error(const struct bus *bus);
const char *bus_get_error_text(const struct bus *bus);
/* True if the last call failed only because no password could be asked for. */
bool bus_needs_questions(const struct bus *bus);

/* Begins to sample. Waits as long as the daemon says that it is loading. */
int bus_unpause(struct bus *bus, const struct request *request);
/* Called about once a second while bus_unpause() waits for the kernel. `kernel` is "loading" or
 * "opening" (api.h), and loading_usec for how long so far. */
typedef void (*bus_waiting_fn)(void *userdata, const char *kernel, uint64_t loading_usec);
/* Sets the function; NULL: none. */
void bus_on_waiting(struct bus *bus, bus_waiting_fn fn, void *userdata);
/* Pauses the targets of the user's own sessions, of the one that the request names, or of
 * everybody's; likewise the two below. */
int bus_pause(struct bus *bus, const struct request *request);
int bus_cancel(struct bus *bus, const struct request *request);
int bus_set_interval(struct bus *bus, const struct request *request);

/* ---- answers ---- */

/* The trees have every field that api.h names, null where it is not known. The caller owns them. */

/* Gives the object of `oxprofctl query --json` (oxprofctl(1)). */
int bus_query(struct bus *bus, const struct request *request, struct json_object **ret);
/* Gives the stream of daemon/base/export.proto for the request's window, targets, filter, kind and
 * focus; client/profile/stream.h reads it. The caller owns the descriptor. */
int bus_export(struct bus *bus, const struct request *request,
	       const struct bus_export_options *options, int *ret_fd);
/* Gives {"sessions":[...]}, of the user's own sessions, the one that the request names, or
 * everybody's. */
int bus_get_history(struct bus *bus, const struct request *request, struct json_object **ret);
/* Gives the same for the time of the request, of all sessions that the user may see without a
 * password. */
int bus_get_visible_history(struct bus *bus, const struct request *request,
			    struct json_object **ret);
/* Gives the fields of GetStatus and "targets":[...]. request: whose sessions, as above; NULL: the
 * user's own. */
int bus_get_status(struct bus *bus, const struct request *request, struct json_object **ret);
/* Gives {"named":N,"unnamed":N,"files":[...]}; may take an hour. */
int bus_resymbolize(struct bus *bus, struct json_object **ret);
