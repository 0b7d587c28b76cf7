/* SPDX-License-Identifier: MIT */
/* The other end of oxprof-opener's connection, over a socket pair. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/opener_wire.h"
#include "daemon/base/perf_event.h"
#include "daemon/opener/connection.h"
#include "tests/fuzz/fuzz_connection.c"
#include "tests/support/seeds.h"
#include "tests/support/skip.h"

#define IDLE_MS 30000
#define NOTHING INT32_MIN

/* The program, but for its main(). */
static struct {
	pthread_t thread;
	int socket;
	uid_t user;
	int idle_ms;
	int result;
	const char *why;
} program;
static int peer; /* our end */

static void *serve(void *userdata)
{
	program.result =
		connection_serve(program.socket, program.user, program.idle_ms, &program.why);
	close(program.socket);
	return NULL;
}

static void make_pair(void)
{
	int sockets[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	peer = sockets[0];
	program.socket = sockets[1];
	program.user = getuid();
	program.idle_ms = IDLE_MS;
}

static void start(void)
{
	cr_assert_eq(pthread_create(&program.thread, NULL, serve, NULL), 0);
}

static void set_up(void)
{
	make_pair();
	start();
}

TestSuite(connection, .init = make_pair);

static void say(const void *bytes, size_t size)
{
	cr_assert_eq(send(peer, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
}

static void ask(uint32_t version, uint32_t kind, uint32_t cpu)
{
	const struct opener_request request = {version, kind, cpu};

	say(&request, sizeof(request));
}

/* Receives a descriptor, a negative errno, or NOTHING where the program has gone without a
 * reply. */
static int hear(void)
{
	struct opener_reply reply = {};
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {&reply, sizeof(reply)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(peer, &message, MSG_CMSG_CLOEXEC);
	int fd;

	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return NOTHING;
	cr_assert_eq(n, (ssize_t)sizeof(reply), "%zd %s", n, strerror(errno));
	cr_assert_eq(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	if (reply.error) {
		cr_assert_null(CMSG_FIRSTHDR(&message));
		return reply.error;
	}
	cr_assert_not_null(CMSG_FIRSTHDR(&message));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

/* Checks how connection_serve() ended; the peer's end is still open. */
static void expect_end(int result, const char *why)
{
	cr_assert_eq(pthread_join(program.thread, NULL), 0);
	cr_expect_eq(program.result, result, "%d", program.result);
	if (why)
		cr_expect(program.why && strstr(program.why, why), "%s", program.why);
	close(peer);
}

static void expect_refusal(const char *why)
{
	cr_expect_eq(hear(), NOTHING, "%s", why);
	expect_end(1, why);
}

/* True if the program answered; -ENODEV would be an answer, too. */
static bool is_answer(int heard)
{
	return heard >= 0 || heard == -EACCES || heard == -EPERM;
}

Test(connection, each_event_is_given_once)
{
	static const enum perf_event_kind kinds[] = {PERF_EVENT_TICK, PERF_EVENT_SIDE_BAND};

	if (geteuid() != 0)
		skip_loudly("needs root: no event was opened");
	start();
	for (int i = 0; i < 2; i++) {
		uint64_t count = 1;
		int fd;

		ask(OPENER_VERSION, kinds[i], 0);
		fd = hear();
		cr_assert_geq(fd, 0, "%s", strerror(-fd));
		cr_expect(perf_event_is(fd));
		/* The event counts nothing: it is disabled. */
		cr_expect_eq(read(fd, &count, sizeof(count)), sizeof(count));
		cr_expect_eq(count, 0);
		close(fd);
	}
	ask(OPENER_VERSION, PERF_EVENT_TICK, 0);
	expect_refusal("twice");
}

Test(connection, what_it_does_not_know_is_refused)
{
	static const struct {
		uint32_t version, kind, cpu;
		const char *why;
	} requests[] = {
		{OPENER_VERSION - 1, PERF_EVENT_TICK, 0, "version"},
		{OPENER_VERSION + 1, PERF_EVENT_TICK, 0, "version"},
		{OPENER_VERSION, 0, 0, "kind"},
		{OPENER_VERSION, PERF_EVENT_KINDS, 0, "kind"},
		{OPENER_VERSION, UINT32_MAX, 0, "kind"},
		{OPENER_VERSION, PERF_EVENT_TICK, OPENER_CPUS_MAX - 1, "CPU"},
		{OPENER_VERSION, PERF_EVENT_TICK, OPENER_CPUS_MAX, "CPU"},
		{OPENER_VERSION, PERF_EVENT_SIDE_BAND, UINT32_MAX, "CPU"},
	};

	close(peer);
	close(program.socket);
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		set_up();
		ask(requests[i].version, requests[i].kind, requests[i].cpu);
		expect_refusal(requests[i].why);
	}
}

Test(connection, another_size_is_refused)
{
	static const size_t sizes[] = {1, 11, 13, 24, 4096};
	struct opener_request requests[342] = {{OPENER_VERSION, PERF_EVENT_TICK, 0}};

	close(peer);
	close(program.socket);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		set_up();
		say(requests, sizes[i]);
		expect_refusal("size");
	}
}

/* The first that is wrong ends it: what waits behind it is not answered. */
Test(connection, nothing_comes_after_a_refusal)
{
	ask(OPENER_VERSION, PERF_EVENT_KINDS, 0);
	ask(OPENER_VERSION, PERF_EVENT_TICK, 0);
	start();
	expect_refusal("kind");
}

Test(connection, descriptors_beside_a_request_are_refused_and_closed)
{
	struct opener_request request = {OPENER_VERSION, PERF_EVENT_TICK, 0};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec part = {&request, sizeof(request)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int ends[2];
	char byte;

	cr_assert_eq(pipe(ends), 0);
	memcpy(CMSG_DATA(&control.head), &ends[1], sizeof(int));
	cr_assert_eq(sendmsg(peer, &message, 0), (ssize_t)sizeof(request));
	close(ends[1]);
	start();
	expect_refusal("descriptors");
	/* Nobody has the writing end any more. */
	cr_expect_eq(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

Test(connection, another_user_gets_nothing)
{
	program.user = getuid() + 1;
	ask(OPENER_VERSION, PERF_EVENT_TICK, 0);
	start();
	expect_refusal("user");
}

Test(connection, one_who_leaves_ends_it)
{
	start();
	cr_assert_eq(close(peer), 0);
	peer = -1;
	expect_end(0, NULL);
}

Test(connection, half_a_connection_is_served_to_its_end)
{
	ask(OPENER_VERSION, PERF_EVENT_TICK, 0);
	cr_assert_eq(shutdown(peer, SHUT_WR), 0);
	start();
	cr_expect(is_answer(hear()));
	cr_expect_eq(hear(), NOTHING);
	expect_end(0, NULL);
}

Test(connection, one_who_does_not_listen_ends_it)
{
	ask(OPENER_VERSION, PERF_EVENT_TICK, 0);
	cr_assert_eq(shutdown(peer, SHUT_RD), 0);
	start();
	expect_end(0, NULL);
}

Test(connection, an_empty_request_ends_it)
{
	say("", 0);
	start();
	cr_expect_eq(hear(), NOTHING);
	expect_end(0, NULL);
}

Test(connection, a_silent_one_is_left)
{
	program.idle_ms = 20;
	start();
	cr_expect_eq(hear(), NOTHING);
	expect_end(0, NULL);
}

/* The program does not wait for a peer that takes no replies. */
Test(connection, one_who_takes_no_replies_is_refused)
{
	while (send(program.socket, "x", 1, MSG_DONTWAIT) == 1)
		;
	cr_assert_eq(errno, EAGAIN);
	ask(OPENER_VERSION, PERF_EVENT_TICK, 0);
	start();
	expect_end(1, "replies");
}

Test(connection, whatever_is_sent_it_comes_back)
{
	close(peer);
	close(program.socket);
	seeds_run(LLVMFuzzerTestOneInput, "connection", 200);
}
