/* SPDX-License-Identifier: MIT */
/*
 * Who may: the decision about each request, made of its head alone, before anything is done.
 *
 * Everybody on this machine can connect to loopback, and every page in the user's browser can make
 * it send requests here. So what tells or changes anything needs two secrets: one in a cookie,
 * which no script can read, and one in a header, which only a page of this very origin can set.
 * (Cookies do not know ports: a server of somebody else on another port of this address may be
 * sent ours. It lacks the header.) Both are given for an invitation, which works once.
 */
#pragma once

#include "client/web/route.h"

#define WEB_SECRET_BYTES 33 /* of text: 128 random bits as lower-case hex */

/* Of a request; NULL: it has no such header. */
struct web_head {
	enum web_method method;
	const char *path;
	const char *host;
	const char *origin;
	const char *fetch_site; /* Sec-Fetch-Site */
	const char *type;       /* Content-Type */
	const char *cookie;     /* the value of that named web_guard_cookie_name() */
	const char *token;      /* X-Oxprof-Token */
};

struct web_guard;

/* 0, -ENOMEM, or the error of getrandom(2). */
int web_guard_new(uint16_t port, struct web_guard **ret);
struct web_guard *web_guard_free(struct web_guard *guard);

/* 0 and *ret_route, or the status of HTTP with which to refuse and *ret_why, a line for people. */
unsigned int web_guard_check(const struct web_guard *guard, const struct web_head *head,
			     const struct web_route **ret_route, const char **ret_why);

/* An invitation; the one before it, if nobody used it, is void. 0, or the error of getrandom(2).
 */
int web_guard_invite(struct web_guard *guard, char ret[static WEB_SECRET_BYTES]);
/* 0: now it is used. -EALREADY: it was used before; -EACCES: it is none. For any thread. */
int web_guard_accept(struct web_guard *guard, const char *invitation);

/* What is given for it. */
const char *web_guard_cookie_name(const struct web_guard *guard);
const char *web_guard_cookie(const struct web_guard *guard);
const char *web_guard_token(const struct web_guard *guard);
