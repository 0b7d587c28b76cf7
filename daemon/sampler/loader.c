/* SPDX-License-Identifier: MIT */
/*
 * Invariants:
 * 1. The thread alone touches the result until is_done; afterwards the owner alone does.
 * 2. The last one frees: the thread where the owner has left, else the owner.
 */
#include "daemon/sampler/loader.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/opener.h"
#include "daemon/base/priority.h"

struct loader {
	pthread_t thread;
	pthread_mutex_t lock; /* of the two flags */
	bool is_done, is_left;
	int fd;
	struct loader_job job;
	struct loader_result result;
};

static void loader_destroy(struct loader *loader)
{
	sideband_free(loader->result.sideband);
	sampler_free(loader->result.sampler);
	pthread_mutex_destroy(&loader->lock);
	cleanup_close(&loader->fd);
	free(loader);
}

static int open_events(struct loader_result *result)
{
	_cleanup_(opener_done) struct opener opener;
	int r;

	opener_init(&opener, OX_OPENER_PATH);
	r = sampler_open(result->sampler, &opener, &result->report);
	return r < 0 ? r
		     : sideband_new(&opener, &result->sideband, result->report.why,
				    sizeof(result->report.why));
}

static int load_and_open(const struct loader_job *job, struct loader_result *result)
{
	int r;

	result->sampler = job->sampler;
	if (!result->sampler) {
		r = sampler_new(job->unwind_bytes, &result->sampler, &result->report);
		if (r < 0)
			return r;
	}
	return job->opens ? open_events(result) : 0;
}

static void work(const struct loader_job *job, struct loader_result *result)
{
	result->error = load_and_open(job, result);
	if (result->error < 0 && result->sampler)
		sampler_close(result->sampler);
}

static void *run(void *userdata)
{
	struct loader *loader = userdata;
	bool is_left;

	/* A caller may be waiting for the programs. */
	priority_raise();
	work(&loader->job, &loader->result);
	pthread_mutex_lock(&loader->lock);
	loader->is_done = true;
	is_left = loader->is_left;
	if (!is_left)
		(void)eventfd_write(loader->fd, 1);
	pthread_mutex_unlock(&loader->lock);
	if (is_left)
		loader_destroy(loader);
	return NULL;
}

int loader_new(const struct loader_job *job, struct loader **ret)
{
	struct loader *loader = calloc(1, sizeof(*loader));
	int r;

	assert(!job->sampler || job->opens);
	if (!loader)
		return -ENOMEM;
	loader->job = *job;
	loader->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loader->fd < 0) {
		r = -errno;
		free(loader);
		return r;
	}
	pthread_mutex_init(&loader->lock, NULL);
	r = -pthread_create(&loader->thread, NULL, run, loader);
	if (r < 0) {
		loader_destroy(loader);
		return r;
	}
	*ret = loader;
	return 0;
}

int loader_fd(const struct loader *loader)
{
	return loader->fd;
}

void loader_finish(struct loader *loader, struct loader_result *ret)
{
	pthread_join(loader->thread, NULL);
	assert(loader->is_done && !loader->is_left);
	*ret = loader->result;
	loader->result.sampler = NULL;
	loader->result.sideband = NULL;
	loader_destroy(loader);
}

struct loader *loader_free(struct loader *loader)
{
	bool is_done;

	if (!loader)
		return NULL;
	pthread_mutex_lock(&loader->lock);
	assert(!loader->is_left);
	is_done = loader->is_done;
	loader->is_left = true;
	if (!is_done)
		pthread_detach(loader->thread);
	pthread_mutex_unlock(&loader->lock);
	if (is_done) {
		pthread_join(loader->thread, NULL);
		loader_destroy(loader);
	}
	return NULL;
}
