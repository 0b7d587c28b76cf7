/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/symbolizer_wire.h"

#define NOBODY 65534
/* Three for each of the SYMBOL_LOOKUP_FILES_MAX sets of files that stay open, and some more. */
#define FILES_MAX 64

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

/*
 * Replaces the fstat() of libc, which calls newfstatat(): that takes file names too, so that the
 * filter could not tell it from a look at any file. Every library of this program gets these
 * instead; which of the two names it calls depends on how it was built.
 */
int plain_fstat(int fd, struct stat *ret) __asm__("fstat");

int plain_fstat(int fd, struct stat *ret)
{
	return syscall(SYS_fstat, fd, ret);
}

int fstat(int fd, struct stat *ret)
{
	return syscall(SYS_fstat, fd, ret);
}

static int clear_signals(void)
{
	sigset_t none;

	/* Signals that the daemon blocks or ignores are inherited. */
	for (int i = 1; i < 32; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Points the standard streams to /dev/null: they are the daemon's, and lead to the journal. */
static int clear_streams(void)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (dup2(null, i) < 0)
			return -1;
	return 0;
}

static int limit(int resource, uint64_t value)
{
	const struct rlimit limit = {value, value};

	return setrlimit(resource, &limit);
}

static int limit_resources(void)
{
#ifndef HAS_ASAN /* the sanitizer's shadow takes 20 TiB of addresses */
	if (limit(RLIMIT_AS, SYMBOLIZER_MEMORY_BYTES) < 0)
		return -1;
#endif
	if (limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_FSIZE, SYMBOLIZER_ANSWER_BYTES) < 0 ||
	    limit(RLIMIT_NPROC, 0) < 0)
		return -1;
	return limit(RLIMIT_NOFILE, FILES_MAX);
}

/* Lets the kernel end this process first where memory runs out: another is started for the next
 * file. Where /proc cannot be written to, it stands behind others as the daemon does. */
static void go_first(void)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1000", 4);
}

/* Becomes nobody if it is root: a service user cannot become another. A user namespace may have no
 * such number; then it is a root without capabilities, which is no more than a user. */
static void leave_root(void)
{
	if (geteuid() != 0)
		return;
	(void)setgroups(0, NULL);
	(void)!setresgid(NOBODY, NOBODY, NOBODY);
	(void)!setresuid(NOBODY, NOBODY, NOBODY);
}

/* Drops all capabilities. Under a filter that refuses capset() they were already dropped by exec(),
 * for which the daemon provides: so only the capabilities that remain are checked. Inheritable ones
 * are of no use to a process that cannot exec(). */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	(void)syscall(SYS_capset, &header, data);
	header.version = _LINUX_CAPABILITY_VERSION_3;
	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	for (size_t i = 0; i < array_length(data); i++) {
		if (data[i].effective || data[i].permitted) {
			errno = EPERM;
			return -1;
		}
	}
	return 0;
}

/* Sets the flags of the process. This comes last, because a change of user resets some of them. */
static int set_flags(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* Calls that are allowed with any arguments. */
static const int plain_calls[] = {
#ifdef HAS_ASAN
	/* The sanitizer. */
	SCMP_SYS(sigaltstack), SCMP_SYS(sched_yield), SCMP_SYS(gettid), SCMP_SYS(getpid),
#endif
	/* Open descriptors. */
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(write),
	SCMP_SYS(close), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
	/* Memory; qsort() asks how much there is. */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(sysinfo),
	/* Time, the signals by which the process ends, and the locks of libc. */
	SCMP_SYS(clock_gettime), SCMP_SYS(setitimer), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
	SCMP_SYS(futex), SCMP_SYS(getrandom), SCMP_SYS(exit_group), SCMP_SYS(exit)};

static int allow_plain(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < array_length(plain_calls); i++) {
		int r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, plain_calls[i], 0);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Refuses calls with file names, without ending the process: libdw asks for the name of its file,
 * and looks for others that it mentions (.dwo, dwz), but can do without. Any other call that is not
 * foreseen is an attack. */
static int refuse_names(scmp_filter_ctx filter)
{
	static const int calls[] = {SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(readlink),
				    SCMP_SYS(readlinkat)};

	for (size_t i = 0; i < array_length(calls); i++) {
		int r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), calls[i], 0);

		if (r < 0)
			return r;
	}
	return 0;
}

static int allow_narrow(scmp_filter_ctx filter)
{
	static const int commands[] = {F_GETFD, F_GETFL, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS};
	const struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int r;

	r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_code);
	if (r < 0)
		return r;
	r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code);
	if (r < 0)
		return r;
	r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(memfd_create), 1,
			     SCMP_A1(SCMP_CMP_EQ, MFD_CLOEXEC | MFD_ALLOW_SEALING, 0));
	if (r < 0)
		return r;
	for (size_t i = 0; i < array_length(commands); i++) {
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				     SCMP_A1(SCMP_CMP_EQ, commands[i], 0));
		if (r < 0)
			return r;
	}
	return 0;
}

static int load_filter(scmp_filter_ctx filter)
{
	int r = allow_plain(filter);

	if (r < 0)
		return r;
	r = allow_narrow(filter);
	if (r < 0)
		return r;
	r = refuse_names(filter);
	return r < 0 ? r : seccomp_load(filter);
}

static int filter_calls(void)
{
	/* Where seccomp() itself is refused to the daemon, libseccomp cannot request the first
	 * action. The process has one thread, so that both are the same. */
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		filter = seccomp_init(SCMP_ACT_KILL_THREAD);
	if (!filter) {
		errno = ENOMEM;
		return -1;
	}
	r = load_filter(filter);
	seccomp_release(filter);
	errno = -r;
	return r;
}

int sandbox_enter(int keep, const char **ret_what)
{
	assert(keep > STDERR_FILENO);
	*ret_what = "signals";
	if (clear_signals() < 0)
		return -errno;
	*ret_what = "descriptors";
	if (close_range(keep + 1, ~0u, 0) < 0)
		return -errno;
	*ret_what = "limits";
	if (limit_resources() < 0)
		return -errno;
	go_first();
	leave_root();
	*ret_what = "capabilities";
	if (drop_capabilities() < 0)
		return -errno;
	*ret_what = "flags";
	if (set_flags() < 0)
		return -errno;
	*ret_what = "streams";
	if (clear_streams() < 0)
		return -errno;
	*ret_what = "system-call filter";
	return filter_calls() < 0 ? -errno : 0;
}
