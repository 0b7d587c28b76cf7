/* SPDX-License-Identifier: MIT */
/*
 * The page's server: loopback only, a thread and a connection to the bus for each connection, so
 * that a pause need not wait for a long response.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/web/guard.h"

enum web_event { WEB_EVENT_JOINED, WEB_EVENT_USED_AGAIN };
/* Is called from any thread when a client comes with an invitation, also a used one. */
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

uint16_t web_server_port(const struct web_server *server);
/* Makes an invitation as web_guard_invite(). */
int web_server_invite(struct web_server *server, char ret[static WEB_SECRET_BYTES]);
