/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "client/base/output.h"
#include "daemon/base/cleanup.h"
#include "tests/support/directory.h"
#include "tests/support/skip.h"

define_cleanup(struct output *, output_free);

static char directory[4096];

static void enter(void)
{
	directory_make(directory, sizeof(directory));
	cr_assert_eq(chdir(directory), 0);
	signal(SIGPIPE, SIG_IGN);
	umask(027);
}

static void leave(void)
{
	directory_remove(directory);
}

TestSuite(client_output, .init = enter, .fini = leave);

static void expect_text(const char *name, const char *expected)
{
	char text[256] = "";
	FILE *file = fopen(name, "re");

	cr_assert_not_null(file, "%s", name);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	cr_expect_str_eq(text, expected);
}

static size_t count_temporary(void)
{
	glob_t found;
	size_t n;

	glob(".oxprof-*", 0, NULL, &found);
	n = found.gl_pathc;
	globfree(&found);
	return n;
}

static void put(const char *name, const char *text)
{
	_cleanup_(output_free_p) struct output *output = NULL;
	_cleanup_free_ char *why = NULL;

	cr_assert_eq(output_open(name, &output, &why), 0, "%s", why);
	fputs(text, output_file(output));
	cr_assert_eq(output_finish(output, &why), 0, "%s", why);
}

static void expect_refused(const char *name, int error, const char *expected)
{
	struct output *output = NULL;
	_cleanup_free_ char *why = NULL;

	cr_expect_eq(output_open(name, &output, &why), error, "%s", name);
	cr_expect_str_eq(why, expected);
	cr_expect_null(output);
	cr_expect_eq(count_temporary(), 0);
}

Test(client_output, a_file_is_there_when_it_is_complete)
{
	_cleanup_(output_free_p) struct output *output = NULL;
	_cleanup_free_ char *why = NULL;
	struct stat st;

	cr_assert_eq(output_open("a", &output, &why), 0);
	fputs("text\n", output_file(output));
	fflush(output_file(output));
	cr_expect_lt(access("a", F_OK), 0);
	cr_expect_eq(count_temporary(), 1);
	cr_assert_eq(output_finish(output, &why), 0);
	expect_text("a", "text\n");
	cr_expect_eq(count_temporary(), 0);
	cr_assert_eq(stat("a", &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0640);
}

Test(client_output, what_was_there_stays_until_then)
{
	struct output *output;
	char *why;

	put("a", "old\n");
	cr_assert_eq(output_open("a", &output, &why), 0);
	fputs("new\n", output_file(output));
	output_free(output);
	expect_text("a", "old\n");
	cr_expect_eq(count_temporary(), 0);
	put("a", "new\n");
	expect_text("a", "new\n");
}

/* A file that only its owner could read stays unreadable for others. */
Test(client_output, keeps_the_mode)
{
	struct stat st;

	put("a", "one\n");
	cr_assert_eq(stat("a", &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0640);
	cr_assert_eq(chmod("a", 0600), 0);
	put("a", "two\n");
	expect_text("a", "two\n");
	cr_assert_eq(stat("a", &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
}

/* A report of root into a user's file leaves it the user's. */
Test(client_output, keeps_the_owner)
{
	struct stat st;

	put("theirs", "old");
	if (chown("theirs", 1234, 5678) < 0)
		skip_loudly("giving files away needs root");
	put("theirs", "new");
	expect_text("theirs", "new");
	cr_assert_eq(stat("theirs", &st), 0);
	cr_expect_eq(st.st_uid, 1234);
	cr_expect_eq(st.st_gid, 5678);
}

/* A file of somebody else that may be written is filled, since a new one could not be theirs. */
Test(client_output, fills_the_file_of_somebody_else)
{
	struct stat before, after;
	int status;
	pid_t pid;

	put("theirs", "old and longer");
	if (getuid() != 0)
		skip_loudly("becoming somebody else needs root");
	cr_assert_eq(chmod("theirs", 0666), 0);
	cr_assert_eq(chmod(".", 0777), 0);
	cr_assert_eq(stat("theirs", &before), 0);
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(1);
		put("theirs", "new");
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	expect_text("theirs", "new");
	cr_assert_eq(stat("theirs", &after), 0);
	cr_expect_eq(after.st_uid, before.st_uid);
	cr_expect_eq(after.st_ino, before.st_ino);
	cr_expect_eq(count_temporary(), 0);
}

/* Nothing is left of a longer old file, wherever it is. */
Test(client_output, in_shared_memory)
{
	char name[64];

	snprintf(name, sizeof(name), "/dev/shm/oxprof-test-%d", getpid());
	put(name, "long ago\n");
	put(name, "new\n");
	expect_text(name, "new\n");
	unlink(name);
}

/* The temporary file is beside the real one, wherever that is, also through links. */
Test(client_output, in_other_places)
{
	struct stat st;

	cr_assert_eq(mkdir("d", 0777), 0);
	put("d/a", "one\n");
	cr_assert_eq(symlink("d/a", "link"), 0);
	put("link", "two\n");
	expect_text("d/a", "two\n");
	cr_assert_eq(lstat("link", &st), 0);
	cr_expect(S_ISLNK(st.st_mode));
}

Test(client_output, signals_leave_nothing)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < array_length(numbers); i++) {
		pid_t pid = fork();
		int status;

		cr_assert_geq(pid, 0);
		if (!pid) {
			struct output *output;
			char *why;

			signal(numbers[i], SIG_DFL);
			if (output_open("a", &output, &why) == 0 && count_temporary() == 1)
				raise(numbers[i]);
			_exit(1);
		}
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
		cr_expect_eq(count_temporary(), 0);
		cr_expect_lt(access("a", F_OK), 0);
	}
}

Test(client_output, no_regular_file_is_written_directly)
{
	char text[16] = "";
	int fd;

	cr_assert_eq(mkfifo("fifo", 0600), 0);
	fd = open("fifo", O_RDWR | O_CLOEXEC);
	put("fifo", "text");
	cr_expect_eq(read(fd, text, sizeof(text) - 1), 4);
	cr_expect_str_eq(text, "text");
	put("/dev/null", "text");
	cr_expect_eq(count_temporary(), 0);
	close(fd);
}

Test(client_output, refusals_name_the_file)
{
	cr_assert_eq(mkdir("d", 0777), 0);
	expect_refused("d", -EISDIR, "cannot write d: Is a directory");
	expect_refused("none/a", -ENOENT, "cannot write none/a: No such file or directory");
}

Test(client_output, a_full_disk)
{
	_cleanup_(output_free_p) struct output *output = NULL;
	_cleanup_free_ char *why = NULL;

	cr_assert_eq(output_open("/dev/full", &output, &why), 0);
	for (int i = 0; i < 100000 && !ferror(output_file(output)); i++)
		fputs("0123456789", output_file(output));
	cr_expect(ferror(output_file(output)));
	cr_expect_eq(output_error(output), -ENOSPC);
	cr_expect_eq(output_finish(output, &why), -ENOSPC);
	cr_expect_str_eq(why, "cannot write /dev/full: No space left on device");
}

/* That nobody reads on is a failure without a message. */
Test(client_output, a_pipe_that_was_left)
{
	_cleanup_(output_free_p) struct output *output = NULL;
	_cleanup_free_ char *why = NULL;
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	cr_assert_geq(dup2(ends[1], STDOUT_FILENO), 0);
	cr_assert_eq(output_open(NULL, &output, &why), 0);
	fputs("text", output_file(output));
	cr_expect_eq(output_finish(output, &why), -EPIPE);
	cr_expect_null(why);
}
