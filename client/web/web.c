/* SPDX-License-Identifier: MIT */
#include "client/web/web.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "client/base/failure.h"
#include "client/web/server.h"
#include "daemon/base/cleanup.h"

struct web {
	const struct request *request;
	struct web_server *server; /* NULL: it could not begin */
	bool hints;                /* somebody reads along */
};

define_cleanup(struct web_server *, web_server_free);

/* In one piece: the other threads say something, too. */
static void tell(const char *line)
{
	fprintf(stderr, "oxprofctl: web: %s\n", line);
}

static void on_event(void *userdata, enum web_event event)
{
	char line[160];

	snprintf(
		line, sizeof(line),
		event == WEB_EVENT_JOINED
			? "a browser has joined; for another address: kill -USR1 %d"
			: "refused: the address was used a second time; for another: kill -USR1 %d",
		(int)getpid());
	tell(line);
}

/* The secret is behind the '#': that part never leaves the browser, nor does it come into a log. */
static int print_address(const struct web *web)
{
	char invitation[WEB_SECRET_BYTES];
	int r;

	r = web_server_invite(web->server, invitation);
	if (r < 0)
		return r;
	printf(web->request->json ? "{\"url\":\"http://127.0.0.1:%u/#token=%s\"}\n"
				  : "http://127.0.0.1:%u/#token=%s\n",
	       (unsigned int)web_server_port(web->server), invitation);
	return fflush(stdout) == 0 ? 0 : -errno;
}

/* Blocks the signals that end or order something, in the threads to come as well. What nohup
 * ignores stays so. */
static int open_signals(void)
{
	struct sigaction hangup;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* 1: it goes on. 0: it is to end. */
static int handle_signal(const struct web *web, int signals)
{
	struct signalfd_siginfo info;
	int r;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return -errno;
	if (info.ssi_signo != SIGUSR1)
		return 0;
	r = print_address(web);
	return r < 0 ? r : 1;
}

static int wait_for_end(const struct web *web, int signals)
{
	struct pollfd fds[] = {
		{.fd = signals, .events = POLLIN},
		/* Only whether the terminal is still there: what is typed is for polkit's agent. */
		{.fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1},
	};
	int r = 1;

	while (r > 0) {
		if (poll(fds, array_length(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (fds[1].revents)
			return 0;
		r = handle_signal(web, signals);
	}
	return r;
}

static int serve(struct web *web)
{
	_cleanup_close_ int signals = open_signals();
	_cleanup_(web_server_free_p) struct web_server *server = NULL;
	const struct web_settings settings = {.port = web->request->port,
					      .no_ask_password = web->request->no_ask_password,
					      .on_event = on_event};
	int r;

	if (signals < 0)
		return signals;
	r = web_server_new(&settings, &server);
	if (r < 0)
		return r;
	web->server = server;
	r = print_address(web);
	if (r < 0)
		return r;
	if (web->hints)
		tell("open this address in a browser, once; Ctrl-C ends it");
	return wait_for_end(web, signals);
}

static char *explain(const struct web *web, int error)
{
	_cleanup_free_ char *what = NULL;

	if (!web->server && web->request->port &&
	    asprintf(&what, "web: cannot listen on port %u", (unsigned int)web->request->port) < 0)
		return NULL;
	return failure_describe(what ?: "web: cannot serve the page", NULL, NULL, error);
}

int web_run(struct bus *bus, const struct request *request, const struct screen *screen,
	    char **ret_why)
{
	_cleanup_tree_ struct json_object *status = NULL;
	struct web web = {.request = request, .hints = screen->terminal};
	int r;

	/* A page about a daemon that cannot be reached helps nobody. */
	r = bus_get_status(bus, &status);
	if (r < 0) {
		*ret_why = failure_describe("web", bus_get_error(bus), bus_get_error_text(bus), r);
		return r;
	}
	r = serve(&web);
	if (r < 0)
		*ret_why = explain(&web, r);
	return r;
}
