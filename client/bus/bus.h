/* SPDX-License-Identifier: MIT */
/*
 * org.oxprof1.Manager (daemon/base/api.h) as functions, one for each method; with client/bus/ all
 * of the client that knows sd-bus. A call returns 0 or a negative errno and then keeps what the
 * other side said.
 */
#pragma once

#include "client/args/request.h"
#include "client/base/json_tree.h"

struct bus;

/* What the hits of an export are told apart by; see api.h. */
struct export_options {
	bool stacks;
	bool tasks;
	bool slots;
	uint64_t step_usec; /* of the slots; 0: one window of the history */
};

int bus_open(struct bus **ret);
/* Without dbus-daemon in between, for root where oxprofd runs; else a negative errno, and the way
 * is bus_open(). Of one run of oxprofd: who stays longer takes the bus. */
int bus_open_direct(struct bus **ret);
/* One end of a socketpair with the service at the other. Takes the descriptor. */
int bus_open_peer(int fd, struct bus **ret);
struct bus *bus_close(struct bus *bus);
/* sd-bus's own, borrowed; for the other files of the bus. */
struct sd_bus *bus_connection(struct bus *bus);

/* Lets polkit ask the user for a password during the calls that follow. */
void bus_allow_questions(struct bus *bus);
void bus_forbid_questions(struct bus *bus);
/* Makes the calls that follow fail where oxprofd does not run, instead of starting it. */
void bus_forbid_start(struct bus *bus);
/* How long an answer may take, where nobody is asked and no work is done; 90 s unless this is
 * called. */
void bus_set_timeout(struct bus *bus, uint64_t usec);

/* Of the last call that failed; borrowed until the next call. The name is NULL where there was no
 * reply at all: then the errno of the call says all that is known. */
const char *bus_get_error(const struct bus *bus);
const char *bus_get_error_text(const struct bus *bus);
/* It failed only because nobody could be asked. */
bool bus_needs_questions(const struct bus *bus);

/* Waits as long as the daemon says that it is loading. */
int bus_unpause(struct bus *bus, const struct request *request);
/* Called about once a second while bus_unpause() waits for the kernel: `kernel` is "loading" or
 * "opening" (api.h), for so long. NULL: nobody. */
typedef void (*bus_waiting_fn)(void *userdata, const char *kernel, uint64_t loading_usec);
void bus_on_waiting(struct bus *bus, bus_waiting_fn fn, void *userdata);
int bus_pause(struct bus *bus, const struct request *request);
int bus_cancel(struct bus *bus);
int bus_set_interval(struct bus *bus, uint64_t interval_ns);

/* The trees have every field that api.h names; unknown ones are null. The caller
 * owns them. Query: the object of oxprofctl(1). History: {"sessions":[...]}. Status: the fields of
 * GetStatus and "targets":[...]. */
int bus_query(struct bus *bus, const struct request *request, struct json_object **ret);
/* The stream of daemon/base/export.proto (client/profile/stream.h reads it): of the request's
 * window, targets, filter, kind and focus. The descriptor is the caller's. */
int bus_export(struct bus *bus, const struct request *request, const struct export_options *options,
	       int *ret_fd);
int bus_get_history(struct bus *bus, const struct request *request, struct json_object **ret);
int bus_get_status(struct bus *bus, struct json_object **ret);
/* {"named":N,"unnamed":N,"files":[...]}; may take an hour. */
int bus_resymbolize(struct bus *bus, struct json_object **ret);
