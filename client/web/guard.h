/* SPDX-License-Identifier: MIT */
/*
 * Decides by its head alone whether a request is allowed, before anything is done for it.
 *
 * Everybody on this machine can connect to loopback, and every page in the user's browser can make
 * it send requests here. So a request that reads or changes anything needs two secrets: one in a
 * cookie, which no script can read, and one in a header, which only a page of this very origin can
 * set. (A cookie is not bound to a port, so the browser may send it to another user's server on
 * another port of this address; that server lacks the header.) A client gets both secrets for an
 * invitation, which works once.
 */
#pragma once

#include "client/web/route.h"

#define WEB_SECRET_BYTES 33 /* of text: 128 random bits as lower-case hex */

/* The head of a request; a header that is missing is NULL. */
struct web_head {
	enum web_method method;
	const char *path;
	const char *host;
	const char *origin;
	const char *fetch_site; /* Sec-Fetch-Site */
	const char *type;       /* Content-Type */
	const char *cookie;     /* the value of the cookie web_guard_cookie_name() */
	const char *token;      /* X-Oxprof-Token */
};

struct web_guard;

/* Creates a guard with new secrets for a server at that port. Returns 0, -ENOMEM, or the error of
 * getrandom(2). */
int web_guard_new(uint16_t port, struct web_guard **ret);
struct web_guard *web_guard_free(struct web_guard *guard);

/* Judges the head of a request. Returns 0 and *ret_route where it is allowed; otherwise the status
 * of HTTP for the refusal and *ret_why, one line for people. */
unsigned int web_guard_check(const struct web_guard *guard, const struct web_head *head,
			     const struct web_route **ret_route, const char **ret_why);

/* Makes an invitation; an earlier one that nobody has used becomes void. Returns 0, or the error of
 * getrandom(2). */
int web_guard_invite(struct web_guard *guard, char ret[static WEB_SECRET_BYTES]);
/* Uses an invitation up; any thread may call this. Returns 0, -EALREADY where it was used before,
 * or -EACCES where it is no invitation. */
int web_guard_accept(struct web_guard *guard, const char *invitation);

/* The secrets that a client gets for an invitation; the guard owns them. */

const char *web_guard_cookie_name(const struct web_guard *guard);
const char *web_guard_cookie(const struct web_guard *guard);
const char *web_guard_token(const struct web_guard *guard);
