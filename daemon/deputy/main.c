/* SPDX-License-Identifier: MIT */
/*
 * oxprof-deputy: opens files for oxprofd with the rights of the user whose process named them.
 * systemd starts it for each connection to OX_DEPUTY_PATH, with that connection as standard input.
 * oxprof-deputy@.service has what it may do otherwise. Standard error is the journal's.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/deputy/serve.h"

int main(int argc, char **argv)
{
	struct stat at_path, own;
	const char *why;
	int r;

	if (argc != 1 || fstat(STDIN_FILENO, &own) < 0 || !S_ISSOCK(own.st_mode)) {
		fprintf(stderr,
			"oxprof-deputy: is started by systemd for a connection to " OX_DEPUTY_PATH
			", and by nobody else\n");
		return 1;
	}
	/* The user is the one to whom systemd gave the socket, as oxprof-deputy.socket says; only
	 * root can put another one there. */
	if (stat(OX_DEPUTY_PATH, &at_path) < 0 || at_path.st_uid == 0) {
		fprintf(stderr,
			"<3>cannot serve " OX_DEPUTY_PATH ": it does not exist or belongs to "
			"root; set another SocketUser= in oxprof-deputy.socket\n");
		return 1;
	}
	r = serve_connection(STDIN_FILENO, at_path.st_uid, &why);
	if (r > 0)
		fprintf(stderr, "<4>refused the connection: %s\n", why);
	else if (r < 0)
		fprintf(stderr, "<3>the connection failed: %s\n", strerror(-r));
	return r != 0;
}
