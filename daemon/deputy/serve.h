/* SPDX-License-Identifier: MIT */
/*
 * The other side of daemon/base/deputy_wire.h: serves one connection. The peer is not trusted more
 * than needed: its user and the form of each request are checked, and the first that is not as it
 * should be ends the connection, without a reply.
 */
#pragma once

#include <sys/types.h>

/*
 * Serves the connection for that user alone. Borrows the socket, and does not close it. A file
 * system that makes it hang for longer than DEPUTY_HANG_SEC ends the process by SIGALRM. Returns
 *   0  when the other side has gone,
 *   1  when the connection was refused: *ret_why has the reason for people, a static text,
 * or a negative errno.
 */
int serve_connection(int socket, uid_t user, const char **ret_why);
