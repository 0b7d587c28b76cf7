/* SPDX-License-Identifier: MIT */
/* Steps return 1 to go on, 0 at the end of the connection, or a negative errno. */
#include "daemon/opener/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/time.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/cpus.h"
#include "daemon/base/opener_wire.h"
#include "daemon/base/perf_event.h"

struct connection {
	int socket;
	const char *refusal; /* why this side ended it; NULL: it did not */
	bool possible[OPENER_CPUS_MAX];
	/* The events that the peer asked for, a bit for each CPU. */
	uint8_t asked[PERF_EVENT_KINDS][OPENER_CPUS_MAX / 8];
};

int connection_get_peer(int socket, struct ucred *ret)
{
	socklen_t size = sizeof(*ret);

	return getsockopt(socket, SOL_SOCKET, SO_PEERCRED, ret, &size) < 0 ? -errno : 0;
}

static int refuse(struct connection *connection, const char *why)
{
	assert(!connection->refusal);
	connection->refusal = why;
	return 0;
}

static int check_peer(struct connection *connection, uid_t user)
{
	struct ucred peer;
	int r = connection_get_peer(connection->socket, &peer);

	if (r < 0)
		return r;
	return peer.uid == user ? 1 : refuse(connection, "the socket belongs to another user");
}

static int limit_silence(const struct connection *connection, int ms)
{
	const struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	return setsockopt(connection->socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0
		       ? -errno
		       : 1;
}

/* Receives a request. There is no room for anything beside it: the kernel throws away descriptors
 * that come with it, and marks the message. */
static int receive_request(struct connection *connection, struct opener_request *ret)
{
	struct iovec part = {ret, sizeof(*ret)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	do
		n = recvmsg(connection->socket, &message, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == ECONNRESET ? 0 : -errno;
	if (message.msg_flags & MSG_CTRUNC)
		return refuse(connection, "descriptors came with the request");
	if (n == 0)
		return 0;
	if (n != sizeof(*ret) || (message.msg_flags & MSG_TRUNC))
		return refuse(connection, "the request has the wrong size");
	return 1;
}

/* True if the peer asked for that event before. */
static bool note_event(struct connection *connection, const struct opener_request *request)
{
	uint8_t *byte, bit = 1u << request->cpu % 8;
	bool before;

	assert(request->kind < PERF_EVENT_KINDS && request->cpu < OPENER_CPUS_MAX);
	byte = &connection->asked[request->kind][request->cpu / 8];
	before = *byte & bit;
	*byte |= bit;
	return before;
}

static int check_request(struct connection *connection, const struct opener_request *request)
{
	if (request->version != OPENER_VERSION)
		return refuse(connection, "the request is of another version; restart oxprofd");
	if (request->kind == 0 || request->kind >= PERF_EVENT_KINDS)
		return refuse(connection, "there is no such kind of event");
	if (request->cpu >= OPENER_CPUS_MAX || !connection->possible[request->cpu])
		return refuse(connection, "there is no such CPU");
	if (note_event(connection, request))
		return refuse(connection, "it asks for an event twice");
	return 1;
}

static int send_reply(const struct connection *connection, int error, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct opener_reply reply = {.error = error};
	struct iovec part = {&reply, sizeof(reply)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	assert((error < 0) == (fd < 0) && error <= 0);
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	return sendmsg(connection->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 1;
}

static int answer_request(struct connection *connection, const struct opener_request *request)
{
	_cleanup_close_ int fd = perf_event_open_disabled(request->kind, request->cpu);
	int r = send_reply(connection, fd < 0 ? fd : 0, fd);

	if (r == -EAGAIN)
		return refuse(connection, "it does not read the replies");
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

static int serve_request(struct connection *connection)
{
	struct opener_request request;
	int r = receive_request(connection, &request);

	if (r <= 0)
		return r;
	r = check_request(connection, &request);
	return r <= 0 ? r : answer_request(connection, &request);
}

static int serve(struct connection *connection, uid_t user, int idle_ms)
{
	int r = check_peer(connection, user);

	if (r <= 0)
		return r;
	r = limit_silence(connection, idle_ms);
	if (r <= 0)
		return r;
	if (cpus_read_possible(connection->possible, OPENER_CPUS_MAX) < 0)
		return -EIO;
	do
		r = serve_request(connection);
	while (r > 0);
	return r;
}

int connection_serve(int socket, uid_t user, int idle_ms, const char **ret_why)
{
	struct connection connection = {.socket = socket};
	int r;

	assert(socket >= 0 && idle_ms > 0 && ret_why);
	r = serve(&connection, user, idle_ms);
	if (!connection.refusal)
		return r;
	*ret_why = connection.refusal;
	return 1;
}
