/* SPDX-License-Identifier: MIT */
/* Both ends: the daemon's, and oxprof-deputy in a process of its own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/objfile/deputy.h"
#include "tests/support/deputy.h"
#include "tests/support/directory.h"
#include "tests/support/shell.h"
#include "tests/support/skip.h"

#define WAIT_USEC UINT64_C(60000000)

#define run(...) shell_run(directory, __VA_ARGS__)

static char directory[256], path[300];
static struct deputy *deputy;
static int root = -1;

static const struct deputy_rights of_alice = {.uid = 12345, .gid = 12345};
static const struct deputy_rights of_root;

/* Makes the files. The directory own/ is the root of a process; alice is 12345, and bob is 12346.
 */
static void set_up(void)
{
	char own[300];

	directory_make(directory, sizeof(directory));
	snprintf(own, sizeof(own), "%s/own", directory);
	run("mkdir -p own/tmp own/home && chmod 755 . own && chmod 700 own/home && "
	    "for f in public secret alices bobs home/secret home/alices; do echo $f >own/$f; done "
	    "&& "
	    "chmod 644 own/public && chmod 600 own/secret own/alices own/bobs own/home/*");
	if (geteuid() == 0)
		run("chown 12345:12345 own/alices own/home own/home/alices && "
		    "chown 12346:12346 own/bobs");
	root = open(own, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(root, 0);
}

static void tear_down(void)
{
	deputy_free(deputy);
	close(root);
	directory_remove(directory);
}

TestSuite(deputy, .init = set_up, .fini = tear_down);

static void start(void)
{
	if (geteuid() != 0)
		skip_loudly("only root has the rights of others");
	deputy_serve_at(directory, path, sizeof(path));
	deputy = deputy_new(path);
	cr_assert_not_null(deputy);
}

static int open_with(const char *name, const struct deputy_rights *rights)
{
	return deputy_open(deputy, root, name, false, rights, WAIT_USEC);
}

static void expect_opens(const char *name, const struct deputy_rights *rights)
{
	_cleanup_close_ int fd = open_with(name, rights);
	char text[64] = "";

	cr_assert_geq(fd, 0, "%s: %s", name, strerror(-fd));
	cr_expect_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	cr_expect_gt(read(fd, text, sizeof(text) - 1), 0);
	cr_expect(strncmp(text, name + 1, strlen(name) - 1) == 0, "%s: %s", name, text);
}

Test(deputy, has_the_rights_that_it_is_told_and_no_others)
{
	start();
	expect_opens("/public", &of_alice);
	expect_opens("/alices", &of_alice);
	expect_opens("/home/alices", &of_alice);
	cr_expect_eq(open_with("/secret", &of_alice), -EACCES);
	cr_expect_eq(open_with("/bobs", &of_alice), -EACCES);
	cr_expect_eq(open_with("/home/secret", &of_alice), -EACCES);
	/* Root is a user here: what it may do to files of others is a capability. */
	expect_opens("/secret", &of_root);
	cr_expect_eq(open_with("/alices", &of_root), -EACCES);
	cr_expect_eq(open_with("/home/secret", &of_root), -EACCES);
	/* Nothing is left of the one before. */
	cr_expect_eq(open_with("/secret", &of_alice), -EACCES);
	expect_opens("/alices", &of_alice);
}

Test(deputy, has_the_groups_that_it_is_told)
{
	struct deputy_rights rights = of_alice;

	start();
	run("chgrp 4242 own/secret && chmod 640 own/secret");
	cr_expect_eq(open_with("/secret", &rights), -EACCES);
	rights.n_groups = 2;
	rights.groups[0] = 17;
	rights.groups[1] = 4242;
	expect_opens("/secret", &rights);
	rights.n_groups = 1;
	cr_expect_eq(open_with("/secret", &rights), -EACCES);
	rights.gid = 4242;
	expect_opens("/secret", &rights);
}

Test(deputy, is_not_led_astray)
{
	start();
	run("echo outside >public && ln -s /public own/absolute && ln -s ../../public own/tmp/up "
	    "&& "
	    "mkfifo -m 666 own/fifo && ln -s /proc/self/root/etc own/magic");
	expect_opens("/public", &of_alice);
	for (int i = 0; i < 2; i++) {
		_cleanup_close_ int fd = open_with(i ? "/absolute" : "/tmp/up", &of_alice);
		char text[8] = "";

		cr_assert_eq(read(fd, text, 6), 6);
		cr_expect_str_eq(text, "public", "inside");
	}
	cr_expect_eq(deputy_open(deputy, root, "/absolute", true, &of_alice, WAIT_USEC), -EINVAL,
		     "the link itself is no regular file");
	cr_expect_eq(open_with("/fifo", &of_alice), -EINVAL, "and it does not wait");
	cr_expect_eq(open_with("/tmp", &of_alice), -EINVAL);
	cr_expect_eq(open_with("/missing", &of_alice), -ENOENT);
	cr_expect_eq(open_with("/magic/passwd", &of_alice), -ENOENT);
	cr_expect_eq(open_with("public", &of_alice), -ENOENT);
	cr_expect_eq(open_with("", &of_alice), -ENOENT);
}

Test(deputy, that_was_stopped_is_there_again)
{
	start();
	expect_opens("/public", &of_alice);
	deputy_stop(deputy);
	deputy_stop(deputy);
	expect_opens("/public", &of_alice);
}

Test(deputy, a_path_that_is_too_long)
{
	char name[DEPUTY_PATH_BYTES + 1] = "/";

	start();
	memset(name + 1, 'a', DEPUTY_PATH_BYTES - 1);
	cr_expect_eq(open_with(name, &of_alice), -ENAMETOOLONG);
	name[DEPUTY_PATH_BYTES - 1] = 0;
	cr_expect_eq(open_with(name, &of_alice), -ENAMETOOLONG, "by the kernel");
}

Test(deputy, that_is_not_there)
{
	deputy = deputy_new("/nowhere/deputy");
	cr_expect_eq(deputy_prepare(deputy), -ENOENT);
	cr_expect_eq(open_with("/public", &of_alice), -ENOTCONN);
}

/* Makes it look as it does before systemd has started it: somebody listens, and nobody serves.
 */
static int listen_only(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/deputy", directory);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(fd, 8), 0);
	deputy = deputy_new(address.sun_path);
	return fd;
}

Test(deputy, that_has_not_started_or_hangs)
{
	struct deputy_reply reply = {};
	int listening = listen_only(), peer;

	cr_expect_eq(deputy_open(deputy, root, "/public", false, &of_alice, 1), -EAGAIN);
	peer = accept(listening, NULL, NULL);
	cr_assert_eq(send(peer, &reply, sizeof(reply), 0), (ssize_t)sizeof(reply));
	cr_expect_eq(deputy_open(deputy, root, "/public", false, &of_alice, 1000), -ETIMEDOUT);
	/* The late reply is not waited for: the next file gets a new connection. */
	cr_expect_eq(deputy_open(deputy, root, "/public", false, &of_alice, 1), -EAGAIN);
	close(peer);
	close(listening);
}

Test(deputy, that_answers_wrongly)
{
	static const struct deputy_reply replies[] = {
		{.id = 2, .error = -ENOENT}, /* to another request */
		{.id = 1, .error = 5},
		{.id = 1}, /* a file, but none comes with it */
	};

	int listening = listen_only();

	for (size_t i = 0; i < array_length(replies); i++) {
		struct deputy_reply hello = {}, reply = replies[i];
		int peer;

		cr_assert_eq(deputy_prepare(deputy), 0);
		peer = accept(listening, NULL, NULL);
		reply.id += i;
		cr_assert_eq(send(peer, &hello, sizeof(hello), 0), (ssize_t)sizeof(hello));
		cr_assert_eq(send(peer, &reply, sizeof(reply), 0), (ssize_t)sizeof(reply));
		cr_expect_eq(open_with("/public", &of_alice), -ENOTCONN, "%zu", i);
		close(peer);
	}
	close(listening);
}
