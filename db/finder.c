/* SPDX-License-Identifier: MIT */
#include "db/finder.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/priority.h"

#define STACK_BYTES (256u << 10)

struct finder {
	char *database;
	atomic_bool stop;
	pthread_t thread;
	bool is_started;
	int ended_fd;
	/* The thread's until it has ended. */
	struct store_garbage *garbage;
	int result;
};

define_cleanup(struct finder *, finder_free);
define_cleanup(struct store *, store_free);

static int find(struct finder *finder)
{
	_cleanup_(store_free_p) struct store *reader = NULL;
	_cleanup_free_ char *why = NULL;
	int r = store_open_reader(finder->database, &finder->stop, &reader, &why);

	return r < 0 ? r : store_find_garbage(reader, &finder->garbage);
}

static void *run(void *userdata)
{
	struct finder *finder = userdata;

	(void)prctl(PR_SET_NAME, "oxprofd-finder");
	priority_lower();
	finder->result = find(finder);
	(void)eventfd_write(finder->ended_fd, 1);
	return NULL;
}

/* Starts the thread with all signals blocked, since the event loop handles them. */
static int start(struct finder *finder)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r)
		return -r;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (!r)
		r = pthread_create(&finder->thread, &attr, run, finder);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	finder->is_started = !r;
	return -r;
}

int finder_new(const char *database, struct finder **ret)
{
	_cleanup_(finder_free_p) struct finder *finder = calloc(1, sizeof(*finder));
	int r;

	if (!finder)
		return -ENOMEM;
	finder->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	finder->database = strdup(database);
	if (finder->ended_fd < 0 || !finder->database)
		return -ENOMEM;
	r = start(finder);
	if (r < 0)
		return r;
	*ret = take_ptr(finder);
	return 0;
}

int finder_fd(const struct finder *finder)
{
	return finder->ended_fd;
}

int finder_take(struct finder *finder, struct store_garbage **ret)
{
	pthread_join(finder->thread, NULL);
	finder->is_started = false;
	if (finder->result < 0)
		return finder->result;
	*ret = take_ptr(finder->garbage);
	return 0;
}

struct finder *finder_free(struct finder *finder)
{
	if (!finder)
		return NULL;
	atomic_store(&finder->stop, true);
	if (finder->is_started)
		pthread_join(finder->thread, NULL);
	store_garbage_free(finder->garbage);
	cleanup_close(&finder->ended_fd);
	free(finder->database);
	free(finder);
	return NULL;
}
