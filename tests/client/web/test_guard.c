/* SPDX-License-Identifier: MIT */
/* The guard refuses foreign pages, foreign names of this machine, and clients without a secret. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "client/web/guard.h"
#include "daemon/base/cleanup.h"

#define PORT 4711
#define HOST "127.0.0.1:4711"

define_cleanup(struct web_guard *, web_guard_free);
#define _cleanup_guard_ _cleanup_(web_guard_free_p)

static struct web_guard *make_guard(void)
{
	struct web_guard *guard;

	cr_assert_eq(web_guard_new(PORT, &guard), 0);
	return guard;
}

/* Makes the head that our own page sends to this path. */
static struct web_head good_head(const struct web_guard *guard, enum web_method method,
				 const char *path)
{
	return (struct web_head){
		.method = method,
		.path = path,
		.host = HOST,
		.origin = method == WEB_POST ? "http://" HOST : NULL,
		.fetch_site = "same-origin",
		.type = method == WEB_POST ? "application/json" : NULL,
		.cookie = web_guard_cookie(guard),
		.token = web_guard_token(guard),
	};
}

static unsigned int check(const struct web_guard *guard, const struct web_head *head)
{
	const struct web_route *route = NULL;
	const char *why = NULL;
	unsigned int status = web_guard_check(guard, head, &route, &why);

	if (status == 0)
		cr_assert(route && !strcmp(route->path, head->path));
	else
		cr_assert(!route && why && *why, "%s: %u", head->path, status);
	return status;
}

Test(web_guard, a_page_of_ours_may)
{
	static const struct {
		enum web_method method;
		const char *path;
	} good[] = {
		{WEB_GET, "/"},
		{WEB_GET, "/web.js"},
		{WEB_POST, "/login"},
		{WEB_GET, "/api/status"},
		{WEB_GET, "/api/functions"},
		{WEB_GET, "/api/history"},
		{WEB_GET, "/api/timeline"},
		{WEB_GET, "/api/flame"},
		{WEB_GET, "/api/flame.html"},
		{WEB_POST, "/api/pause"},
		{WEB_POST, "/api/unpause"},
		{WEB_POST, "/api/set-interval"},
	};
	_cleanup_guard_ struct web_guard *guard = make_guard();

	for (size_t i = 0; i < array_length(good); i++) {
		struct web_head head = good_head(guard, good[i].method, good[i].path);

		cr_assert_eq(check(guard, &head), 0, "%s", good[i].path);
	}
}

/* A program such as curl sends fewer headers than a browser. */
Test(web_guard, what_no_browser_says_is_not_needed)
{
	_cleanup_guard_ struct web_guard *guard = make_guard();
	struct web_head get = good_head(guard, WEB_GET, "/api/status");
	struct web_head post = good_head(guard, WEB_POST, "/api/pause");

	get.fetch_site = post.fetch_site = NULL;
	cr_assert_eq(check(guard, &get), 0);
	cr_assert_eq(check(guard, &post), 0);
	post.type = "application/json; charset=utf-8";
	cr_assert_eq(check(guard, &post), 0);
}

Test(web_guard, only_names_of_this_machine_and_this_port)
{
	static const struct {
		const char *host;
		unsigned int status;
	} hosts[] = {
		{"127.0.0.1:4711", 0},
		{"localhost:4711", 0},
		{"LOCALHOST:4711", 0},
		{"[::1]:4711", 0},
		{NULL, 403},
		{"", 403},
		{"127.0.0.1", 403},
		{"localhost", 403},
		{"127.0.0.1:4712", 403},
		{"127.0.0.1:47110", 403},
		{"127.0.0.1:471", 403},
		{"127.0.0.2:4711", 403},
		{"::1:4711", 403},
		{"0.0.0.0:4711", 403},
		{"evil.example:4711", 403},
		{"127.0.0.1:4711.evil.example", 403},
		{"localhost.evil.example:4711", 403},
		{"evil.example@127.0.0.1:4711", 403},
		{" 127.0.0.1:4711", 403},
	};
	_cleanup_guard_ struct web_guard *guard = make_guard();

	for (size_t i = 0; i < array_length(hosts); i++) {
		const char *const paths[] = {"/", "/web.js", "/api/status", "/nothing"};

		for (size_t j = 0; j < array_length(paths); j++) {
			struct web_head head = good_head(guard, WEB_GET, paths[j]);
			unsigned int status = hosts[i].status ?: j == 3 ? 404 : 0;

			head.host = hosts[i].host;
			cr_assert_eq(check(guard, &head), status, "%s of %s", paths[j],
				     hosts[i].host ?: "nobody");
		}
	}
}

Test(web_guard, foreign_origins_are_refused)
{
	static const struct {
		const char *origin;
		unsigned int get, post;
	} origins[] = {
		{"http://127.0.0.1:4711", 0, 0},
		{"HTTP://127.0.0.1:4711", 403, 403},
		/* Another name of this machine is another origin. */
		{"http://localhost:4711", 403, 403},
		{"http://[::1]:4711", 403, 403},
		{NULL, 0, 403}, /* a browser always sends an origin with POST */
		{"", 403, 403},
		{"null", 403, 403}, /* a file, a frame in a sandbox */
		{"https://127.0.0.1:4711", 403, 403},
		{"http://127.0.0.1", 403, 403},
		{"http://127.0.0.1:4712", 403, 403},
		{"http://127.0.0.1:4711/", 403, 403},
		{"http://127.0.0.1:4711.evil.example", 403, 403},
		{"http://evil.example", 403, 403},
		{"127.0.0.1:4711", 403, 403},
	};
	_cleanup_guard_ struct web_guard *guard = make_guard();

	for (size_t i = 0; i < array_length(origins); i++) {
		struct web_head get = good_head(guard, WEB_GET, "/api/status");
		struct web_head post = good_head(guard, WEB_POST, "/api/unpause");
		struct web_head login = good_head(guard, WEB_POST, "/login");

		get.origin = post.origin = login.origin = origins[i].origin;
		cr_assert_eq(check(guard, &get), origins[i].get, "GET %zu", i);
		cr_assert_eq(check(guard, &post), origins[i].post, "POST %zu", i);
		cr_assert_eq(check(guard, &login), origins[i].post, "login %zu", i);
	}
}

Test(web_guard, each_name_has_its_origin)
{
	static const char *const origins[] = {"http://127.0.0.1:4711", "http://localhost:4711",
					      "http://[::1]:4711"};
	_cleanup_guard_ struct web_guard *guard = make_guard();

	for (size_t i = 0; i < array_length(origins); i++) {
		for (size_t j = 0; j < array_length(origins); j++) {
			struct web_head head = good_head(guard, WEB_POST, "/api/pause");

			head.host = origins[i] + strlen("http://");
			head.origin = origins[j];
			cr_assert_eq(check(guard, &head), i == j ? 0 : 403, "%s from %s", head.host,
				     head.origin);
		}
	}
}

Test(web_guard, other_sites_are_refused)
{
	static const struct {
		const char *site;
		unsigned int page, rest;
	} sites[] = {
		{"same-origin", 0, 0},    {"none", 0, 403}, {"same-site", 403, 403},
		{"cross-site", 403, 403}, {"", 403, 403},   {"SAME-ORIGIN", 403, 403},
	};
	_cleanup_guard_ struct web_guard *guard = make_guard();

	for (size_t i = 0; i < array_length(sites); i++) {
		struct web_head page = good_head(guard, WEB_GET, "/");
		struct web_head get = good_head(guard, WEB_GET, "/api/flame");
		struct web_head post = good_head(guard, WEB_POST, "/api/pause");

		page.fetch_site = get.fetch_site = post.fetch_site = sites[i].site;
		cr_assert_eq(check(guard, &page), sites[i].page, "%s", sites[i].site);
		cr_assert_eq(check(guard, &get), sites[i].rest, "%s", sites[i].site);
		cr_assert_eq(check(guard, &post), sites[i].rest, "%s", sites[i].site);
	}
}

/* Wrong secrets are refused also where they have the right length or a part of the right text. */
Test(web_guard, both_secrets_are_needed)
{
	_cleanup_guard_ struct web_guard *guard = make_guard();
	const char *cookie = web_guard_cookie(guard), *token = web_guard_token(guard);
	char part[WEB_SECRET_BYTES], longer[WEB_SECRET_BYTES + 1];
	const char *const wrong[] = {NULL, "", "00000000000000000000000000000000", part, longer};

	for (size_t i = 0; i < array_length(wrong); i++) {
		struct web_head get = good_head(guard, WEB_GET, "/api/status");
		struct web_head post = good_head(guard, WEB_POST, "/api/unpause");

		snprintf(part, sizeof(part), "%.31s", cookie);
		snprintf(longer, sizeof(longer), "%s0", cookie);
		get.cookie = post.cookie = wrong[i];
		cr_assert_eq(check(guard, &get), 401);
		cr_assert_eq(check(guard, &post), 401);
		snprintf(part, sizeof(part), "%.31s", token);
		snprintf(longer, sizeof(longer), "%s0", token);
		get.cookie = post.cookie = cookie;
		get.token = post.token = wrong[i];
		cr_assert_eq(check(guard, &get), 403);
		cr_assert_eq(check(guard, &post), 403);
		get.token = post.token = cookie; /* one is not the other */
		cr_assert_eq(check(guard, &get), 403);
	}
}

Test(web_guard, what_is_no_secret_needs_none)
{
	_cleanup_guard_ struct web_guard *guard = make_guard();
	const char *const paths[] = {"/", "/web.css", "/web.js", "/flamegraph.js"};

	for (size_t i = 0; i < array_length(paths); i++) {
		struct web_head head = {.method = WEB_GET, .path = paths[i], .host = HOST};

		cr_assert_eq(check(guard, &head), 0);
	}
}

Test(web_guard, methods_paths_and_types)
{
	static const struct {
		enum web_method method;
		const char *path;
		unsigned int status;
	} requests[] = {
		{WEB_GET, "/api/pause", 405},
		{WEB_GET, "/api/unpause", 405},
		{WEB_GET, "/api/set-interval", 405},
		{WEB_GET, "/login", 405},
		{WEB_OTHER, "/api/pause", 405},
		{WEB_OTHER, "/", 405},
		{WEB_POST, "/", 405},
		{WEB_POST, "/api/status", 405},
		{WEB_GET, "/api/cancel", 404},
		{WEB_GET, "", 404},
		{WEB_GET, "/api/status/", 404},
		{WEB_GET, "/web.html", 404},
		{WEB_GET, "/../etc/passwd", 404},
		{WEB_GET, "http://" HOST "/", 404},
	};
	static const char *const types[] = {NULL, "", "text/plain", "application/jsonp",
					    "application/x-www-form-urlencoded"};
	_cleanup_guard_ struct web_guard *guard = make_guard();

	for (size_t i = 0; i < array_length(requests); i++) {
		struct web_head head = good_head(guard, requests[i].method, requests[i].path);

		cr_assert_eq(check(guard, &head), requests[i].status, "%s", requests[i].path);
	}
	for (size_t i = 0; i < array_length(types); i++) {
		struct web_head head = good_head(guard, WEB_POST, "/api/pause");

		head.type = types[i];
		cr_assert_eq(check(guard, &head), 415, "%zu", i);
	}
}

Test(web_guard, an_invitation_works_once)
{
	_cleanup_guard_ struct web_guard *guard = make_guard();
	char first[WEB_SECRET_BYTES], second[WEB_SECRET_BYTES], third[WEB_SECRET_BYTES];

	cr_assert_eq(web_guard_accept(guard, ""), -EACCES);
	cr_assert_eq(web_guard_invite(guard, first), 0);
	cr_assert_eq(strspn(first, "0123456789abcdef"), 32);
	cr_assert_eq(web_guard_accept(guard, "00000000000000000000000000000000"), -EACCES);
	cr_assert_eq(web_guard_accept(guard, NULL), -EACCES);
	cr_assert_eq(web_guard_accept(guard, first), 0);
	cr_assert_eq(web_guard_accept(guard, first), -EALREADY);
	cr_assert_eq(web_guard_accept(guard, ""), -EACCES);

	/* A new invitation makes the previous one void. */
	cr_assert_eq(web_guard_invite(guard, second), 0);
	cr_assert_str_neq(first, second);
	cr_assert_eq(web_guard_invite(guard, third), 0);
	cr_assert_eq(web_guard_accept(guard, second), -EACCES);
	cr_assert_eq(web_guard_accept(guard, third), 0);
	cr_assert_eq(web_guard_accept(guard, third), -EALREADY);
}

#define N_GUESTS 16

struct race {
	struct web_guard *guard;
	const char *invitation;
	pthread_barrier_t start;
	atomic_int n_in, n_late;
};

static void *come(void *userdata)
{
	struct race *race = userdata;
	int r;

	pthread_barrier_wait(&race->start);
	r = web_guard_accept(race->guard, race->invitation);
	atomic_fetch_add(r == 0 ? &race->n_in : &race->n_late, r == 0 || r == -EALREADY);
	return NULL;
}

Test(web_guard, an_invitation_works_once_for_all_who_come_at_once)
{
	_cleanup_guard_ struct web_guard *guard = make_guard();
	char invitation[WEB_SECRET_BYTES];
	struct race race = {.guard = guard, .invitation = invitation};
	pthread_t guests[N_GUESTS];

	cr_assert_eq(web_guard_invite(guard, invitation), 0);
	pthread_barrier_init(&race.start, NULL, N_GUESTS);
	for (size_t i = 0; i < N_GUESTS; i++)
		cr_assert_eq(pthread_create(&guests[i], NULL, come, &race), 0);
	for (size_t i = 0; i < N_GUESTS; i++)
		pthread_join(guests[i], NULL);
	pthread_barrier_destroy(&race.start);
	cr_assert_eq(race.n_in, 1);
	cr_assert_eq(race.n_late, N_GUESTS - 1);
}

Test(web_guard, secrets_differ)
{
	_cleanup_guard_ struct web_guard *one = make_guard(), *other = make_guard();

	cr_assert_eq(strlen(web_guard_cookie(one)), 32);
	cr_assert_str_neq(web_guard_cookie(one), web_guard_token(one));
	cr_assert_str_neq(web_guard_cookie(one), web_guard_cookie(other));
	cr_assert_str_neq(web_guard_token(one), web_guard_token(other));
	cr_assert_str_eq(web_guard_cookie_name(one), "oxprof-4711");
}
