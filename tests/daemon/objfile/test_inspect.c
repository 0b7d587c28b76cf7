/* SPDX-License-Identifier: MIT */
/* Tests with the real program at the other end, and with some that do not answer. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/base/cleanup.h"
#include "daemon/objfile/inspect.h"
#include "tests/support/directory.h"

define_cleanup(struct inspector *, inspector_free);

static const struct elf_info nothing;

static struct inspector *start(const char *program)
{
	struct inspector *inspector;

	cr_assert_eq(inspector_new(program, "/", &inspector), 0);
	return inspector;
}

static bool has_child(void)
{
	siginfo_t info = {};

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static int open_self(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

Test(inspector, tells_at_once)
{
	_cleanup_(inspector_free_p) struct inspector *inspector = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_self();
	struct elf_info info = {};

	cr_assert(!has_child());
	cr_assert_eq(inspect_file(inspector, fd, &info), 0);
	cr_expect_gt(info.n_segments, 0);
	cr_expect_gt(info.build_id_bytes, 0);
	cr_assert(fcntl(fd, F_GETFD) >= 0, "the descriptor is the caller's");
	info = nothing;
	cr_assert_eq(inspect_file(inspector, fd, &info), 0);
	cr_expect_gt(info.n_segments, 0);
}

Test(inspector, tells_that_it_is_no_elf_file)
{
	_cleanup_(inspector_free_p) struct inspector *inspector = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int text = memfd_create("text", MFD_CLOEXEC), self = open_self();
	struct elf_info info = {.n_segments = 5};

	cr_assert_eq(write(text, "#!/bin/sh\n", 10), 10);
	cr_assert_eq(inspect_file(inspector, text, &info), -ENOEXEC);
	cr_assert_arr_eq(&info, &nothing, sizeof(info));
	cr_assert_eq(inspect_file(inspector, -1, &info), -EBADMSG);
	cr_assert_eq(inspect_file(inspector, self, &info), 0);
}

Test(inspector, tells_of_an_interpreter)
{
	_cleanup_(inspector_free_p) struct inspector *inspector = start(OX_SYMBOLIZER_BUILT);
	_cleanup_close_ int fd = open_self(), text = memfd_create("text", MFD_CLOEXEC);
	_cleanup_close_ int seed = open("fuzz/seeds/python_file/gnu", O_RDONLY | O_CLOEXEC);
	static const struct symbolizer_python none;
	struct elf_info info;
	struct symbolizer_python python = {.n_ranges = 5};

	cr_assert_eq(inspect_python(inspector, fd, &python), 0);
	cr_assert_arr_eq(&python, &none, sizeof(python));
	cr_assert_eq(inspect_file(inspector, fd, &info), 0, "one after the other");
	cr_assert_eq(info.has_python, 0);
	cr_assert_eq(inspect_python(inspector, seed, &python), 0);
	cr_assert_eq(python.kind, SYMBOLIZER_PYTHON_CPYTHON);
	cr_assert_eq(python.version_hex, 0x030d01f0);
	cr_assert_eq(inspect_file(inspector, seed, &info), 0);
	cr_assert_eq(info.has_python, 1);
	cr_assert_eq(inspect_python(inspector, text, &python), -ENOEXEC);
	cr_assert_arr_eq(&python, &none, sizeof(python));
}

Test(inspector, rests)
{
	_cleanup_(inspector_free_p) struct inspector *inspector = start(OX_SYMBOLIZER_BUILT);
	struct pollfd pollfd = {.fd = inspector_fd(inspector), .events = POLLIN};
	_cleanup_close_ int fd = open_self();
	struct elf_info info;

	cr_assert_eq(inspect_file(inspector, fd, &info), 0);
	cr_assert(has_child());
	inspector_stop_if_idle(inspector);
	cr_assert_eq(poll(&pollfd, 1, 600000), 1);
	inspector_dispatch(inspector);
	cr_assert(!has_child());
	cr_assert_eq(inspect_file(inspector, fd, &info), 0);
}

Test(inspector, one_that_cannot_be_started_is_not_the_files_fault)
{
	_cleanup_(inspector_free_p) struct inspector *none =
		start("/nonexistent/oxprof-symbolizer");
	_cleanup_(inspector_free_p) struct inspector *ends = start("/bin/true");
	_cleanup_close_ int fd = open_self();
	struct elf_info info;

	cr_assert_eq(inspect_file(none, fd, &info), -EAGAIN);
	cr_assert_eq(inspect_file(ends, fd, &info), -EAGAIN);
	cr_assert_arr_eq(&info, &nothing, sizeof(info));
}

/* Starts an inspector whose symbolizer is a shell script. */
static struct inspector *start_script(char directory[static 256], const char *script)
{
	char program[300];
	FILE *file;

	directory_make(directory, 256);
	snprintf(program, sizeof(program), "%s/symbolizer", directory);
	file = fopen(program, "we");
	cr_assert(file && fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(chmod(program, 0755), 0);
	return start(program);
}

/* The first files use up the time, then no file gets any. */
Test(inspector, waits_a_share_of_the_time)
{
	char directory[256];
	_cleanup_(inspector_free_p) struct inspector *inspector =
		start_script(directory, "exec sleep 1000");
	_cleanup_close_ int fd = open_self();
	struct elf_info info = {.n_segments = 5};
	int r;

	cr_assert_eq(inspect_file(inspector, fd, &info), -ETIMEDOUT);
	cr_assert_arr_eq(&info, &nothing, sizeof(info));
	/* A busy machine may stand still meanwhile, and so earn time. */
	for (int i = 0; (r = inspect_file(inspector, fd, &info)) != -EAGAIN && i < 20; i++)
		cr_assert_eq(r, -ETIMEDOUT);
	cr_assert_eq(r, -EAGAIN);
	directory_remove(directory);
}

/* Starts a process that keeps a CPU busy, whose number *ret_cpu gets. */
static pid_t burn(int *ret_cpu)
{
	cpu_set_t allowed, one;
	pid_t pid;

	cr_assert_eq(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	for (*ret_cpu = 0; !CPU_ISSET(*ret_cpu, &allowed);)
		++*ret_cpu;
	pid = fork();
	if (pid != 0)
		return pid;
	CPU_ZERO(&one);
	CPU_SET(*ret_cpu, &one);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sched_setaffinity(0, sizeof(one), &one);
	for (;;)
		;
}

/* A missing CPU is not the file's fault, and the next file is not tried at once. */
Test(inspector, a_reader_without_a_cpu_is_no_proof_against_the_file)
{
	char directory[256], script[256];
	_cleanup_(inspector_free_p) struct inspector *inspector = NULL;
	_cleanup_close_ int fd = open_self();
	struct elf_info info;
	int cpu;
	pid_t pid = burn(&cpu);

	snprintf(script, sizeof(script),
		 "exec taskset -c %d chrt -i 0 sh -c 'while true; do :; done'", cpu);
	inspector = start_script(directory, script);
	cr_assert_eq(inspect_file(inspector, fd, &info), -EAGAIN);
	cr_assert_eq(inspect_file(inspector, fd, &info), -EAGAIN);
	kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	directory_remove(directory);
}
