/* SPDX-License-Identifier: MIT */
/*
 * The other side of opener_wire.h: serves one connection. The peer is not trusted: its user and
 * each request are checked, and the first that is not as it should be ends the connection, without
 * a reply.
 */
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

/* Finds who made the connection. Returns 0 or a negative errno. */
int connection_get_peer(int socket, struct ucred *ret);

/*
 * Serves the connection for that user alone, not for root either. Borrows the socket, and does not
 * close it. Returns
 *   0  when the other side has gone, or was silent for idle_ms,
 *   1  when the connection was refused: *ret_why has the reason for people, a static text,
 * or a negative errno.
 */
int connection_serve(int socket, uid_t user, int idle_ms, const char **ret_why);
