/* SPDX-License-Identifier: MIT */
#include "daemon/base/opener.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/clock.h"
#include "daemon/base/opener_wire.h"

void opener_init(struct opener *opener, const char *path)
{
	assert(path);
	*opener = (struct opener){.path = path, .socket = -1, .wait_ns = OPENER_WAIT_NS};
}

void opener_done(struct opener *opener)
{
	cleanup_close(&opener->socket);
	opener->socket = -1;
}

/* Connects without waiting: the other side of a socket that systemd listens on need not run yet. */
static int make_connection(struct opener *opener)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(opener->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, opener->path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	opener->socket = take_fd(&fd);
	opener->deadline_ns = clock_monotonic_ns() + opener->wait_ns;
	return 0;
}

static int send_request(const struct opener *opener, enum perf_event_kind kind, unsigned cpu)
{
	const struct opener_request request = {.version = OPENER_VERSION, .kind = kind, .cpu = cpu};

	return send(opener->socket, &request, sizeof(request), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Waits until there is something to receive, or the connection has ended. Returns 0, -ETIMEDOUT, or
 * another negative errno. */
static int wait_reply(const struct opener *opener)
{
	struct pollfd wanted = {.fd = opener->socket, .events = POLLIN};

	for (;;) {
		uint64_t now_ns = clock_monotonic_ns();
		int n;

		if (now_ns >= opener->deadline_ns)
			return -ETIMEDOUT;
		n = poll(&wanted, 1, (opener->deadline_ns - now_ns) / 1000000 + 1);
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

static int receive_reply(const struct opener *opener, struct opener_reply *ret, int *ret_fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_LEN(sizeof(int))];
	} control;
	struct iovec part = {ret, sizeof(*ret)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = CMSG_LEN(sizeof(int))};
	ssize_t n = recvmsg(opener->socket, &message, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	*ret_fd = take_descriptor(&message);
	if (n == 0)
		return -ECONNRESET;
	if (n != sizeof(*ret) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return -EBADMSG;
	return 0;
}

/* Receives a reply: an error without a descriptor, or the descriptor of an event. Returns the
 * descriptor, the error, or -EBADMSG where it is neither. */
static int take_reply(struct opener *opener)
{
	struct opener_reply reply;
	_cleanup_close_ int fd = -1;
	int r = receive_reply(opener, &reply, &fd);

	if (r < 0)
		return r;
	if (reply.error ? fd >= 0 || reply.error > 0 : !perf_event_is(fd))
		return -EBADMSG;
	opener->step = reply.error ? OPENER_ANSWER : OPENER_SELF;
	return reply.error ?: take_fd(&fd);
}

static int ask(struct opener *opener, enum perf_event_kind kind, unsigned cpu)
{
	int r = send_request(opener, kind, cpu);

	opener->step = OPENER_ASK;
	if (r < 0)
		return r;
	r = wait_reply(opener);
	return r < 0 ? r : take_reply(opener);
}

int opener_open(struct opener *opener, enum perf_event_kind kind, unsigned cpu)
{
	int fd = perf_event_open_disabled(kind, cpu);

	assert(opener->path);
	opener->step = OPENER_SELF;
	if (fd != -EACCES && fd != -EPERM)
		return fd;
	opener->step = OPENER_CONNECT;
	opener->connect_error = opener->socket < 0 ? make_connection(opener) : 0;
	return opener->connect_error < 0 ? fd : ask(opener, kind, cpu);
}

/* Explains why the kernel refused this process's own call. */
static void explain_refusal(char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int level = -1;

	if (f && fscanf(f, "%d", &level) != 1)
		level = -1;
	if (level > 2)
		snprintf(ret, size, "kernel.perf_event_paranoid is %d", level);
	else
		snprintf(ret, size,
			 "oxprofd itself is not permitted to (it needs CAP_PERFMON: see oxprofctl "
			 "doctor)");
}

void opener_explain(const struct opener *opener, int error, const char *what, char *ret_why,
		    size_t size)
{
	char refusal[120];

	assert(error < 0);
	explain_refusal(refusal, sizeof(refusal));
	switch (opener->step) {
	case OPENER_SELF:
		snprintf(ret_why, size, "cannot %s: %s", what, strerror(-error));
		break;
	case OPENER_CONNECT:
		snprintf(ret_why, size,
			 "cannot %s: %s, and oxprof-opener is not running at %s (%s); start it: "
			 "systemctl start oxprof-opener.socket",
			 what, refusal, opener->path, strerror(-opener->connect_error));
		break;
	case OPENER_ASK:
		snprintf(ret_why, size,
			 "cannot %s: %s, and oxprof-opener did not answer at %s (%s); see: "
			 "journalctl -u 'oxprof-opener@*'",
			 what, refusal, opener->path, strerror(-error));
		break;
	case OPENER_ANSWER:
		snprintf(ret_why, size,
			 "cannot %s: %s, and oxprof-opener could not either (%s); it needs "
			 "CAP_SYS_ADMIN: systemctl cat oxprof-opener@.service",
			 what, refusal, strerror(-error));
		break;
	}
}
