/* SPDX-License-Identifier: MIT */
/* Steps return 1 to go on, 0 at the end of the connection, or a negative errno. */
#include "daemon/deputy/serve.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/deputy/open.h"

struct connection {
	int socket;
	const char *refusal; /* why this side ended it; NULL: it did not */
};

static int refuse(struct connection *connection, const char *why)
{
	assert(!connection->refusal);
	connection->refusal = why;
	return 0;
}

static int check_peer(struct connection *connection, uid_t user)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(connection->socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return peer.uid == user ? 1 : refuse(connection, "the socket belongs to another user");
}

/* Returns the descriptor of a message, -1 where there is none. There is room for one: the kernel
 * closes what is more, and marks the message. */
static int take_descriptor(const struct msghdr *message)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS &&
	    control->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return fd;
}

static int receive_request(struct connection *connection, struct deputy_request *ret, int *ret_root)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_LEN(sizeof(int))];
	} control = {};
	struct iovec part = {ret, sizeof(*ret)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t n;

	do
		n = recvmsg(connection->socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? 0 : -errno;
	*ret_root = take_descriptor(&message);
	if (n != sizeof(*ret) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return refuse(connection, "the request has the wrong size");
	return *ret_root >= 0 ? 1 : refuse(connection, "no root came with the request");
}

static int check_request(struct connection *connection, const struct deputy_request *request)
{
	if (request->version != DEPUTY_VERSION)
		return refuse(connection, "the request is of another version; restart oxprofd");
	if (request->id == 0 || request->no_follow > 1)
		return refuse(connection, "the request has no such form");
	if (request->rights.uid == UINT32_MAX || request->rights.gid == UINT32_MAX ||
	    request->rights.n_groups > DEPUTY_GROUPS_MAX)
		return refuse(connection, "there is no such user");
	if (request->path[0] != '/' || !memchr(request->path, 0, sizeof(request->path)))
		return refuse(connection, "the path is not absolute or has no end");
	return 1;
}

static int send_reply(struct connection *connection, uint32_t id, int error, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct deputy_reply reply = {.id = id, .error = error};
	struct iovec part = {&reply, sizeof(reply)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	assert(error <= 0);
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	if (sendmsg(connection->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 1;
	if (errno == EAGAIN)
		return refuse(connection, "it does not read the replies");
	return errno == EPIPE || errno == ECONNRESET ? 0 : -errno;
}

static int answer_request(struct connection *connection, int root,
			  const struct deputy_request *request)
{
	_cleanup_close_ int fd = -1;

	alarm(DEPUTY_HANG_SEC);
	fd = open_as(root, request);
	alarm(0);
	return send_reply(connection, request->id, fd < 0 ? fd : 0, fd);
}

static int serve_request(struct connection *connection)
{
	struct deputy_request request;
	_cleanup_close_ int root = -1;
	int r = receive_request(connection, &request, &root);

	if (r <= 0)
		return r;
	r = check_request(connection, &request);
	return r <= 0 ? r : answer_request(connection, root, &request);
}

static int serve(struct connection *connection, uid_t user)
{
	int r = check_peer(connection, user);

	if (r > 0)
		r = send_reply(connection, 0, 0, -1);
	while (r > 0)
		r = serve_request(connection);
	return r;
}

int serve_connection(int socket, uid_t user, const char **ret_why)
{
	struct connection connection = {.socket = socket};
	int r;

	assert(socket >= 0 && ret_why);
	r = serve(&connection, user);
	if (!connection.refusal)
		return r;
	*ret_why = connection.refusal;
	return 1;
}
