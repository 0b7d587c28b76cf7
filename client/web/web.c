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
	struct web_server *server; /* NULL: the server did not start */
	bool hints;                /* the output is a terminal, so print hints */
};

define_cleanup(struct web_server *, web_server_free);

/* Prints the line in one piece, because other threads print, too. */
static void tell(const char *line)
{
	fprintf(stderr, "oxprofctl: web: %s\n", line);
}

static void tell_of_browser(const char *what)
{
	char line[160];

	snprintf(line, sizeof(line), "%s; for another address: kill -USR1 %d", what, (int)getpid());
	tell(line);
}

static void on_event(void *userdata, enum web_event event)
{
	switch (event) {
	case WEB_EVENT_JOINED:
		return tell_of_browser("a browser has joined");
	case WEB_EVENT_USED_AGAIN:
		return tell_of_browser("refused a browser: its address was used before");
	case WEB_EVENT_STRANGER:
		return tell("closed a connection of another user of this machine; others of "
			    "that kind will not be told");
	case WEB_EVENT_BLIND:
		return tell("the kernel does not tell whose a connection is, so only the secret "
			    "in the address keeps other users of this machine out");
	}
}

/* Prints an address with a new invitation. The invitation stands after the '#', since a browser
 * does not send that part, and so it is in no log. Returns 0 or a negative errno. */
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

/* Opens a descriptor for the signals that end the program or ask for an address, and blocks them,
 * also for later threads. A SIGHUP that nohup ignores stays ignored. Returns the descriptor or a
 * negative errno. */
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

/* Reads a signal and does what it asks for. Returns 1, 0 where the program shall end, or a negative
 * errno. */
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
		/* This only watches whether the terminal goes; polkit's agent reads the input. */
		{.fd = isatty(STDIN_FILENO) ? STDIN_FILENO : -1},
		{.fd = web_server_get_fd(web->server), .events = POLLIN},
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
		if (fds[2].revents)
			web_server_shut_late(web->server);
		if (fds[0].revents)
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

	/* A page is useless while the daemon cannot be reached. */
	r = bus_get_status(bus, NULL, &status);
	if (r < 0) {
		*ret_why = failure_describe("web", bus_get_error(bus), bus_get_error_text(bus), r);
		return r;
	}
	r = serve(&web);
	if (r < 0)
		*ret_why = explain(&web, r);
	return r;
}
