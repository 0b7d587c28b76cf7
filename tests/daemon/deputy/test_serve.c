/* SPDX-License-Identifier: MIT */
/* A packet that is no request ends the connection. The files are in
 * tests/daemon/objfile/test_deputy.c. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/deputy_wire.h"
#include "daemon/deputy/serve.h"

static struct {
	pthread_t thread;
	int socket, result;
	uid_t user;
	const char *why;
} program;
static int peer;

static void *serve(void *userdata)
{
	program.result = serve_connection(program.socket, program.user, &program.why);
	close(program.socket);
	return NULL;
}

static void start(uid_t user)
{
	struct deputy_reply hello;
	int sockets[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	peer = sockets[0];
	program.socket = sockets[1];
	program.user = user;
	program.why = NULL;
	cr_assert_eq(pthread_create(&program.thread, NULL, serve, NULL), 0);
	if (user != getuid())
		return;
	cr_assert_eq(recv(peer, &hello, sizeof(hello), 0), (ssize_t)sizeof(hello));
	cr_expect_eq(hello.id, 0);
	cr_expect_eq(hello.error, 0);
}

static void expect_end(int result, const char *why)
{
	struct deputy_reply reply;

	shutdown(peer, SHUT_WR);
	cr_assert_eq(pthread_join(program.thread, NULL), 0);
	cr_expect_leq(recv(peer, &reply, sizeof(reply), 0), 0, "%s", why);
	cr_expect_eq(program.result, result, "%d", program.result);
	if (why)
		cr_expect(program.why && strstr(program.why, why), "%s", program.why);
	close(peer);
}

static void say(const void *bytes, size_t size, int n_fds)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(n_fds * sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {(void *)bytes, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	_cleanup_close_ int null = open("/", O_PATH | O_CLOEXEC);

	for (int i = 0; i < n_fds; i++)
		memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &null, sizeof(null));
	if (n_fds) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
	}
	cr_assert_eq(sendmsg(peer, &message, MSG_NOSIGNAL), (ssize_t)size);
}

static struct deputy_request request(void)
{
	return (struct deputy_request){.version = DEPUTY_VERSION,
				       .id = 1,
				       .rights = {.uid = 65534, .gid = 65534},
				       .path = "/etc/passwd"};
}

Test(serve, ends_with_the_other_side)
{
	start(getuid());
	expect_end(0, NULL);
}

Test(serve, another_user_is_refused)
{
	start(getuid() + 1);
	expect_end(1, "another user");
}

Test(serve, a_request_of_the_wrong_size)
{
	struct deputy_request wanted = request();
	char more[sizeof(wanted) + 1] = "";

	start(getuid());
	say(&wanted, sizeof(wanted) - 1, 1);
	expect_end(1, "wrong size");
	start(getuid());
	say(more, sizeof(more), 1);
	expect_end(1, "wrong size");
}

Test(serve, a_request_without_a_root_or_with_two)
{
	struct deputy_request wanted = request();

	start(getuid());
	say(&wanted, sizeof(wanted), 0);
	expect_end(1, "no root");
	start(getuid());
	say(&wanted, sizeof(wanted), 2);
	expect_end(1, "wrong size");
}

static void expect_refused(const struct deputy_request *wanted, const char *why)
{
	start(getuid());
	say(wanted, sizeof(*wanted), 1);
	expect_end(1, why);
}

Test(serve, a_request_that_cannot_be)
{
	struct deputy_request wanted = request();

	wanted.version++;
	expect_refused(&wanted, "version");
	wanted = request();
	wanted.id = 0;
	expect_refused(&wanted, "form");
	wanted = request();
	wanted.no_follow = 2;
	expect_refused(&wanted, "form");
	wanted = request();
	wanted.rights.uid = UINT32_MAX;
	expect_refused(&wanted, "user");
	wanted = request();
	wanted.rights.gid = UINT32_MAX;
	expect_refused(&wanted, "user");
	wanted = request();
	wanted.rights.n_groups = DEPUTY_GROUPS_MAX + 1;
	expect_refused(&wanted, "user");
	wanted = request();
	strcpy(wanted.path, "etc/passwd");
	expect_refused(&wanted, "path");
	wanted = request();
	memset(wanted.path, '/', sizeof(wanted.path));
	expect_refused(&wanted, "path");
}
