/* SPDX-License-Identifier: MIT */
#include "client/web/deadlines.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>

#include "daemon/base/cleanup.h"

#define NS_PER_SEC UINT64_C(1000000000)
#define NONE       UINT64_MAX

struct web_deadline {
	int socket;     /* -1: no connection */
	uint64_t at_ns; /* NONE: no request is expected */
};

struct web_deadlines {
	int timer;
	size_t n_max;
	pthread_mutex_t lock; /* protects the members below, and the timer's setting */
	uint64_t timer_ns;    /* what the timer is set to; NONE: it is not */
	struct web_deadline all[];
};

define_cleanup(struct web_deadlines *, web_deadlines_free);

int web_deadlines_new(size_t n_max, struct web_deadlines **ret)
{
	_cleanup_(web_deadlines_free_p) struct web_deadlines *deadlines =
		calloc(1, sizeof(*deadlines) + n_max * sizeof(deadlines->all[0]));

	if (!deadlines)
		return -ENOMEM;
	pthread_mutex_init(&deadlines->lock, NULL);
	deadlines->n_max = n_max;
	deadlines->timer_ns = NONE;
	for (size_t i = 0; i < n_max; i++)
		deadlines->all[i] = (struct web_deadline){.socket = -1, .at_ns = NONE};
	deadlines->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (deadlines->timer < 0)
		return -errno;
	*ret = take_ptr(deadlines);
	return 0;
}

struct web_deadlines *web_deadlines_free(struct web_deadlines *deadlines)
{
	if (!deadlines)
		return NULL;
	if (deadlines->timer >= 0)
		close(deadlines->timer);
	pthread_mutex_destroy(&deadlines->lock);
	free(deadlines);
	return NULL;
}

/* Sets the timer; NONE stops it. The lock is held. */
static void set_timer(struct web_deadlines *deadlines, uint64_t at_ns)
{
	struct itimerspec spec = {0};

	/* A time that is over makes the timer readable at once, but 0 would stop it. */
	if (at_ns != NONE) {
		spec.it_value.tv_sec = (time_t)(at_ns / NS_PER_SEC);
		spec.it_value.tv_nsec = (long)(at_ns % NS_PER_SEC);
	}
	timerfd_settime(deadlines->timer, TFD_TIMER_ABSTIME, &spec, NULL);
	deadlines->timer_ns = at_ns;
}

struct web_deadline *web_deadlines_add(struct web_deadlines *deadlines, int socket)
{
	struct web_deadline *found = NULL;

	assert(socket >= 0);
	pthread_mutex_lock(&deadlines->lock);
	for (size_t i = 0; i < deadlines->n_max && !found; i++)
		if (deadlines->all[i].socket < 0)
			found = &deadlines->all[i];
	if (found)
		found->socket = socket;
	pthread_mutex_unlock(&deadlines->lock);
	return found;
}

void web_deadlines_remove(struct web_deadlines *deadlines, struct web_deadline *deadline)
{
	pthread_mutex_lock(&deadlines->lock);
	*deadline = (struct web_deadline){.socket = -1, .at_ns = NONE};
	pthread_mutex_unlock(&deadlines->lock);
}

void web_deadlines_begin(struct web_deadlines *deadlines, struct web_deadline *deadline,
			 uint64_t now_ns)
{
	pthread_mutex_lock(&deadlines->lock);
	assert(deadline->socket >= 0);
	deadline->at_ns = now_ns + WEB_REQUEST_NS;
	/* One that is set goes off before this deadline, and is then set to the next. */
	if (deadlines->timer_ns > deadline->at_ns)
		set_timer(deadlines, deadline->at_ns);
	pthread_mutex_unlock(&deadlines->lock);
}

void web_deadlines_end(struct web_deadlines *deadlines, struct web_deadline *deadline)
{
	pthread_mutex_lock(&deadlines->lock);
	deadline->at_ns = NONE;
	pthread_mutex_unlock(&deadlines->lock);
}

int web_deadlines_get_fd(const struct web_deadlines *deadlines)
{
	return deadlines->timer;
}

void web_deadlines_shut_late(struct web_deadlines *deadlines, uint64_t now_ns)
{
	uint64_t next = NONE;

	/* The lock also keeps a socket from being closed, and its number from being another's. */
	pthread_mutex_lock(&deadlines->lock);
	for (size_t i = 0; i < deadlines->n_max; i++) {
		struct web_deadline *deadline = &deadlines->all[i];

		if (deadline->at_ns <= now_ns) {
			shutdown(deadline->socket, SHUT_RDWR);
			deadline->at_ns = NONE;
		}
		if (deadline->at_ns < next)
			next = deadline->at_ns;
	}
	set_timer(deadlines, next);
	pthread_mutex_unlock(&deadlines->lock);
}
