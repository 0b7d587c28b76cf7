/* SPDX-License-Identifier: MIT */
/*
 * oxprof-symbolizer reads the files of others for oxprofd, which starts it and talks to it over
 * descriptor WIRE_FD as symbolizer_wire.h says. It gives up all its rights first. If it fails, it
 * ends: the daemon sees that and starts another.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/reply.h"
#include "daemon/symbolizer/sandbox.h"
#include "daemon/symbolizer/symbol_lookup.h"

/* A request as it is received. */
struct packet {
	struct wire_request request;
	uint64_t addresses[SYMBOLIZER_NAMES_MAX];
	int files[WIRE_FILES];
};

/* Limits the CPU time of a request, 0 lifts the limit: SIGPROF ends the process. */
static void limit_time(uint64_t usec)
{
	const struct itimerval timer = {
		.it_value = {.tv_sec = usec / 1000000, .tv_usec = usec % 1000000}};

	setitimer(ITIMER_PROF, &timer, NULL);
}

static void packet_take_files(struct packet *packet, const struct msghdr *message)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(message);
	size_t n = 0, next = 0;
	int fds[WIRE_FILES];

	if (control && control->cmsg_type == SCM_RIGHTS) {
		n = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(control), n * sizeof(int));
	}
	for (size_t i = 0; i < WIRE_FILES; i++)
		packet->files[i] = (packet->request.files & 1u << i) && next < n ? fds[next++] : -1;
}

/* Receives a request. Returns 1 if there is one; 0 if the daemon has closed its end, or sent what
 * is no request. */
static int packet_receive(struct packet *packet)
{
	char control[CMSG_SPACE(WIRE_FILES * sizeof(int))];
	struct iovec parts[] = {{&packet->request, sizeof(packet->request)},
				{packet->addresses, sizeof(packet->addresses)}};
	struct msghdr message = {.msg_iov = parts,
				 .msg_iovlen = array_length(parts),
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t n;

	do
		n = recvmsg(WIRE_FD, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < (ssize_t)sizeof(packet->request) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 0;
	packet_take_files(packet, &message);
	return (size_t)n ==
	       sizeof(packet->request) + packet->request.n_addresses * sizeof(packet->addresses[0]);
}

static int send_reply(const struct wire_reply *reply, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
			      .cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {(void *)reply, sizeof(*reply)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	return sendmsg(WIRE_FD, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int packet_find(struct packet *packet, struct symbol_lookup *lookup, int *ret_fd,
		       uint32_t *ret_bytes)
{
	const struct wire_request *request = &packet->request;

	switch (request->kind) {
	case WIRE_TABLE:
		return reply_make_table(packet->files[0], ret_fd, ret_bytes);
	case WIRE_ABOUT:
		return reply_make_elf_info(packet->files[0], ret_fd, ret_bytes);
	case WIRE_PYTHON:
		return reply_make_python(packet->files[0], ret_fd, ret_bytes);
	default:
		return reply_make_names(lookup, request->source, packet->files, packet->addresses,
					request->n_addresses, ret_fd, ret_bytes);
	}
}

static int packet_reply(struct packet *packet, struct symbol_lookup *lookup)
{
	struct wire_reply reply = {};
	_cleanup_close_ int fd = -1;

	limit_time(SYMBOLIZER_CPU_USEC);
	reply.error = packet_find(packet, lookup, &fd, &reply.size_bytes);
	limit_time(0);
	for (size_t i = 0; i < WIRE_FILES; i++)
		if (packet->files[i] >= 0)
			close(packet->files[i]);
	return send_reply(&reply, fd);
}

static int serve(struct symbol_lookup *lookup)
{
	static struct packet packet;
	struct wire_reply hello = {.error = 0, .size_bytes = WIRE_HELLO};
	int r = send_reply(&hello, -1);

	if (r < 0)
		return r;
	while (packet_receive(&packet) > 0) {
		r = packet_reply(&packet, lookup);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool has_daemon(void)
{
	int type;
	socklen_t size = sizeof(type);

	return getsockopt(WIRE_FD, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       type == SOCK_SEQPACKET;
}

int main(int argc, char **argv)
{
	struct symbol_lookup *lookup = symbol_lookup_new();
	const char *what;
	int r;

	if (!lookup || argc != 1 || !has_daemon()) {
		fprintf(stderr, "oxprof-symbolizer: cannot be run by hand: oxprofd starts it when "
				"needed\n");
		return 1;
	}
	r = sandbox_enter(WIRE_FD, &what);
	if (r < 0) {
		fprintf(stderr, "oxprof-symbolizer: cannot enter its sandbox (%s): %s\n", what,
			strerror(-r));
		return 1;
	}
	/* Nothing is freed at the end: the kernel does that, so the filter need not allow another
	 * system call. */
	_exit(serve(lookup) < 0);
}
