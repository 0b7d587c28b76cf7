/* SPDX-License-Identifier: MIT */
/* The real program at the other end, unless a test puts a script of its own there. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/objfile/symbolizer.h"
#include "daemon/objfile/symbolizer_internal.h"
#include "tests/support/skip.h"

#define PATIENCE_USEC UINT64_C(600000000)
#define NOBODY        65534
#define LIBC          "/lib/x86_64-linux-gnu/libc.so.6"

define_cleanup(struct symbolizer *, symbolizer_free);

/* The outcome of a request. */
struct outcome {
	int calls;
	int error;
	size_t n_rows;
	size_t n_rules;
	int order;
};

static int calls_so_far;

static void note_table(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct outcome *outcome = userdata;
	struct symbolizer_table table = {};

	outcome->calls++;
	outcome->error = error;
	outcome->order = ++calls_so_far;
	if (error == 0)
		symbolizer_reply_get_table(reply, &table);
	outcome->n_rows = table.n_rows;
	outcome->n_rules = table.n_rules;
}

static struct symbolizer *start(const char *program)
{
	struct symbolizer *symbolizer;

	cr_assert_eq(symbolizer_new(program, &symbolizer), 0);
	return symbolizer;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	cr_assert(fd >= 0, "%s: %m", path);
	return fd;
}

static int make_file(const void *data, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	cr_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	return fd;
}

/* Finds the symbolizer, which is the only child of a test. */
static int find_child(void)
{
	char path[64];
	_cleanup_fclose_ FILE *file = NULL;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file = fopen(path, "r");
	cr_assert_not_null(file);
	cr_assert_eq(fscanf(file, "%d", &pid), 1);
	return pid;
}

static bool has_child(void)
{
	siginfo_t info = {};

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void get_status(int pid, const char *name, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *file = NULL;
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	*ret = '\0';
	while (fgets(line, sizeof(line), file))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			snprintf(ret, size, "%.*s", (int)strcspn(line + strlen(name) + 2, "\n"),
				 line + strlen(name) + 2);
}

Test(symbolizer, makes_the_table_of_libc)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome outcome = {};

	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcome), 0);
	cr_assert_eq(symbolizer_count_open(symbolizer), 1);
	cr_assert_eq(outcome.calls, 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	cr_assert_eq(outcome.calls, 1);
	cr_assert_eq(outcome.error, 0, "%d", outcome.error);
	cr_assert_gt(outcome.n_rows, 20000);
	cr_assert_gt(outcome.n_rules, 100);
	cr_assert(fcntl(fd, F_GETFD) >= 0, "the descriptor is the caller's");
}

static void note_python(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct symbolizer_python *python = userdata;

	cr_assert_eq(error, 0, "%d", error);
	symbolizer_reply_get_python(reply, python);
}

Test(symbolizer, tells_of_an_interpreter)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int libc = open_file(LIBC), seed = open_file("fuzz/seeds/python_file/sysv");
	struct symbolizer_python none = {.kind = 7}, python;

	cr_assert_eq(symbolizer_ask_python(symbolizer, libc, note_python, &none), 0);
	cr_assert_eq(symbolizer_ask_python(symbolizer, seed, note_python, &python), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	cr_expect_eq(none.kind, SYMBOLIZER_PYTHON_NONE);
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_CPYTHON);
	cr_expect_eq(python.version_hex, 0x030d01f0);
	cr_expect_eq(python.offsets[95], 99);
	cr_expect_eq(python.n_ranges, 2);
}

Test(symbolizer, answers_in_order)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int libc = open_file(LIBC), text = make_file("no ELF", 6);
	struct outcome outcomes[20] = {};

	calls_so_far = 0;
	for (int i = 0; i < 20; i++)
		cr_assert_eq(symbolizer_ask_table(symbolizer, i % 5 ? text : libc, note_table,
						  &outcomes[i]),
			     0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	for (int i = 0; i < 20; i++) {
		cr_expect_eq(outcomes[i].order, i + 1);
		cr_expect_eq(outcomes[i].error, i % 5 ? -ENOEXEC : 0);
	}
}

/* The files of a user that are asked about in a row keep nobody else's waiting. */
Test(symbolizer, users_take_turns)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int own = make_file("no ELF", 6), other = make_file("no ELF", 6);
	struct outcome outcomes[12] = {};

	if (fchown(other, 65534, 65534) < 0)
		skip_loudly("needs root: the file of another user");
	calls_so_far = 0;
	for (int i = 0; i < 12; i++)
		cr_assert_eq(symbolizer_ask_table(symbolizer, i < 10 ? other : own, note_table,
						  &outcomes[i]),
			     0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	/* The first one was sent at once; then it is the turn of the one who has used nothing. */
	cr_expect_eq(outcomes[0].order, 1);
	cr_expect_eq(outcomes[10].order, 2);
	cr_expect_leq(outcomes[11].order, 12);
	for (int i = 1; i < 10; i++)
		cr_expect_gt(outcomes[i].order, outcomes[i - 1].order, "one user's are in order");
}

/* Nor do they fill the list. */
Test(symbolizer, a_user_has_a_part_of_the_list)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int own = make_file("no ELF", 6), other = make_file("no ELF", 6);
	struct outcome outcome = {};
	int n = 0;

	if (fchown(other, 65534, 65534) < 0)
		skip_loudly("needs root: the file of another user");
	while (n < SYMBOLIZER_REQUESTS_MAX &&
	       symbolizer_ask_table(symbolizer, other, note_table, &outcome) == 0)
		n++;
	cr_expect_eq(n, SYMBOLIZER_REQUESTS_PER_USER);
	cr_expect_eq(symbolizer_ask_table(symbolizer, own, note_table, &outcome), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
}

Test(symbolizer, wakes_its_event_loop)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome outcome = {};
	struct pollfd pollfd = {.fd = symbolizer_fd(symbolizer), .events = POLLIN};

	cr_assert_eq(poll(&pollfd, 1, 0), 0);
	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcome), 0);
	while (outcome.calls == 0) {
		cr_assert_eq(poll(&pollfd, 1, 600000), 1);
		symbolizer_dispatch(symbolizer);
	}
	cr_assert_eq(outcome.error, 0);
	cr_assert_eq(poll(&pollfd, 1, 0), 0, "nothing is left to do");
	cr_assert_eq(symbolizer_fd(symbolizer), pollfd.fd);
}

Test(symbolizer, has_no_rights)
{
	static const char *const names[] = {"CapEff", "CapPrm", "CapInh", "CapAmb"};
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome outcome = {};
	char text[64];
	int pid;

	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcome), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	pid = find_child();
	for (size_t i = 0; i < array_length(names); i++) {
		get_status(pid, names[i], text, sizeof(text));
		cr_expect_str_eq(text, "0000000000000000", "%s", names[i]);
	}
	get_status(pid, "Seccomp", text, sizeof(text));
	cr_expect_str_eq(text, "2");
	get_status(pid, "NoNewPrivs", text, sizeof(text));
	cr_expect_str_eq(text, "1");
	if (geteuid() == 0) {
		get_status(pid, "Uid", text, sizeof(text));
		cr_expect_str_eq(text, "65534\t65534\t65534\t65534");
	}
}

/* The process has its own socket and the streams that lead nowhere; the requests' files are
 * closed. */
Test(symbolizer, keeps_no_file)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_file(LIBC), open_end = dup(fd);
	struct outcome outcome = {};
	char path[64], target[64];
	int pid;

	if (geteuid() != 0)
		skip_loudly("needs root to look: the files of the symbolizer were NOT tested");
	cr_assert(open_end >= 0); /* not close-on-exec */
	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcome), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	pid = find_child();
	for (int i = 0; i < 64; i++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, i);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (i < 3)
			cr_expect_str_eq(target, "/dev/null");
		else if (i == WIRE_FD)
			cr_expect(strncmp(target, "socket:", 7) == 0, "%s", target);
		else if (strncmp(target, "/memfd:reply", 12) !=
			 0) /* the process may be closing it */
			cr_expect_str_eq(target, "", "%d", i);
	}
}

Test(symbolizer, death_costs_the_question_in_front)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome first = {}, outcomes[3] = {};

	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &first), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	/* The process stands still, so that it cannot have answered when it is killed. */
	cr_assert_eq(kill(find_child(), SIGSTOP), 0);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcomes[i]), 0);
	cr_assert_eq(kill(find_child(), SIGKILL), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	cr_expect_eq(outcomes[0].error, -EBADMSG);
	cr_expect_eq(outcomes[1].error, 0);
	cr_expect_eq(outcomes[2].error, 0);
	cr_expect_eq(outcomes[2].n_rows, first.n_rows);
}

/* A symbolizer that died without a request is nobody's fault. */
Test(symbolizer, death_in_idleness_costs_nothing)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome first = {}, second = {};
	siginfo_t info;

	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &first), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	cr_assert_eq(kill(find_child(), SIGKILL), 0);
	cr_assert_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &second), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	cr_expect_eq(second.error, 0);
}

/* The process dies of the signal of its own limit of CPU time, which is reported as such. */
Test(symbolizer, tells_time_that_is_over)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome first = {}, second = {};

	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &first), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	cr_assert_eq(kill(find_child(), SIGSTOP), 0);
	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &second), 0);
	cr_assert_eq(kill(find_child(), SIGPROF), 0);
	cr_assert_eq(kill(find_child(), SIGCONT), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	cr_expect_eq(second.error, -ETIMEDOUT);
}

Test(symbolizer, rests)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome outcome = {};
	struct pollfd pollfd = {.fd = symbolizer_fd(symbolizer), .events = POLLIN};

	symbolizer_stop_if_idle(symbolizer);
	cr_assert(!has_child());
	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcome), 0);
	symbolizer_stop_if_idle(symbolizer);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC), "not while it is asked");
	cr_assert_eq(outcome.error, 0);
	symbolizer_stop_if_idle(symbolizer);
	cr_assert_eq(poll(&pollfd, 1, 600000), 1);
	symbolizer_dispatch(symbolizer);
	cr_assert(!has_child());
	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcome), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	cr_assert_eq(outcome.calls, 2);
}

Test(symbolizer, free_answers_what_is_open)
{
	struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome outcomes[2] = {};

	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcomes[0]), 0);
	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcomes[1]), 0);
	symbolizer_free(symbolizer);
	cr_assert_eq(outcomes[0].error, -ECANCELED);
	cr_assert_eq(outcomes[1].error, -ECANCELED);
	cr_assert(!has_child());
}

Test(symbolizer, says_when_it_cannot_be_started)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer =
		start("/nonexistent/oxprof-symbolizer");
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome outcome = {};

	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcome), -EIO);
	cr_assert_eq(symbolizer_ask_table(symbolizer, -1, note_table, &outcome), -EIO);
	cr_assert_eq(outcome.calls, 0);
	cr_assert_eq(symbolizer_count_open(symbolizer), 0);
}

/* A process that ends before it has said hello fails all requests, and is not started for each. */
Test(symbolizer, says_when_it_gives_up)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start("/bin/true");
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome outcomes[3] = {};

	for (int i = 0; i < 3; i++)
		cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcomes[i]), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	for (int i = 0; i < 3; i++)
		cr_expect_eq(outcomes[i].error, -EIO);
}

Test(symbolizer, has_bounds)
{
	struct outcome outcome =
		{}; /* outlives the symbolizer, which has a request open at the end */
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = make_file("no ELF", 6);
	const struct symbolizer_files files = {SYMBOLIZER_ELF_VADDRS, fd, -1, -1};
	static const uint64_t addresses[SYMBOLIZER_NAMES_MAX + 1];
	int r;

	cr_assert_eq(symbolizer_ask_names(symbolizer, &files, addresses, 0, note_table, &outcome),
		     -EINVAL);
	cr_assert_eq(symbolizer_ask_names(symbolizer, &files, addresses, SYMBOLIZER_NAMES_MAX + 1,
					  note_table, &outcome),
		     -EINVAL);
	do
		r = symbolizer_ask_table(symbolizer, fd, note_table, &outcome);
	while (r == 0);
	cr_assert(r == -EBUSY || r == -EMFILE, "%d", r);
	cr_assert(symbolizer_count_open(symbolizer) <= SYMBOLIZER_REQUESTS_MAX);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, note_table, &outcome), 0);
}

static struct symbolizer *asking;

static void ask_again(void *userdata, int error, const struct symbolizer_reply *reply)
{
	struct outcome *outcome = userdata;

	outcome->calls++;
	outcome->error = error;
	if (outcome->calls < 3)
		symbolizer_ask_table(asking, outcome->order, ask_again, outcome);
}

Test(symbolizer, can_be_asked_from_an_answer)
{
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_file(LIBC);
	struct outcome outcome = {.order = fd};

	asking = symbolizer;
	cr_assert_eq(symbolizer_ask_table(symbolizer, fd, ask_again, &outcome), 0);
	cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
	cr_assert_eq(outcome.calls, 3);
	cr_assert_eq(outcome.error, 0);
}

/* Becomes a service user with ambient capabilities, as the unit of systemd makes it. */
static bool become_service(void)
{
	const uint32_t bit = 1u << CAP_SYS_PTRACE;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct data[2] = {{bit, bit, bit}};

	if (geteuid() != 0)
		return true;
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 &&
	       setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0 &&
	       syscall(SYS_capset, &header, data) == 0 &&
	       prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_PTRACE, 0, 0) == 0;
}

/* Refuses the system calls that the unit refuses. */
static bool refuse_as_the_unit(void)
{
	static const int calls[] = {SCMP_SYS(seccomp), SCMP_SYS(setrlimit), SCMP_SYS(setresuid),
				    SCMP_SYS(setgroups), SCMP_SYS(capset)};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;

	if (!become_service())
		return false;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && r == 0; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
	return r == 0 && seccomp_load(filter) == 0;
}

static void ask_libc(void)
{
	struct outcome outcome = {};
	struct symbolizer *symbolizer;
	char program[64];
	int fd = open(LIBC, O_RDONLY), built = open(OX_SYMBOLIZER_BUILT, O_PATH);

	/* The directories of a build may be closed to other users. */
	snprintf(program, sizeof(program), "/proc/self/fd/%d", built);
	if (!refuse_as_the_unit() || symbolizer_new(program, &symbolizer) < 0 ||
	    symbolizer_ask_table(symbolizer, fd, note_table, &outcome) < 0)
		_exit(1);
	_exit(symbolizer_wait(symbolizer, PATIENCE_USEC) && outcome.error == 0 ? 0 : 2);
}

Test(symbolizer, works_under_the_unit)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		ask_libc();
	cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%#x", status);
}

/*
 * This program as a hostile symbolizer: started as one, it never comes to its tests. The first
 * address of a request says which deed it has to do.
 */

enum {
	DEED_COUNT,    /* says -ENODATA to the first request, -EFBIG to others */
	DEED_NONSENSE, /* an answer that is not sealed */
	DEED_ERROR,    /* an unknown error */
	DEED_EXIT,
	DEED_DEAF, /* closes its socket, and stays */
};

static void send_packet(int error, uint32_t bytes, int fd)
{
	const struct wire_reply answer = {error, bytes};
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec part = {(void *)&answer, sizeof(answer)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	sendmsg(WIRE_FD, &message, 0);
}

static void do_deed(uint64_t deed, int n_asked)
{
	if (deed == DEED_COUNT)
		send_packet(n_asked ? -EFBIG : -ENODATA, 0, -1);
	else if (deed == DEED_NONSENSE)
		send_packet(0, 6, make_file("answer", 6));
	else if (deed == DEED_ERROR)
		send_packet(-EPERM, 0, -1);
	else if (deed == DEED_EXIT)
		_exit(0);
	close(deed == DEED_DEAF ? WIRE_FD : -1);
	while (deed == DEED_DEAF)
		pause();
}

__attribute__((constructor)) static void be_reader(void)
{
	struct {
		struct wire_request request;
		uint64_t deed;
	} packet;
	socklen_t size = sizeof(int);
	int type = 0;

	if (getsockopt(WIRE_FD, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET ||
	    environ[0])
		return;
	send_packet(0, WIRE_HELLO, -1);
	for (int n = 0; recv(WIRE_FD, &packet, sizeof(packet), 0) > 0; n++)
		do_deed(packet.deed, n);
	_exit(0);
}

static void note_error(void *userdata, int error, const struct symbolizer_reply *reply)
{
	*(int *)userdata = error;
}

static void ask_deed(struct symbolizer *symbolizer, uint64_t deed, int *error)
{
	const struct symbolizer_files files = {SYMBOLIZER_ELF_VADDRS, -1, -1, -1};

	cr_assert_eq(symbolizer_ask_names(symbolizer, &files, &deed, 1, note_error, error), 0);
}

/* Each misdeed fails its request, and ends the process. */
Test(symbolizer, is_not_believed)
{
	static const uint64_t misdeeds[] = {DEED_NONSENSE, DEED_EXIT, DEED_DEAF};
	_cleanup_(symbolizer_free_p) struct symbolizer *symbolizer = start("/proc/self/exe");
	int errors[5];

	for (size_t i = 0; i < array_length(misdeeds); i++) {
		ask_deed(symbolizer, DEED_COUNT, &errors[0]);
		ask_deed(symbolizer, DEED_COUNT, &errors[1]);
		ask_deed(symbolizer, misdeeds[i], &errors[2]);
		ask_deed(symbolizer, DEED_COUNT, &errors[3]);
		ask_deed(symbolizer, DEED_ERROR, &errors[4]);
		cr_assert(symbolizer_wait(symbolizer, PATIENCE_USEC));
		cr_expect_eq(errors[0], i ? -EFBIG : -ENODATA);
		cr_expect_eq(errors[1], -EFBIG);
		cr_expect_eq(errors[2], -EBADMSG);
		cr_expect_eq(errors[3], -ENODATA, "another process");
		cr_expect_eq(errors[4], -EBADMSG);
	}
}
