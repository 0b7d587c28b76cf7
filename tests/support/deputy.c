/* SPDX-License-Identifier: MIT */
#include "tests/support/deputy.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/deputy/serve.h"

/* Serves until the test has ended, whose end of the pipe is then closed. A signal at its death
 * would be forgotten by the kernel with the first change of rights. */
static void serve_until_end(int listening, int end)
{
	struct pollfd wanted[] = {{.fd = listening, .events = POLLIN}, {.fd = end}};
	uid_t user = getuid();
	const char *why;

	while (poll(wanted, 2, -1) > 0 && !wanted[1].revents) {
		int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

		(void)serve_connection(fd, user, &why);
		close(fd);
	}
}

void deputy_serve_at(const char *directory, char *ret_path, unsigned size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), ends[2];

	snprintf(ret_path, size, "%s/deputy", directory);
	cr_assert_lt(strlen(ret_path), sizeof(address.sun_path));
	strcpy(address.sun_path, ret_path);
	cr_assert_eq(bind(listening, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listening, 8), 0);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	if (fork() == 0) {
		close(ends[1]);
		serve_until_end(listening, ends[0]);
		_exit(0);
	}
	close(ends[0]); /* the other one stays open as long as this process is there */
	close(listening);
}
