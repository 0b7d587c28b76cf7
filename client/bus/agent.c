/* SPDX-License-Identifier: MIT */
#include "client/bus/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"

#define AGENT      "/usr/bin/pkttyagent"
#define START_MSEC 10000

static void __attribute__((noreturn)) run_agent(pid_t parent, int notify)
{
	char number[16];
	sigset_t none;

	/* The caller may have blocked signals; agent_stop() needs SIGTERM to arrive. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* The agent must not outlive a client that is interrupted. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	signal(SIGPIPE, SIG_DFL);
	fcntl(notify, F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", notify);
	/* The agent opens the terminal by itself, and must not write into this program's output. */
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execl(AGENT, AGENT, "--notify-fd", number, "--fallback", NULL);
	_exit(1);
}

static void wait_until_closed(int fd)
{
	struct pollfd pollfd = {.fd = fd};

	while (poll(&pollfd, 1, START_MSEC) < 0 && errno == EINTR)
		;
}

pid_t agent_start(void)
{
	_cleanup_close_ int ready = -1;
	pid_t parent = getpid(), pid;
	int ends[2];

	if (geteuid() == 0 || !isatty(STDIN_FILENO) || access(AGENT, X_OK) < 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	ready = ends[0];
	pid = fork();
	if (pid == 0)
		run_agent(parent, ends[1]);
	close(ends[1]);
	if (pid < 0)
		return 0;
	wait_until_closed(ready);
	return pid;
}

void agent_stop(pid_t agent)
{
	if (agent <= 0)
		return;
	kill(agent, SIGTERM);
	kill(agent, SIGCONT); /* the agent may be stopped, waiting for the terminal */
	while (waitpid(agent, NULL, 0) < 0 && errno == EINTR)
		;
}
