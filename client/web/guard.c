/* SPDX-License-Identifier: MIT */
#include "client/web/guard.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/base/cleanup.h"

#define HOST_BYTES  sizeof("127.0.0.1:65535")
#define SECRET_BITS 128

struct web_guard {
	char hosts[3][HOST_BYTES];
	char cookie_name[sizeof("oxprof-65535")];
	char cookie[WEB_SECRET_BYTES];
	char token[WEB_SECRET_BYTES];

	pthread_mutex_t lock; /* protects the members below */
	char invitation[WEB_SECRET_BYTES];
	char used[WEB_SECRET_BYTES]; /* the last used one, so that its second use is recognized */
};

/* ---- secrets ---- */

/* Makes a secret of random bits. Returns 0, or the error of getrandom(2). */
static int make_secret(char ret[static WEB_SECRET_BYTES])
{
	unsigned char bytes[SECRET_BITS / 8];

	/* getrandom(2) delivers up to 256 bytes at once or none. */
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -errno;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* Compares in a time that does not depend on where the texts differ. Nothing equals an empty
 * secret; `given` may be NULL. */
static bool is_secret(const char *given, const char *secret)
{
	size_t length = strlen(secret);
	volatile unsigned char difference = 0;

	if (!given || length == 0 || strlen(given) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		difference |= (unsigned char)(given[i] ^ secret[i]);
	return difference == 0;
}

/* ---- the guard ---- */

int web_guard_new(uint16_t port, struct web_guard **ret)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
	_cleanup_free_ struct web_guard *guard = calloc(1, sizeof(*guard));
	int r;

	assert(port > 0);
	if (!guard)
		return -ENOMEM;
	for (size_t i = 0; i < array_length(names); i++)
		snprintf(guard->hosts[i], HOST_BYTES, "%s:%u", names[i], (unsigned int)port);
	snprintf(guard->cookie_name, sizeof(guard->cookie_name), "oxprof-%u", (unsigned int)port);
	r = make_secret(guard->cookie);
	if (r < 0)
		return r;
	r = make_secret(guard->token);
	if (r < 0)
		return r;
	pthread_mutex_init(&guard->lock, NULL);
	*ret = take_ptr(guard);
	return 0;
}

struct web_guard *web_guard_free(struct web_guard *guard)
{
	if (guard) {
		pthread_mutex_destroy(&guard->lock);
		free(guard);
	}
	return NULL;
}

/* True if the host is a name of this server. Any other name belongs to a site whose owner made it
 * point to this machine. */
static bool is_ours(const struct web_guard *guard, const char *host)
{
	for (size_t i = 0; host && i < array_length(guard->hosts); i++)
		if (strcasecmp(guard->hosts[i], host) == 0)
			return true;
	return false;
}

/* True if the origin names the host. The server has several names, but a page has only the one that
 * it was loaded from. */
static bool is_origin_of(const char *host, const char *origin)
{
	static const char scheme[] = "http://";

	return !strncmp(origin, scheme, strlen(scheme)) &&
	       !strcasecmp(origin + strlen(scheme), host);
}

/* True if the request comes from another site; sets *ret_why then. Browsers send the origin, other
 * clients do not. The site "none" stands for the user, who has typed the address. */
static bool is_foreign(const struct web_guard *guard, const struct web_head *head,
		       const char **ret_why)
{
	bool typed = head->method == WEB_GET && !strcmp(head->path, "/");

	if (!is_ours(guard, head->host))
		*ret_why = "the header Host does not name this server";
	else if (head->origin && !is_origin_of(head->host, head->origin))
		*ret_why = "the request comes from a page of another origin";
	else if (head->fetch_site && strcmp(head->fetch_site, "same-origin") != 0 &&
		 !(typed && !strcmp(head->fetch_site, "none")))
		*ret_why = "the request comes from another site";
	else if (head->method == WEB_POST && !head->origin)
		*ret_why = "a change needs the header Origin";
	else
		return false;
	return true;
}

/* True if the type is JSON, which the form of another page cannot have. */
static bool is_json(const char *type)
{
	static const char json[] = "application/json";
	size_t length = strlen(json);

	return type && !strncasecmp(type, json, length) && strchr("; ", type[length]);
}

static unsigned int check_secrets(const struct web_guard *guard, const struct web_head *head,
				  const char **ret_why)
{
	if (!is_secret(head->cookie, guard->cookie)) {
		*ret_why = "open the address that oxprofctl web has printed";
		return 401;
	}
	if (!is_secret(head->token, guard->token)) {
		*ret_why = "the header X-Oxprof-Token is not the page's";
		return 403;
	}
	return 0;
}

unsigned int web_guard_check(const struct web_guard *guard, const struct web_head *head,
			     const struct web_route **ret_route, const char **ret_why)
{
	const struct web_route *route;
	unsigned int status = 0;

	assert(head->path && *guard->cookie && *guard->token);
	route = web_route_find(head->path);
	if (is_foreign(guard, head, ret_why))
		return 403;
	if (!route) {
		*ret_why = "there is nothing at this path";
		return 404;
	}
	if (head->method != route->method) {
		*ret_why = route->method == WEB_POST ? "this path takes POST only"
						     : "this path takes GET only";
		return 405;
	}
	if (web_route_is_private(route))
		status = check_secrets(guard, head, ret_why);
	if (!status && route->method == WEB_POST && !is_json(head->type)) {
		*ret_why = "the body has to be application/json";
		status = 415;
	}
	if (!status)
		*ret_route = route;
	return status;
}

int web_guard_invite(struct web_guard *guard, char ret[static WEB_SECRET_BYTES])
{
	int r = make_secret(ret);

	if (r < 0)
		return r;
	pthread_mutex_lock(&guard->lock);
	memcpy(guard->invitation, ret, WEB_SECRET_BYTES);
	pthread_mutex_unlock(&guard->lock);
	return 0;
}

int web_guard_accept(struct web_guard *guard, const char *invitation)
{
	int r = -EACCES;

	pthread_mutex_lock(&guard->lock);
	if (is_secret(invitation, guard->invitation)) {
		memcpy(guard->used, guard->invitation, WEB_SECRET_BYTES);
		guard->invitation[0] = '\0';
		r = 0;
	} else if (is_secret(invitation, guard->used)) {
		r = -EALREADY;
	}
	pthread_mutex_unlock(&guard->lock);
	return r;
}

const char *web_guard_cookie_name(const struct web_guard *guard)
{
	return guard->cookie_name;
}

const char *web_guard_cookie(const struct web_guard *guard)
{
	return guard->cookie;
}

const char *web_guard_token(const struct web_guard *guard)
{
	return guard->token;
}
