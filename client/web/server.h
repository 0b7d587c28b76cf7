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
/* From any thread: somebody came with an invitation, or with one that was used before. */
typedef void (*web_event_fn)(void *userdata, enum web_event event);

struct web_settings {
	uint16_t port; /* 0: a free one */
	bool no_ask_password;
	web_event_fn on_event;
	void *userdata;
};

struct web_server;

/* Serves from then on, in threads that have the caller's signal mask; on [::1] too where there is
 * IPv6. 0 or a negative errno: -EADDRINUSE at one of them, ... */
int web_server_new(const struct web_settings *settings, struct web_server **ret);
/* Begins no more calls of the daemon and ends what goes on, except for calls of the daemon that
 * take longer than a second: then nothing is freed, and the end of the program ends them. */
struct web_server *web_server_free(struct web_server *server);

uint16_t web_server_port(const struct web_server *server);
/* As web_guard_invite(). */
int web_server_invite(struct web_server *server, char ret[static WEB_SECRET_BYTES]);
