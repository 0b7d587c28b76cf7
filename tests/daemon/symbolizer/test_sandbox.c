/* SPDX-License-Identifier: MIT */
/* Each case is a process of its own that enters the sandbox and tries something there. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/symbolizer_wire.h"
#include "daemon/symbolizer/sandbox.h"

#define KEPT 3

typedef bool (*deed_fn)(void);

/* Returns how the process ended: with 0 if the deed was done, 1 if not, 2 without the sandbox. */
static int run(deed_fn before, deed_fn deed)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		const char *what;

		if ((before && !before()) || sandbox_enter(KEPT, &what) < 0)
			_exit(2);
		_exit(deed() ? 0 : 1);
	}
	cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

#define expect_works(deed)                                                \
	do {                                                              \
		int s = run(NULL, deed);                                  \
		cr_expect(WIFEXITED(s) && WEXITSTATUS(s) == 0, "%#x", s); \
	} while (0)
#define expect_killed(deed)                                                   \
	do {                                                                  \
		int s = run(NULL, deed);                                      \
		cr_expect(WIFSIGNALED(s) && WTERMSIG(s) == SIGSYS, "%#x", s); \
	} while (0)

static bool do_nothing(void)
{
	return true;
}

static bool make_answer(void)
{
	int fd = memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	char text[4];

	return fd >= 0 && write(fd, "text", 4) == 4 && pread(fd, text, 4, 0) == 4 &&
	       fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0 && fstat(fd, &st) == 0 &&
	       st.st_size == 4 && close(fd) == 0;
}

static bool use_memory(void)
{
	void *map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *text = malloc(3 << 20);

	if (map == MAP_FAILED || !text)
		return false;
	memset(text, 1, 3 << 20);
	text = realloc(text, 9 << 20);
	free(text);
	return munmap(map, 1 << 20) == 0;
}

Test(symbolizer_sandbox, leaves_what_is_needed)
{
	expect_works(do_nothing);
	expect_works(make_answer);
	expect_works(use_memory);
}

static bool open_by_name(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool read_a_link(void)
{
	char text[64];

	return readlink("/proc/self/exe", text, sizeof(text)) >= 0;
}

/* Refused with an errno: libraries try file names, and can do without. */
Test(symbolizer_sandbox, has_no_names)
{
	static const deed_fn deeds[] = {open_by_name, read_a_link};

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		int status = run(NULL, deeds[i]);

		cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%#x", status);
	}
}

static bool look_by_name(void)
{
	struct stat st;

	return stat("/etc/passwd", &st) == 0;
}

static bool make_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool make_child(void)
{
	return fork() >= 0;
}

static bool run_program(void)
{
	execl("/bin/true", "true", NULL);
	return false;
}

static bool send_signal(void)
{
	return kill(getppid(), 0) == 0;
}

static bool map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED;
}

static bool make_code(void)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(map, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool make_other_memory(void)
{
	return memfd_create("huge", MFD_HUGETLB) >= 0;
}

static bool change_user(void)
{
	return setresuid(0, 0, 0) == 0;
}

static bool trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool own_descriptor(void)
{
	return fcntl(KEPT, F_SETOWN, getppid()) == 0;
}

static bool raise_limit(void)
{
	const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	return setrlimit(RLIMIT_AS, &limit) == 0;
}

Test(symbolizer_sandbox, leaves_nothing_else)
{
	static const deed_fn deeds[] = {look_by_name, make_socket,    make_child,
					run_program,  send_signal,    map_code,
					make_code,    change_user,    make_other_memory,
					trace,        own_descriptor, raise_limit};

	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		expect_killed(deeds[i]);
}

static bool has_limits(void)
{
	/* Writing beyond the bound ends by SIGXFSZ. */
	int fd = memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char byte = 1;

	return syscall(SYS_lseek, fd, SYMBOLIZER_ANSWER_BYTES, SEEK_SET) >= 0 &&
	       write(fd, &byte, 1) < 0;
}

Test(symbolizer_sandbox, has_bounds)
{
	int status = run(NULL, has_limits);

	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ, "%#x", status);
}

static bool block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	return sigprocmask(SIG_SETMASK, &all, NULL) == 0 && signal(SIGPROF, SIG_IGN) != SIG_ERR;
}

static bool burn(void)
{
	const struct itimerval timer = {.it_value.tv_usec = 10000};
	volatile bool burns = true;

	setitimer(ITIMER_PROF, &timer, NULL);
	while (burns)
		;
	return false;
}

/* Signals that the daemon had blocked or ignored. */
Test(symbolizer_sandbox, can_be_ended_by_its_timer)
{
	int status = run(block_signals, burn);

	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF, "%#x", status);
}
