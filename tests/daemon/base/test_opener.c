/* SPDX-License-Identifier: MIT */
/* The daemon's end: a filter refuses this thread its own events, and a thread plays oxprof-opener.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/opener.h"
#include "daemon/base/opener_wire.h"
#include "daemon/opener/connection.h"
#include "tests/support/directory.h"
#include "tests/support/skip.h"

#define EVENT ""

/* The behaviour of the other side at a request. */
enum deed { SERVE, HANG_UP, STAY_SILENT, REPLY };

static struct {
	pthread_t thread;
	int socket;
	enum deed deed;
	/* REPLY */
	int32_t reply[2];
	size_t reply_bytes;
	const char *files[2]; /* opened and sent with it; EVENT: an event */
	/* The connections that the other side saw. */
	unsigned n_connections;
} helper;
static struct opener opener;
static char directory[80], path[108];

static void helper_reply(int connection)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {.head = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {helper.reply, helper.reply_bytes};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	int fds[2];
	size_t n = 0;

	for (; n < 2 && helper.files[n]; n++)
		fds[n] = *helper.files[n] ? open(helper.files[n], O_RDONLY | O_CLOEXEC)
					  : perf_event_open_disabled(PERF_EVENT_TICK, 0);
	if (n) {
		control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	sendmsg(connection, &message, MSG_NOSIGNAL);
	while (n > 0)
		close(fds[--n]);
}

static void helper_serve(int connection)
{
	struct opener_request request;
	const char *why;

	if (helper.deed == SERVE) {
		connection_serve(connection, getuid(), OPENER_IDLE_MS, &why);
		return;
	}
	recv(connection, &request, sizeof(request), 0);
	if (helper.deed == HANG_UP)
		return;
	if (helper.deed == REPLY)
		helper_reply(connection);
	recv(connection, &request, sizeof(request), 0); /* until it is left */
}

static void *helper_run(void *userdata)
{
	int connection;

	while ((connection = accept4(helper.socket, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		helper.n_connections++;
		helper_serve(connection);
		close(connection);
	}
	return NULL;
}

/* Makes the kernel refuse events to this thread and those that it makes. */
static void refuse_events(int error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	cr_assert_not_null(filter);
	cr_assert_eq(seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), SCMP_SYS(perf_event_open), 0),
		     0);
	cr_assert_eq(seccomp_load(filter), 0);
	seccomp_release(filter);
}

static void set_up(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	directory_make(directory, sizeof(directory));
	snprintf(path, sizeof(path), "%s/opener", directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	helper.socket = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(helper.socket, (struct sockaddr *)&address, sizeof(address)), 0);
	opener_init(&opener, path);
}

/* Starts the helper, whose thread is made before the filter: its events are not refused. */
static void start(enum deed deed)
{
	helper.deed = deed;
	cr_assert_eq(listen(helper.socket, 4), 0);
	cr_assert_eq(pthread_create(&helper.thread, NULL, helper_run, NULL), 0);
	refuse_events(EACCES);
}

static void tear_down(void)
{
	opener_done(&opener);
	if (helper.thread) {
		shutdown(helper.socket, SHUT_RDWR);
		pthread_join(helper.thread, NULL);
	}
	close(helper.socket);
	directory_remove(directory);
}

TestSuite(opener, .init = set_up, .fini = tear_down);

static void need_root(void)
{
	if (geteuid() != 0)
		skip_loudly("needs root: no event was opened");
}

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	cr_assert_not_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* Waits until n descriptors are open. The helper's are among them until it has seen the end of the
 * connection. */
static void wait_for_descriptors(unsigned n)
{
	while (count_descriptors() > n)
		usleep(1000);
	cr_expect_eq(count_descriptors(), n);
}

/* Checks for one line that says what the daemon's journal and oxprofctl need. */
static void expect_explained(int error, const char *part, const char *other)
{
	char why[512];

	opener_explain(&opener, error, "open a timer on each CPU", why, sizeof(why));
	cr_expect_eq(strncmp(why, "cannot open a timer on each CPU: ", 33), 0, "%s", why);
	cr_expect(strstr(why, part) && strstr(why, other), "%s", why);
	cr_expect_null(strchr(why, '\n'), "%s", why);
	cr_expect_lt(strlen(why), sizeof(why) - 1);
}

Test(opener, nobody_is_asked_where_the_own_call_will_do)
{
	_cleanup_close_ int fd = -1;

	need_root();
	fd = opener_open(&opener, PERF_EVENT_TICK, 0);
	cr_assert_geq(fd, 0, "%s", strerror(-fd));
	cr_expect_eq(opener.socket, -1);
}

Test(opener, what_is_refused_is_asked_for_over_one_connection)
{
	need_root();
	start(SERVE);
	cr_assert_eq(perf_event_open_disabled(PERF_EVENT_TICK, 0), -EACCES);
	for (int kind = PERF_EVENT_TICK; kind < PERF_EVENT_KINDS; kind++) {
		int fd = opener_open(&opener, kind, 0);

		cr_assert_geq(fd, 0, "%s", strerror(-fd));
		cr_expect(perf_event_is(fd));
		cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		close(fd);
	}
	cr_expect_eq(helper.n_connections, 1);
	/* The next batch starts with a connection of its own. */
	opener_done(&opener);
	opener_init(&opener, path);
	close(opener_open(&opener, PERF_EVENT_TICK, 0));
	cr_expect_eq(helper.n_connections, 2);
}

Test(opener, where_nobody_listens_the_refusal_stays)
{
	refuse_events(EPERM);
	cr_expect_eq(opener_open(&opener, PERF_EVENT_TICK, 0), -EPERM);
	expect_explained(-EPERM, "oxprof-opener is not running at", "(Connection refused)");
	expect_explained(-EPERM, path, "systemctl start oxprof-opener.socket");
	remove(path);
	cr_expect_eq(opener_open(&opener, PERF_EVENT_TICK, 0), -EPERM);
	expect_explained(-EPERM, "oxprof-opener is not running at", "(No such file or directory)");
}

Test(opener, a_path_that_is_too_long_is_none)
{
	char name[200];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	opener_init(&opener, name);
	refuse_events(EPERM);
	cr_expect_eq(opener_open(&opener, PERF_EVENT_TICK, 0), -EPERM);
	expect_explained(-EPERM, "not running", "(File name too long)");
}

Test(opener, one_that_hangs_up_is_told)
{
	start(HANG_UP);
	cr_expect_eq(opener_open(&opener, PERF_EVENT_TICK, 0), -ECONNRESET);
	expect_explained(-ECONNRESET, "oxprof-opener did not answer",
			 "journalctl -u 'oxprof-opener@*'");
}

Test(opener, one_that_is_stuck_is_left)
{
	start(STAY_SILENT);
	opener.wait_ns = 20000000;
	cr_expect_eq(opener_open(&opener, PERF_EVENT_TICK, 0), -ETIMEDOUT);
	/* The rest of the batch does not wait again either. */
	opener.wait_ns = OPENER_WAIT_NS;
	cr_expect_eq(opener_open(&opener, PERF_EVENT_SIDE_BAND, 0), -ETIMEDOUT);
	expect_explained(-ETIMEDOUT, "oxprof-opener did not answer", "(Connection timed out)");
}

Test(opener, its_refusal_is_told)
{
	helper.reply[0] = -EACCES;
	helper.reply_bytes = 4;
	start(REPLY);
	cr_expect_eq(opener_open(&opener, PERF_EVENT_TICK, 0), -EACCES);
	expect_explained(-EACCES, "oxprof-opener could not either (Permission denied)",
			 "CAP_SYS_ADMIN");
}

/* A CPU that went offline since: the others go on. */
Test(opener, its_errors_are_handed_on)
{
	helper.reply[0] = -ENODEV;
	helper.reply_bytes = 4;
	start(REPLY);
	cr_expect_eq(opener_open(&opener, PERF_EVENT_TICK, 0), -ENODEV);
}

Test(opener, replies_that_are_none_leave_no_descriptor)
{
	static const struct {
		int32_t error;
		size_t bytes;
		const char *files[2];
	} replies[] = {
		{0, 4, {}},
		{0, 4, {"/dev/null"}},
		{0, 4, {EVENT, EVENT}},
		{-EACCES, 4, {EVENT}},
		{EACCES, 4, {}},
		{0, 1, {EVENT}},
		{0, 8, {EVENT}},
	};
	unsigned before;

	need_root();
	start(REPLY);
	before = count_descriptors();
	for (size_t i = 0; i < array_length(replies); i++) {
		helper.reply[0] = replies[i].error;
		helper.reply_bytes = replies[i].bytes;
		memcpy(helper.files, replies[i].files, sizeof(helper.files));
		cr_expect_eq(opener_open(&opener, PERF_EVENT_TICK, 0), -EBADMSG, "%zu", i);
		expect_explained(-EBADMSG, "did not answer", "Bad message");
		opener_done(&opener);
		wait_for_descriptors(before);
		opener_init(&opener, path);
	}
}
