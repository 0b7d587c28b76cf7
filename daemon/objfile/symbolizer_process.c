/* SPDX-License-Identifier: MIT */
/* The process of the symbolizer: its start, its end, and the packets to and from it. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "daemon/base/cleanup.h"
#include "daemon/objfile/symbolizer_internal.h"
#include "daemon/process/process.h"

/*
 * Executes the program. This runs in the child of vfork(), in the daemon's own memory, so it may do
 * no more than system calls. Ambient capabilities would come through exec() and could not be
 * dropped after it where capset() is filtered; without them a user that is not root has none then.
 * Returns the errno of the failure.
 */
static int become_program(const char *program, char *const argv[], char *const envp[], int socket)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	/* dup2() to itself would keep its FD_CLOEXEC. */
	if ((socket == WIRE_FD ? fcntl(socket, F_SETFD, 0) : dup2(socket, WIRE_FD)) < 0)
		return errno;
	execve(program, argv, envp);
	return errno;
}

/* Starts the program by vfork(), since copying the page tables of a daemon with large maps would
 * cost more than all the rest. Signals are blocked meanwhile, so that no handler of the daemon runs
 * in the child. Returns its pid or a negative errno. */
static int spawn(const char *program, int socket)
{
	char *const argv[] = {(char *)program, NULL}, *const envp[] = {NULL};
	volatile int error = 0;
	const struct sched_param normal = {};
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = vfork();
	if (pid == 0) {
		error = become_program(program, argv, envp, socket);
		_exit(127);
	}
	if (pid < 0)
		error = errno;
	/* How long it runs is up to whoever wrote the files: so it loses the daemon's priority
	 * (daemon/base/priority.h) here, after exec(), which the daemon waits for. */
	if (pid > 0)
		(void)sched_setscheduler(pid, SCHED_OTHER, &normal);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (error && pid > 0)
		waitpid(pid, NULL, 0);
	return error ? -error : pid;
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void forget(int *fd, int epoll)
{
	if (*fd < 0)
		return;
	epoll_ctl(epoll, EPOLL_CTL_DEL, *fd, NULL);
	close(*fd);
	*fd = -1;
}

/* Adds the socket and the pidfd of the process to the epoll. Returns 0 or a negative errno. */
static int watch_process(const struct symbolizer_process *process, int epoll)
{
	int r = watch(epoll, process->pidfd);

	return r < 0 ? r : watch(epoll, process->socket);
}

int symbolizer_process_start(struct symbolizer_process *process, const char *program, int epoll)
{
	int sockets[2], pid, r;

	assert(process->pid == 0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	pid = spawn(program, sockets[1]);
	close(sockets[1]);
	if (pid < 0) {
		close(sockets[0]);
		return -EIO;
	}
	*process = (struct symbolizer_process){
		.pid = pid, .socket = sockets[0], .pidfd = pidfd_open(pid, 0)};
	r = process->pidfd < 0 ? -errno : watch_process(process, epoll);
	if (r < 0) {
		symbolizer_process_stop(process, epoll);
		waitpid(pid, NULL, 0); /* no file keeps it yet */
		forget(&process->pidfd, epoll);
		*process = (struct symbolizer_process){.pidfd = -1, .socket = -1};
	}
	return r;
}

void symbolizer_process_stop(struct symbolizer_process *process, int epoll)
{
	if (process->pid <= 0)
		return;
	kill(process->pid, SIGKILL);
	forget(&process->socket, epoll);
}

bool symbolizer_process_is_runnable(const struct symbolizer_process *process)
{
	struct process_stat stat;

	return process->pid > 0 && process_read_stat("/proc", process->pid, &stat) == 0 &&
	       stat.state == 'R';
}

uint64_t symbolizer_process_cpu_ns(const struct symbolizer_process *process)
{
	struct timespec used = {};
	clockid_t clock;

	if (process->pid <= 0 || clock_getcpuclockid(process->pid, &clock) != 0)
		return 0;
	(void)clock_gettime(clock, &used);
	return used.tv_sec * UINT64_C(1000000000) + used.tv_nsec;
}

static int tell_end(const struct symbolizer_process *process, int status)
{
	if (!process->is_ready)
		return -EIO;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		return -ETIMEDOUT;
	return -EBADMSG;
}

int symbolizer_process_reap(struct symbolizer_process *process, int epoll, int *ret_error)
{
	int status = 0;
	pid_t pid;

	if (process->pid <= 0)
		return 0;
	pid = waitpid(process->pid, &status, WNOHANG);
	if (pid == 0 || (pid < 0 && errno == EINTR))
		return 0;
	*ret_error = tell_end(process, status);
	forget(&process->socket, epoll);
	forget(&process->pidfd, epoll);
	*process = (struct symbolizer_process){.pidfd = -1, .socket = -1};
	return 1;
}

int symbolizer_process_send(const struct symbolizer_process *process,
			    const struct symbolizer_request *request)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(WIRE_FILES * sizeof(int))];
	} control = {};
	const struct wire_request *wire = &request->wire;
	struct iovec parts[] = {
		{(void *)wire, sizeof(*wire)},
		{(void *)request->addresses, wire->n_addresses * sizeof(request->addresses[0])}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = array_length(parts)};
	size_t n = 0;

	assert(process->pid > 0 && wire->n_addresses <= SYMBOLIZER_NAMES_MAX);
	for (size_t i = 0; i < WIRE_FILES; i++)
		if (request->files[i] >= 0)
			memcpy(CMSG_DATA(&control.head) + n++ * sizeof(int), &request->files[i],
			       sizeof(int));
	control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	message.msg_control = &control;
	message.msg_controllen = CMSG_SPACE(n * sizeof(int));
	return sendmsg(process->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* Returns the one descriptor of a reply; -1 if it has none. No descriptor is kept of a symbolizer
 * that sends another number of them. */
static int take_descriptor(const struct msghdr *message)
{
	const struct cmsghdr *control = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (control && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS &&
	    control->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(control), sizeof(fd));
	return fd;
}

/* Has room for one descriptor: the kernel closes any others. */
int symbolizer_process_receive(struct symbolizer_process *process, struct wire_reply *ret,
			       int *ret_fd)
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
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (process->socket < 0)
		return 0;
	n = recvmsg(process->socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	fd = take_descriptor(&message);
	if (n == 0)
		return -EPIPE;
	if (n != sizeof(*ret) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return -EBADMSG;
	*ret_fd = take_fd(&fd);
	return 1;
}
