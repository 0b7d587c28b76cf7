/* SPDX-License-Identifier: MIT */
#include "client/top/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "daemon/base/cleanup.h"

struct top_clock {
	int timer;
	int signals;
	bool with_keys;
	sigset_t mask;
	sigset_t before;
};

define_cleanup(struct top_clock *, top_clock_free);

/* Blocks the signals and opens a descriptor for them. SIGWINCH is among them because curses must
 * not handle it, and without a screen it does not matter. SIGQUIT comes from a key, too, and has to
 * leave the terminal as it was. A SIGHUP that nohup ignores is left out, since a blocked signal is
 * read even if it is ignored. */
static int block_signals(struct top_clock *clock)
{
	static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGWINCH};
	struct sigaction hangup;

	sigemptyset(&clock->mask);
	for (size_t i = 0; i < array_length(signals); i++)
		sigaddset(&clock->mask, signals[i]);
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaddset(&clock->mask, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &clock->mask, &clock->before) < 0)
		return -errno;
	clock->signals = signalfd(-1, &clock->mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return clock->signals < 0 ? -errno : 0;
}

static int start_timer(struct top_clock *clock)
{
	static const struct itimerspec second = {{1, 0}, {1, 0}};

	clock->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (clock->timer < 0 || timerfd_settime(clock->timer, 0, &second, NULL) < 0)
		return -errno;
	return 0;
}

int top_clock_new(bool with_keys, struct top_clock **ret)
{
	_cleanup_(top_clock_free_p) struct top_clock *clock = calloc(1, sizeof(*clock));
	int r;

	if (!clock)
		return -ENOMEM;
	clock->timer = clock->signals = -1;
	clock->with_keys = with_keys;
	sigprocmask(SIG_SETMASK, NULL, &clock->before);
	r = block_signals(clock);
	if (r < 0)
		return r;
	r = start_timer(clock);
	if (r < 0)
		return r;
	*ret = take_ptr(clock);
	return 0;
}

struct top_clock *top_clock_free(struct top_clock *clock)
{
	if (!clock)
		return NULL;
	cleanup_close(&clock->timer);
	cleanup_close(&clock->signals);
	sigprocmask(SIG_SETMASK, &clock->before, NULL);
	free(clock);
	return NULL;
}

bool top_clock_drop_interrupt(struct top_clock *clock)
{
	static const struct timespec at_once;
	bool dropped = false;
	sigset_t keys;

	sigemptyset(&keys);
	sigaddset(&keys, SIGINT);
	sigaddset(&keys, SIGQUIT);
	while (sigtimedwait(&keys, NULL, &at_once) > 0)
		dropped = true;
	return dropped;
}

static void read_signals(struct top_clock *clock, struct top_events *events)
{
	struct signalfd_siginfo info;

	while (read(clock->signals, &info, sizeof(info)) == sizeof(info)) {
		events->resize |= info.ssi_signo == SIGWINCH;
		events->end |= info.ssi_signo != SIGWINCH;
	}
}

int top_clock_wait(struct top_clock *clock, struct top_events *ret)
{
	struct pollfd fds[] = {{.fd = clock->timer, .events = POLLIN},
			       {.fd = clock->signals, .events = POLLIN},
			       {.fd = clock->with_keys ? STDIN_FILENO : -1, .events = POLLIN}};
	struct top_events events = {0};
	uint64_t seconds;

	while (poll(fds, array_length(fds), -1) < 0)
		if (errno != EINTR)
			return -errno;
	/* Several seconds that pass while the daemon is slow make one event. */
	events.second = read(clock->timer, &seconds, sizeof(seconds)) == sizeof(seconds);
	read_signals(clock, &events);
	events.key = fds[2].revents & POLLIN;
	events.end |= (fds[2].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
	*ret = events;
	return 0;
}
