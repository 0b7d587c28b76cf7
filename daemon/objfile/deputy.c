/* SPDX-License-Identifier: MIT */
#include "daemon/objfile/deputy.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

struct deputy {
	char *path;
	int socket;    /* -1: no connection */
	bool is_ready; /* the other side has said so */
	uint32_t id;   /* of the last request */
};

struct deputy *deputy_new(const char *path)
{
	struct deputy *deputy = calloc(1, sizeof(*deputy));

	assert(path);
	if (!deputy)
		return NULL;
	deputy->socket = -1;
	deputy->path = strdup(path);
	return deputy->path ? deputy : deputy_free(deputy);
}

struct deputy *deputy_free(struct deputy *deputy)
{
	if (!deputy)
		return NULL;
	deputy_stop(deputy);
	free(deputy->path);
	free(deputy);
	return NULL;
}

void deputy_stop(struct deputy *deputy)
{
	cleanup_close(&deputy->socket);
	deputy->socket = -1;
	deputy->is_ready = false;
}

int deputy_prepare(struct deputy *deputy)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (deputy->socket >= 0)
		return 0;
	if (strlen(deputy->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, deputy->path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	deputy->socket = take_fd(&fd);
	return 0;
}

static int send_request(const struct deputy *deputy, int root, const struct deputy_request *request)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {(void *)request, sizeof(*request)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &root, sizeof(root));
	return sendmsg(deputy->socket, &message, MSG_NOSIGNAL) < 0 ? -EPIPE : 0;
}

static int wait_reply(const struct deputy *deputy, uint64_t deadline_ns)
{
	struct pollfd wanted = {.fd = deputy->socket, .events = POLLIN};

	for (;;) {
		uint64_t now_ns = clock_monotonic_ns();
		int n;

		if (now_ns >= deadline_ns)
			return -ETIMEDOUT;
		n = poll(&wanted, 1, (deadline_ns - now_ns) / 1000000 + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
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

/* Receives the reply of that id. Returns its descriptor, -1 where it has none, in *ret_fd. Returns
 * 0, -ETIMEDOUT, or -EPIPE where the other side has ended or does not keep to the protocol. */
static int receive_reply(const struct deputy *deputy, uint32_t id, uint64_t deadline_ns,
			 struct deputy_reply *ret, int *ret_fd)
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
	_cleanup_close_ int fd = -1;
	ssize_t n;
	int r = wait_reply(deputy, deadline_ns);

	if (r < 0)
		return r;
	n = recvmsg(deputy->socket, &message, MSG_CMSG_CLOEXEC);
	fd = n > 0 ? take_descriptor(&message) : -1;
	if (n != sizeof(*ret) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || ret->id != id)
		return -EPIPE;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Waits for the other side's beginning. Returns 0, -EAGAIN, or -ENOTCONN. */
static int wait_ready(struct deputy *deputy, uint64_t deadline_ns)
{
	struct deputy_reply hello;
	_cleanup_close_ int fd = -1;
	int r;

	if (deputy_prepare(deputy) < 0)
		return -ENOTCONN;
	if (deputy->is_ready)
		return 0;
	r = receive_reply(deputy, 0, deadline_ns, &hello, &fd);
	if (r == -ETIMEDOUT)
		return -EAGAIN;
	if (r < 0) {
		deputy_stop(deputy);
		return -ENOTCONN;
	}
	deputy->is_ready = true;
	return 0;
}

/* Sends the request and takes its reply. A connection with a reply that is still to come is of no
 * more use. */
static int ask(struct deputy *deputy, int root, const struct deputy_request *request,
	       uint64_t deadline_ns)
{
	struct deputy_reply reply;
	_cleanup_close_ int fd = -1;
	int r = send_request(deputy, root, request);

	if (r == 0)
		r = receive_reply(deputy, request->id, deadline_ns, &reply, &fd);
	if (r == 0 && (reply.error > 0 || (reply.error == 0) != (fd >= 0)))
		r = -EPIPE;
	if (r < 0) {
		deputy_stop(deputy);
		return r == -EPIPE ? -ENOTCONN : r;
	}
	return reply.error ? reply.error : take_fd(&fd);
}

int deputy_open(struct deputy *deputy, int root, const char *path, bool no_follow,
		const struct deputy_rights *rights, uint64_t wait_usec)
{
	uint64_t deadline_ns = clock_monotonic_ns() + wait_usec * 1000;
	struct deputy_request request = {
		.version = DEPUTY_VERSION, .no_follow = no_follow, .rights = *rights};
	int r;

	assert(root >= 0 && path);
	if (path[0] != '/')
		return -ENOENT;
	if (strlen(path) >= sizeof(request.path))
		return -ENAMETOOLONG;
	strcpy(request.path, path);
	r = wait_ready(deputy, deadline_ns);
	if (r < 0)
		return r;
	deputy->id = deputy->id % UINT32_MAX + 1;
	request.id = deputy->id;
	return ask(deputy, root, &request, deadline_ns);
}
