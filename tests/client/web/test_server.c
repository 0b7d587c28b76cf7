/* SPDX-License-Identifier: MIT */
/* The server closes the connections of strangers, and those whose request does not come. */
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "client/web/server.h"
#include "daemon/base/cleanup.h"

#define NOBODY    65534
#define N_CLIENTS 200
#define N_BYTES   100

define_cleanup(struct web_server *, web_server_free);
#define _cleanup_server_ _cleanup_(web_server_free_p)

static atomic_uint n_events[WEB_EVENT_BLIND + 1];

static void count(void *userdata, enum web_event event)
{
	atomic_fetch_add(&n_events[event], 1);
}

static struct web_server *make_server(void)
{
	const struct web_settings settings = {.on_event = count};
	struct web_server *server;

	cr_assert_eq(web_server_new(&settings, &server), 0);
	return server;
}

static int connect_to(const struct web_server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(web_server_port(server)),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

/* Asks for the page; a head that is not whole goes on with what is sent next. */
static void send_head(const struct web_server *server, int fd, bool whole)
{
	char head[100];
	int length = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n",
			      (unsigned int)web_server_port(server));

	send(fd, head, (size_t)length - (whole ? 0 : strlen("\r\n\r\n")), MSG_NOSIGNAL);
}

/* Reads the first bytes that come. Returns how many, or 0 where the connection is closed. */
static size_t receive(int fd, char *text, size_t size)
{
	ssize_t n = recv(fd, text, size, 0);

	return n > 0 ? (size_t)n : 0;
}

static bool is_answered(int fd)
{
	static const char good[] = "HTTP/1.1 200 ";
	char text[4096];

	return receive(fd, text, sizeof(text)) > strlen(good) && !memcmp(text, good, strlen(good));
}

Test(web_server, answers_its_user)
{
	_cleanup_server_ struct web_server *server = make_server();
	_cleanup_close_ int fd = connect_to(server);

	send_head(server, fd, true);
	cr_assert(is_answered(fd));
	cr_assert_eq(n_events[WEB_EVENT_STRANGER], 0);
}

/* Returns 0 where the server closes the connections without a byte. */
static int be_stranger(const struct web_server *server)
{
	for (int i = 0; i < 2; i++) {
		char byte;
		int fd;

		if (setuid(NOBODY) < 0)
			return 2;
		fd = connect_to(server);
		send_head(server, fd, true);
		if (receive(fd, &byte, 1) > 0)
			return 1;
		close(fd);
	}
	return 0;
}

Test(web_server, closes_the_connections_of_strangers)
{
	_cleanup_server_ struct web_server *server = make_server();
	int status;
	pid_t child;

	if (geteuid() != 0 || n_events[WEB_EVENT_BLIND])
		cr_skip_test("needs root to be somebody else, and a kernel that tells whose a "
			     "socket is");
	child = fork();
	if (child == 0)
		_exit(be_stranger(server));
	waitpid(child, &status, 0);
	cr_assert_eq(status, 0);
	cr_assert_eq(n_events[WEB_EVENT_STRANGER], 1, "told %u times",
		     n_events[WEB_EVENT_STRANGER]);
}

/* A client that sends a byte now and then is not silent, but has no more time than others. */
Test(web_server, closes_who_takes_too_long)
{
	_cleanup_server_ struct web_server *server = make_server();
	_cleanup_close_ int slow = connect_to(server), kept = connect_to(server);
	struct pollfd fds[] = {{.fd = web_server_get_fd(server), .events = POLLIN},
			       {.fd = slow, .events = POLLIN}};
	int r = 0;

	send_head(server, kept, true);
	cr_assert(is_answered(kept));
	send_head(server, slow, false);
	for (int i = 0; i < N_BYTES && !fds[1].revents; i++) {
		r = poll(fds, array_length(fds), 1000);
		cr_assert_geq(r, 0);
		if (fds[0].revents)
			web_server_shut_late(server);
		if (r == 0)
			send(slow, "x", 1, MSG_NOSIGNAL);
	}
	cr_assert(fds[1].revents, "it is still waited for");
	cr_assert_eq(receive(slow, &(char){0}, 1), 0);
}

/* Connections come and go while late ones are looked for, and none takes the place of another. */
Test(web_server, has_room_again_after_many)
{
	_cleanup_server_ struct web_server *server = make_server();

	for (int i = 0; i < N_CLIENTS; i++) {
		_cleanup_close_ int fd = connect_to(server);

		send_head(server, fd, true);
		cr_assert(is_answered(fd), "client %d", i);
		web_server_shut_late(server);
	}
}
