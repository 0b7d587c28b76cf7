/* SPDX-License-Identifier: MIT */
/*
 * The page's server: on loopback, for its user, root, and who became its user by sudo(8) or
 * pkexec(1); a thread and a connection to the bus for each connection, so that a pause need not
 * wait for a long response.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/web/guard.h"

enum web_event {
	WEB_EVENT_JOINED,     /* a client has come with an invitation */
	WEB_EVENT_USED_AGAIN, /* one has come with an invitation that was used before */
	WEB_EVENT_STRANGER,   /* another user's connection was closed; only the first is told */
	WEB_EVENT_BLIND, /* the kernel does not tell whose a connection is, so all may connect */
};
/* Is called from any thread, and before web_server_new() returns where the server is blind. */
typedef void (*web_event_fn)(void *userdata, enum web_event event);

struct web_settings {
	uint16_t port; /* 0: a free one */
	bool no_ask_password;
	web_event_fn on_event;
	void *userdata;
};

struct web_server;

/* Starts a server on 127.0.0.1, and on [::1] where there is IPv6; its threads have the caller's
 * signal mask. Returns 0 or a negative errno, such as -EADDRINUSE where the port is taken at one of
 * the addresses. */
int web_server_new(const struct web_settings *settings, struct web_server **ret);
/* Stops the server, which begins no more calls of the daemon, and frees it. Where a call of the
 * daemon takes longer than a second, frees nothing and leaves it to the end of the program to stop
 * the threads. */
struct web_server *web_server_free(struct web_server *server);

/* Returns a descriptor that is readable when web_server_shut_late() has something to do; the server
 * owns it. */
int web_server_get_fd(const struct web_server *server);
/* Ends the connections that have not sent their request in time. */
void web_server_shut_late(struct web_server *server);

uint16_t web_server_port(const struct web_server *server);
/* Makes an invitation as web_guard_invite(). */
int web_server_invite(struct web_server *server, char ret[static WEB_SECRET_BYTES]);
