/* SPDX-License-Identifier: MIT */
/* The kernel tells whose a connection is; who closed theirs is nobody, and not root. */
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "client/web/peer.h"
#include "daemon/base/cleanup.h"

#define ALICE  1001
#define BOB    1002
#define NOBODY 65534

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

/* A connection on loopback, both ends of it here. */
struct pair {
	int listener, client, server;
	union address own, peer;
};

static void listen_on_loopback(int family, struct pair *pair)
{
	socklen_t size = sizeof(pair->own);

	if (family == AF_INET)
		pair->own.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		pair->own.six.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	pair->own.any.sa_family = (sa_family_t)family;
	pair->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (pair->listener < 0 || bind(pair->listener, &pair->own.any, size) < 0)
		cr_skip_test("no loopback of this family");
	cr_assert_eq(listen(pair->listener, 1), 0);
	cr_assert_eq(getsockname(pair->listener, &pair->own.any, &size), 0);
	if (web_peer_probe(&pair->own.any) < 0)
		cr_skip_test("this kernel does not tell whose a socket is");
}

static struct pair connect_pair(int family)
{
	struct pair pair = {0};
	socklen_t size = sizeof(pair.peer);

	listen_on_loopback(family, &pair);
	pair.client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(pair.client, &pair.own.any, sizeof(pair.own)), 0);
	pair.server = accept(pair.listener, &pair.peer.any, &size);
	cr_assert_geq(pair.server, 0);
	return pair;
}

static void pair_done(struct pair *pair)
{
	close(pair->listener);
	close(pair->client);
	close(pair->server);
}

static void finds_owner(int family)
{
	struct pair pair = connect_pair(family);
	uid_t uid = NOBODY;

	cr_assert_eq(web_peer_find_owner(&pair.peer.any, &pair.own.any, &uid), 0);
	cr_assert_eq(uid, geteuid());
	/* Also when it will send nothing more. */
	cr_assert_eq(shutdown(pair.client, SHUT_WR), 0);
	cr_assert_eq(web_peer_find_owner(&pair.peer.any, &pair.own.any, &uid), 0);
	pair_done(&pair);
}

Test(web_peer, owner_is_found_by_ipv4)
{
	finds_owner(AF_INET);
}

Test(web_peer, owner_is_found_by_ipv6)
{
	finds_owner(AF_INET6);
}

static void connect_as(uid_t uid, const struct sockaddr *address)
{
	int fd;

	if (setuid(uid) < 0)
		_exit(1);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, address, sizeof(union address)) < 0)
		_exit(1);
	pause();
}

Test(web_peer, a_stranger_is_told_from_the_user)
{
	struct pair pair = {0};
	socklen_t size = sizeof(pair.peer);
	uid_t uid = 0;
	pid_t child;

	if (geteuid() != 0)
		cr_skip_test("needs root to be somebody else");
	listen_on_loopback(AF_INET, &pair);
	child = fork();
	if (child == 0)
		connect_as(NOBODY, &pair.own.any);
	pair.server = accept(pair.listener, &pair.peer.any, &size);
	cr_assert_geq(pair.server, 0);
	cr_assert_eq(web_peer_find_owner(&pair.peer.any, &pair.own.any, &uid), 0);
	cr_assert_eq(uid, NOBODY);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* The kernel says uid 0 for the socket then, whoever had it. */
Test(web_peer, who_has_closed_is_nobody)
{
	struct pair pair = connect_pair(AF_INET);
	uid_t uid = NOBODY;

	close(pair.client);
	cr_assert_eq(web_peer_find_owner(&pair.peer.any, &pair.own.any, &uid), -ENOTCONN);
	cr_assert_eq(uid, NOBODY);
}

/* A port that somebody listens at is no connection from there. */
Test(web_peer, a_listener_is_no_peer)
{
	struct pair one = connect_pair(AF_INET), other = connect_pair(AF_INET);
	uid_t uid = NOBODY;

	cr_assert_eq(web_peer_find_owner(&one.own.any, &other.own.any, &uid), -ENOENT);
	cr_assert_eq(uid, NOBODY);
	pair_done(&one);
	pair_done(&other);
}

Test(web_peer, nobody_is_found_where_nobody_is)
{
	struct pair pair = connect_pair(AF_INET);
	union address elsewhere = pair.peer;
	uid_t uid;

	elsewhere.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	cr_assert_lt(web_peer_find_owner(&elsewhere.any, &pair.own.any, &uid), 0);
	close(pair.listener);
	cr_assert_lt(web_peer_probe(&pair.own.any), 0);
}

Test(web_friends, are_the_user_and_root)
{
	struct web_friends friends;

	web_friends_init(&friends, ALICE, ALICE, NULL, NULL);
	cr_assert(web_friends_has(&friends, ALICE) && web_friends_has(&friends, 0));
	cr_assert(!web_friends_has(&friends, BOB) && !web_friends_has(&friends, NOBODY));
	web_friends_init(&friends, BOB, ALICE, NULL, NULL);
	cr_assert(web_friends_has(&friends, ALICE) && web_friends_has(&friends, BOB));
}

Test(web_friends, are_who_became_the_user)
{
	struct web_friends friends;

	web_friends_init(&friends, 0, 0, "1001", NULL);
	cr_assert(web_friends_has(&friends, ALICE) && !web_friends_has(&friends, BOB));
	web_friends_init(&friends, 0, 0, NULL, "1002");
	cr_assert(web_friends_has(&friends, BOB) && !web_friends_has(&friends, ALICE));
	web_friends_init(&friends, 3, 4, "1001", "1002");
	cr_assert_eq(friends.n, WEB_FRIENDS_MAX);
}

Test(web_friends, are_not_made_by_rubbish)
{
	static const char *const bad[] = {
		"", "-1", "alice", "1001 ", "0x3e9", "4294967295", "99999999999999999999"};
	struct web_friends friends;

	for (size_t i = 0; i < array_length(bad); i++) {
		web_friends_init(&friends, ALICE, ALICE, bad[i], bad[i]);
		cr_assert_eq(friends.n, 2, "'%s'", bad[i]);
	}
}
