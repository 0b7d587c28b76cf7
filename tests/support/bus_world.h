/* SPDX-License-Identifier: MIT */
/*
 * The manager on a bus that is a socketpair, with a client at its other end, all in one event loop.
 * Both ends are one user, so every call passes the gate of rights. Its database is that of
 * store_world.h.
 */
#pragma once

#include <stdarg.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "daemon/bus/manager_bus.h"
#include "tests/support/store_world.h"

extern struct bus_world {
	sd_event *event;
	struct manager *manager;
	struct manager_bus *object;
	sd_bus *server, *client;
	const char *deputy; /* set before the start: the socket of oxprof-deputy; NULL: nobody's */
} bus_world;

/* ---- both ends ---- */

/* Starts the daemon and the client. `fill`: what the daemon finds in its database; NULL: there is
 * none yet. */
void bus_world_start_with(void (*fill)(void));

/* Starts the daemon and the client without a database. */
void bus_world_start(void);

/* Starts the manager alone, in an event loop that is there. */
void bus_world_start_manager(void);

/* Ends and frees all of it. */
void bus_world_stop(void);

/* ---- calls ---- */

struct bus_world_reply {
	sd_bus_message *message;
	unsigned n;
};

/* Keeps a reply in userdata, a struct bus_world_reply, and counts it. */
int bus_world_on_reply(sd_bus_message *message, void *userdata, sd_bus_error *error);

/* Calls and waits for the reply, which may be an error; the caller frees it. */
sd_bus_message *bus_world_callv(const char *interface, const char *member, const char *types,
				va_list args);

/* Calls the interface of oxprofd and waits for the reply, which may be an error; the caller frees
 * it. */
sd_bus_message *bus_world_call(const char *member, const char *types, ...);

/* Returns what a call that must go well answers, as text; the caller frees it. */
char *bus_world_answer(const char *member, const char *types, ...);

/* ---- messages ---- */

/* Returns a message as text: {key=type:value,...} for dictionaries, [..] for arrays. The caller
 * frees it. */
char *bus_world_text(sd_bus_message *message);

/* Returns a reply, which must be no error, as text for the caller to free, and frees the reply. */
char *bus_world_text_of(sd_bus_message *reply);

/* Returns the descriptor of a reply that is one, and frees the reply; the caller closes it. */
int bus_world_fd_of(sd_bus_message *reply);

/* ---- what is expected ---- */

/* Expects that text of a property. */
void assert_property(const char *name, const char *expected);

/* Expects that a call fails: with this name, and with these words in its text. */
void assert_error(const char *name, const char *words, const char *member, const char *types, ...);

/* Expects a part in a text. */
void assert_has(const char *text, const char *part);

/* Expects that it is not there. */
void assert_has_not(const char *text, const char *part);
