/* SPDX-License-Identifier: MIT */
/* The direct connection, which is for root alone: so root runs the test. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/bus/direct.h"
#include "tests/support/directory.h"

static char directory[256];
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static sd_event *event;
static struct direct *direct;
static int n_connections;

static int answer(sd_bus_message *call, void *userdata, sd_bus_error *error)
{
	return sd_bus_reply_method_return(call, "s", "here");
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Ask", "", "s", answer, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

static int add_object(void *userdata, sd_bus *bus)
{
	n_connections++;
	return sd_bus_add_object_vtable(bus, NULL, "/it", "it.It", vtable, userdata);
}

static void start(void)
{
	if (getuid() != 0)
		cr_skip_test("needs root");
	directory_make(directory, sizeof(directory));
	/* Other users get as far as the socket. */
	cr_assert_eq(chmod(directory, 0755), 0);
	cr_assert_lt(snprintf(address.sun_path, sizeof(address.sun_path), "%s/direct", directory),
		     (int)sizeof(address.sun_path));
	cr_assert_geq(sd_event_new(&event), 0);
	cr_assert_eq(direct_new(event, address.sun_path, add_object, NULL, &direct), 0);
}

static void stop(void)
{
	direct = direct_free(direct);
	event = sd_event_unref(event);
	if (directory[0])
		directory_remove(directory);
}

TestSuite(direct, .init = start, .fini = stop, .timeout = 1000);

static int connect_to_it(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* Returns the exit status of the child: 0 where the answer is as it should be. */
static int ask(void)
{
	sd_bus *bus = NULL;
	sd_bus_message *reply = NULL;
	const char *text = "";
	int fd = connect_to_it();
	int r = sd_bus_new(&bus);

	r = r < 0 ? r : sd_bus_set_fd(bus, fd, fd);
	r = r < 0 ? r : sd_bus_start(bus);
	r = r < 0 ? r
		  : sd_bus_call_method(bus, "its.name", "/it", "it.It", "Ask", NULL, &reply, "");
	r = r < 0 ? r : sd_bus_message_read(reply, "s", &text);
	return r < 0 ? 2 : strcmp(text, "here") != 0;
}

/* Runs the loop until the child has ended. Returns its exit status. */
static int run_until_end(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0)
		cr_assert_geq(sd_event_run(event, 10000), 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int ask_as(uid_t uid)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(setuid(uid) < 0 ? 3 : ask());
	return run_until_end(pid);
}

static void turn(void)
{
	while (sd_event_run(event, 0) > 0)
		;
}

Test(direct, root_is_answered_again_and_again)
{
	for (int i = 0; i < 2 * DIRECT_MAX; i++)
		cr_assert_eq(ask_as(0), 0, "%d", i);
	cr_assert_eq(n_connections, 2 * DIRECT_MAX);
}

Test(direct, nobody_else_gets_to_it)
{
	cr_assert_neq(ask_as(65534), 0);
	/* Others are refused also where the mode of the socket lets them in. */
	cr_assert_eq(chmod(address.sun_path, 0777), 0);
	cr_assert_neq(ask_as(65534), 0);
	cr_assert_eq(n_connections, 0);
	cr_assert_eq(ask_as(0), 0);
}

Test(direct, too_many_wait_for_their_turn)
{
	int fds[DIRECT_MAX];
	pid_t pid;

	for (int i = 0; i < DIRECT_MAX; i++) {
		fds[i] = connect_to_it();
		turn();
	}
	cr_assert_eq(n_connections, DIRECT_MAX);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < DIRECT_MAX; i++)
			close(fds[i]);
		_exit(ask());
	}
	for (int i = 0; i < 10; i++)
		(void)sd_event_run(event, 10000);
	cr_assert_eq(n_connections, DIRECT_MAX);
	close(fds[3]);
	cr_assert_eq(run_until_end(pid), 0);
	for (int i = 0; i < DIRECT_MAX; i++)
		if (i != 3)
			close(fds[i]);
}

Test(direct, what_is_no_bus_message_ends_the_connection)
{
	int fd = connect_to_it();
	char bytes[4096] = {};

	turn();
	memset(bytes, 'x', sizeof(bytes));
	(void)send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
	turn();
	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
	close(fd);
	cr_assert_eq(ask_as(0), 0);
}

Test(direct, takes_the_place_of_what_was_left_there)
{
	char long_path[512];

	direct = direct_free(direct);
	cr_assert_eq(direct_new(event, address.sun_path, add_object, NULL, &direct), 0);
	cr_assert_eq(ask_as(0), 0);
	direct = direct_free(direct);
	cr_assert_eq(direct_new(event, "/nonexistent/direct", add_object, NULL, &direct), -ENOENT);
	snprintf(long_path, sizeof(long_path), "%s/%0200d", directory, 0);
	cr_assert_eq(direct_new(event, long_path, add_object, NULL, &direct), -ENAMETOOLONG);
}
