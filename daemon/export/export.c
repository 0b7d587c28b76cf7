/* SPDX-License-Identifier: MIT */
#include "daemon/export/export.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/priority.h"
#include "daemon/export/internal.h"
#include "daemon/export/pipe.h"

#define STACK_BYTES (256u << 10)
#define PIPE_BYTES  (256 << 10) /* room for some parts that the reader has not taken yet */

struct export
{
	struct export_order order;
	struct target *targets; /* owned copy, for the order */
	char *state;
	atomic_bool stop;
	pthread_t thread;
	bool is_started;
	int pipe_fd;  /* the writing end */
	int ended_fd; /* an eventfd, see export_fd() */
};

define_cleanup(struct export *, export_free);

static int export_compile(const char *what, const char *text, struct pattern **ret, char *ret_why,
			  size_t size)
{
	char why[256] = "";
	int r;

	if (!text)
		return 0;
	r = pattern_new(text, ret, why, sizeof(why));
	if (r != -EINVAL && r != -E2BIG)
		return r;
	snprintf(ret_why, size, "--%s: %s", what, why);
	return -EINVAL;
}

static int export_copy(struct export *export, const struct query *query,
		       const struct export_options *options)
{
	struct export_order *order = &export->order;

	order->query = *query;
	order->query.filter = NULL;
	order->query.by = QUERY_BY_FUNCTION; /* so that tasks get no groups */
	order->options = *options;
	order->options.focus = NULL;
	order->options.state = export->state = strdup(options->state);
	if (!export->state)
		return -ENOMEM;
	if (!query->n_targets)
		return 0;
	order->query.targets = export->targets = calloc(query->n_targets, sizeof(*export->targets));
	if (!export->targets)
		return -ENOMEM;
	memcpy(export->targets, query->targets, query->n_targets * sizeof(*export->targets));
	return 0;
}

int export_new(const char *database, const struct query *query,
	       const struct export_options *options, struct export **ret, char *ret_why,
	       size_t size)
{
	_cleanup_(export_free_p) struct export *export = calloc(1, sizeof(*export));
	int r;

	assert(ret_why || !size);
	assert(options->state && (query->targets || !query->n_targets));
	assert(options->step_usec % OX_WINDOW_USEC == 0);
	if (size)
		*ret_why = '\0';
	if (!export)
		return -ENOMEM;
	export->pipe_fd = -1;
	export->ended_fd = -1;
	export->order.stop = &export->stop;
	export->order.database = strdup(database);
	if (!export->order.database)
		return -ENOMEM;
	r = export_copy(export, query, options);
	if (r < 0)
		return r;
	r = export_compile("filter", query->filter, &export->order.filter, ret_why, size);
	if (r < 0)
		return r;
	r = export_compile("focus", options->focus, &export->order.focus, ret_why, size);
	if (r < 0)
		return r;
	*ret = take_ptr(export);
	return 0;
}

struct export *export_free(struct export *export)
{
	if (!export)
		return NULL;
	atomic_store(&export->stop, true);
	if (export->is_started)
		pthread_join(export->thread, NULL);
	cleanup_close(&export->pipe_fd);
	cleanup_close(&export->ended_fd);
	pattern_free(export->order.filter);
	pattern_free(export->order.focus);
	free(export->order.database);
	free(export->targets);
	free(export->state);
	free(export);
	return NULL;
}

static void *export_main(void *userdata)
{
	struct export *export = userdata;
	struct export_pipe pipe = {
		.fd = export->pipe_fd,
		.stop = &export->stop,
		.idle_ns = OX_EXPORT_IDLE_USEC * 1000,
		.end_ns = clock_monotonic_ns() + OX_EXPORT_USEC_MAX * 1000,
	};

	(void)prctl(PR_SET_NAME, "oxprofd-export");
	priority_lower();
	export_run(&export->order, &pipe);
	/* The reader must not have to wait until the event loop frees the export. */
	close(take_fd(&export->pipe_fd));
	(void)eventfd_write(export->ended_fd, 1);
	return NULL;
}

static int export_open(struct export *export, int *ret_fd)
{
	int ends[2];

	export->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (export->ended_fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ret_fd = ends[0];
	export->pipe_fd = ends[1];
	/* Only the writing end: the reading end goes to a client, which expects it to block. */
	if (fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	return 0;
}

/* Starts the thread with all signals blocked, since the event loop handles them. With SIGPIPE
 * blocked, write() returns an error. */
static int export_create(struct export *export)
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
		r = pthread_create(&export->thread, &attr, export_main, export);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	export->is_started = !r;
	return -r;
}

int export_start(struct export *export, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	int r;

	assert(!export->is_started && export->pipe_fd < 0);
	r = export_open(export, &fd);
	if (r < 0)
		return r;
	r = export_create(export);
	if (r < 0)
		return r;
	*ret_fd = take_fd(&fd);
	return 0;
}

int export_fd(const struct export *export)
{
	return export->ended_fd;
}
