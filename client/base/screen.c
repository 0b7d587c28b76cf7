/* SPDX-License-Identifier: MIT */
#include "client/base/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"

#define NOT_FOUND 127 /* the status of a shell for a command that it does not find */

void screen_detect(int fd, struct screen *ret)
{
	const char *term = getenv("TERM"), *no_colour = getenv("NO_COLOR");
	struct winsize size = {0};

	*ret = (struct screen){.terminal = isatty(fd)};
	if (!ret->terminal)
		return;
	ret->colour = term && strcmp(term, "dumb") != 0 && !(no_colour && *no_colour);
	ret->columns = 80;
	ret->rows = 24;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
		ret->columns = size.ws_col;
		ret->rows = size.ws_row;
	}
}

const char *screen_style(const struct screen *screen, const char *style)
{
	return screen->colour ? style : "";
}

bool screen_needs_pager(const struct screen *screen, const char *text, size_t length)
{
	size_t lines = 0;

	if (!screen->terminal)
		return false;
	for (const char *at = text; (at = memchr(at, '\n', length - (size_t)(at - text))); at++)
		lines++;
	return lines >= screen->rows;
}

int screen_write(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EAGAIN) /* another process set the terminal to non-blocking */
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
		else if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	return 0;
}

/* True if this runs with the rights of somebody else than who logged in (sudo, su), or nobody did.
 * Their environment then chooses no program, and the pager starts none: as systemctl has it. */
static bool is_raised(void)
{
	uid_t uid;

	return sd_pid_get_owner_uid(0, &uid) < 0 || uid != geteuid();
}

static void __attribute__((noreturn)) run_pager(const char *pager, bool secure, int in)
{
	signal(SIGPIPE, SIG_DFL);
	setenv("LESSCHARSET", "utf-8", 0);
	if (secure)
		setenv("LESSSECURE", "1", 1);
	dup2(in, STDIN_FILENO);
	if (pager && !secure)
		execl("/bin/sh", "sh", "-c", pager, NULL);
	else
		execlp("less", "less", "-FRSXMK", NULL);
	_exit(NOT_FOUND);
}

int screen_page(const char *text, size_t length)
{
	const char *pager = getenv("PAGER");
	bool secure = is_raised();
	int ends[2], status;
	pid_t pid;

	if (pager && (!*pager || strcmp(pager, "cat") == 0))
		return -ENOENT;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -ENOENT;
	pid = fork();
	if (pid == 0)
		run_pager(pager, secure, ends[0]);
	close(ends[0]);
	if (pid > 0)
		screen_write(ends[1], text, length);
	close(ends[1]);
	if (pid < 0)
		return -ENOENT;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND ? -ENOENT : 0;
}
