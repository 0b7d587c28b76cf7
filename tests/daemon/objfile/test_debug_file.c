/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"
#include "daemon/objfile/debug_file.h"
#include "daemon/symbolizer/elf_info.h"
#include "tests/support/directory.h"
#include "tests/support/fake/inspector.h"
#include "tests/support/shell.h"

#define run(...) shell_run(directory, __VA_ARGS__)

/* A /proc of the test's own: process 10 with a root of its own, and process 1 for the machine. */
static char directory[256];
static char proc[300];

static void set_up(void)
{
	directory_make(directory, sizeof(directory));
	snprintf(proc, sizeof(proc), "%s/proc", directory);
	run("mkdir -p proc/1 proc/10 machine own/opt && ln -s ../../machine proc/1/root && "
	    "ln -s ../../own proc/10/root");
}

static void tear_down(void)
{
	directory_remove(directory);
}

TestSuite(debug_file, .init = set_up, .fini = tear_down);

/* Makes own/opt/program, stripped, and its debug file as program.debug, both with that build-id. */
static void make_program(const char *id)
{
	run("echo 'int main(void) { return 0; }' >p.c && cc -g -Wl,--build-id=%s p.c -o full && "
	    "objcopy --only-keep-debug full program.debug && "
	    "strip full -o own/opt/program && "
	    "objcopy --add-gnu-debuglink=program.debug own/opt/program",
	    id);
}

static uint64_t inode_of(const char *path)
{
	char full[600];
	struct stat st;

	snprintf(full, sizeof(full), "%s/%s", directory, path);
	cr_assert_eq(stat(full, &st), 0, "%s", full);
	return st.st_ino;
}

static int find(int fd, struct debug_file *ret)
{
	struct elf_info info;
	const struct debug_file_owner owner = {10, fd, "/opt/program", &info};

	(void)elf_info_read(fd, &info);
	return debug_file_find(&fake_inspector, proc, &owner, ret);
}

/* Expects the debug file and the shared one; NULL if none is to be found. */
static void assert_found(const char *debug, const char *alt)
{
	char path[600];
	struct debug_file found;
	int fd;

	snprintf(path, sizeof(path), "%s/own/opt/program", directory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(find(fd, &found), 0);
	close(fd);
	cr_assert_eq(found.debug >= 0, debug != NULL, "debug file of %s", debug ?: "none");
	cr_assert_eq(found.alt >= 0, alt != NULL);
	cr_assert_eq(found.debug_id.inode, debug ? inode_of(debug) : 0);
	cr_assert_eq(found.alt_id.inode, alt ? inode_of(alt) : 0);
	debug_file_done(&found);
}

static void place(const char *path)
{
	run("mkdir -p $(dirname %s) && cp program.debug %s", path, path);
}

#define BY_ID "usr/lib/debug/.build-id/ab/cdef.debug"

Test(debug_file, by_build_id_and_the_own_root_first)
{
	make_program("0xabcdef");
	assert_found(NULL, NULL);
	place("machine/" BY_ID);
	assert_found("machine/" BY_ID, NULL);
	place("own/" BY_ID);
	assert_found("own/" BY_ID, NULL);
}

Test(debug_file, by_link_beside_in_debug_and_below)
{
	make_program("0xabcdef");
	place("own/usr/lib/debug/opt/program.debug");
	assert_found("own/usr/lib/debug/opt/program.debug", NULL);
	place("own/opt/.debug/program.debug");
	assert_found("own/opt/.debug/program.debug", NULL);
	place("own/opt/program.debug");
	assert_found("own/opt/program.debug", NULL);
}

Test(debug_file, by_link_without_a_build_id)
{
	make_program("none");
	place("own/opt/program.debug");
	assert_found("own/opt/program.debug", NULL);
}

Test(debug_file, one_of_another_build_is_not_taken)
{
	make_program("0x123456");
	place("own/" BY_ID);
	place("own/opt/program.debug");
	make_program("0xabcdef");
	assert_found(NULL, NULL);
}

Test(debug_file, no_link_leads_out_of_the_root)
{
	make_program("0xabcdef");
	run("mkdir -p own/usr/lib/debug/.build-id/ab && "
	    "ln -s $PWD/program.debug own/" BY_ID);
	assert_found(NULL, NULL);
	run("ln -s /program.debug own/opt/program.debug && mkfifo own/program.debug");
	assert_found(NULL, NULL);
}

Test(debug_file, the_file_itself_is_no_debug_file)
{
	make_program("0xabcdef");
	run("ln own/opt/program own/opt/program.debug");
	assert_found(NULL, NULL);
}

Test(debug_file, what_dwz_put_apart)
{
	if (system("command -v dwz >/dev/null") != 0)
		cr_skip_test("dwz is not installed");
	make_program("0xabcdef");
	run("cp program.debug other.debug && mkdir -p own/usr/lib/debug/.dwz && "
	    "dwz -m common -M /usr/lib/debug/.dwz/common program.debug other.debug && "
	    "cp common own/usr/lib/debug/.dwz/common");
	place("own/" BY_ID);
	assert_found("own/" BY_ID, "own/usr/lib/debug/.dwz/common");
	run("cp other.debug own/usr/lib/debug/.dwz/common");
	assert_found("own/" BY_ID, NULL);
}

Test(debug_file, a_file_with_everything_needs_none)
{
	make_program("0xabcdef");
	place("own/" BY_ID);
	run("cp full own/opt/program");
	assert_found(NULL, NULL);
}

/* A build-id comes from the database, too: nothing but hex digits may get into a path. */
Test(debug_file, path_of_a_build_id)
{
	static const char *const others[] = {
		"",         "ab",    "abc",  "ABCD",
		"../../..", "ab/cd", "abcg", "000000000000000000000000000000000000000000"};
	char path[DEBUG_FILE_PATH_BYTES] = "";

	cr_expect_eq(debug_file_format_path("ab01", path), 0);
	cr_expect_str_eq(path, "/usr/lib/debug/.build-id/ab/01.debug");
	cr_expect_eq(debug_file_format_path("0123456789abcdef0123456789abcdef01234567", path), 0);
	cr_expect_str_eq(path, "/usr/lib/debug/.build-id/01/"
			       "23456789abcdef0123456789abcdef01234567.debug");
	for (size_t i = 0; i < array_length(others); i++)
		cr_expect_eq(debug_file_format_path(others[i], path), -EINVAL, "%s", others[i]);
}

Test(debug_file, build_id_in_words)
{
	_cleanup_close_ int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct debug_file found;
	char path[600];
	int fd;

	make_program("0xabcdef");
	snprintf(path, sizeof(path), "%s/own/opt/program", directory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(find(fd, &found), 0);
	close(fd);
	cr_assert_str_eq(found.build_id, "abcdef");
	cr_assert_eq(find(null, &found), 0);
	cr_assert_str_empty(found.build_id);
	cr_assert_lt(found.debug, 0);
}

/* A worse file is not taken instead. */
Test(debug_file, one_that_cannot_be_looked_at_for_now)
{
	struct debug_file found;
	char path[600];
	int fd;

	make_program("0xabcdef");
	snprintf(path, sizeof(path), "%s/own/opt/program", directory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	fake_inspector.error = -EAGAIN;
	cr_assert_eq(find(fd, &found), 0, "there is none to be looked at");
	place("machine/" BY_ID);
	cr_assert_eq(find(fd, &found), -EAGAIN);
	cr_assert_lt(found.debug, 0);
	fake_inspector.error = -EBADMSG;
	cr_assert_eq(find(fd, &found), 0);
	cr_assert_lt(found.debug, 0);
	fake_inspector.error = 0;
	cr_assert_eq(find(fd, &found), 0);
	cr_assert_geq(found.debug, 0);
	debug_file_done(&found);
	close(fd);
}
