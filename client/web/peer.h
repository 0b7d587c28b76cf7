/* SPDX-License-Identifier: MIT */
/*
 * Whose is the other end of a connection on loopback, and may it talk to the page's server? The
 * kernel tells (NETLINK_SOCK_DIAG), so that a stranger is turned away before a byte is read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define WEB_FRIENDS_MAX 5

/* The users who may connect. */
struct web_friends {
	uid_t uids[WEB_FRIENDS_MAX];
	size_t n;
};

/* Lists the friends of a program with these ids: these users, root, who may do everything anyway,
 * and who got the ids by sudo(8) or pkexec(1), which tell by a variable; NULL: it is not set. A
 * text that is no uid adds nobody. */
void web_friends_init(struct web_friends *friends, uid_t real, uid_t effective,
		      const char *sudo_uid, const char *pkexec_uid);
bool web_friends_has(const struct web_friends *friends, uid_t uid);

/* Finds whose the socket at `peer` is that is connected to `own`; both are of one family, IPv4 or
 * IPv6. Returns 0, -ENOENT where there is none, -ENOTCONN where its program has closed it, so that
 * it is nobody's any more, or another negative errno where the kernel does not tell. */
int web_peer_find_owner(const struct sockaddr *peer, const struct sockaddr *own, uid_t *ret);
/* Tries whether the kernel tells, by a socket of the caller's that listens at `own`. Returns 0 or a
 * negative errno: there may be no such module, or it is kept from this container. */
int web_peer_probe(const struct sockaddr *own);
