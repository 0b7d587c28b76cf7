/* SPDX-License-Identifier: MIT */
/*
 * oxprof-opener: opens events for oxprofd where the kernel asks for CAP_SYS_ADMIN. systemd starts
 * it for each connection to OX_OPENER_PATH, with that connection as standard input: so it needs
 * nothing of libsystemd and its libraries. oxprof-opener@.service has what it may do otherwise.
 * Standard error is the journal's.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/opener_wire.h"
#include "daemon/opener/connection.h"

/* Finds the user to whom systemd gave the socket, as oxprof-opener.socket says; only root can put
 * another one there. No user database is read: it may be anywhere. */
static int find_user(uid_t *ret)
{
	struct stat socket;

	if (stat(OX_OPENER_PATH, &socket) < 0 || socket.st_uid == 0)
		return -1;
	*ret = socket.st_uid;
	return 0;
}

int main(int argc, char **argv)
{
	struct ucred peer;
	const char *why;
	uid_t user;
	int r;

	if (argc != 1 || connection_get_peer(STDIN_FILENO, &peer) < 0) {
		fprintf(stderr,
			"oxprof-opener: is started by systemd for a connection to " OX_OPENER_PATH
			", and by nobody else\n");
		return 1;
	}
	if (find_user(&user) < 0) {
		fprintf(stderr,
			"<3>cannot serve " OX_OPENER_PATH ": it does not exist or belongs to "
			"root; set another SocketUser= in oxprof-opener.socket\n");
		return 1;
	}
	r = connection_serve(STDIN_FILENO, user, OPENER_IDLE_MS, &why);
	if (r > 0)
		fprintf(stderr, "<4>refused pid %d, uid %u: %s\n", peer.pid, peer.uid, why);
	else if (r < 0)
		fprintf(stderr, "<3>the connection failed: %s\n", strerror(-r));
	return r != 0;
}
