/* SPDX-License-Identifier: MIT */
/* Loads, opens, closes and unloads the kernel side, and watches its events. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/log.h"
#include "daemon/manager/saved.h"
#include "daemon/sampler/events.h"

static int on_sideband(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct manager *manager = userdata;

	if (manager->running)
		(void)recorder_drain_sideband(manager->recorder);
	return 0;
}

static int watch_sideband(struct manager *manager)
{
	unsigned n = sideband_count(manager->sideband);

	assert(!manager->sideband_sources);
	manager->sideband_sources = calloc(n + 1, sizeof(*manager->sideband_sources));
	if (!manager->sideband_sources)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		int r = sd_event_add_io(manager->event, &manager->sideband_sources[i],
					sideband_fd(manager->sideband, i), EPOLLIN, on_sideband,
					manager);

		if (r < 0)
			return r;
	}
	return 0;
}

static int on_symbolizer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct manager *manager = userdata;

	recorder_dispatch(manager->recorder);
	manager_hurry_waits(manager);
	return 0;
}

int manager_watch_symbolizers(struct manager *manager)
{
	for (unsigned i = 0; i < RECORDER_FDS; i++) {
		int r = sd_event_add_io(manager->event, &manager->symbolizer_sources[i],
					recorder_fd(manager->recorder, i), EPOLLIN, on_symbolizer,
					manager);

		if (r < 0)
			return r;
	}
	return 0;
}

/* A new process gets its tables within a millisecond. Where processes come without end, as under a
 * build, they get no more of the daemon's time than this. */
#define EVENTS_USEC  UINT64_C(100000)
#define EVENTS_BURST 200

static int on_event(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct manager *manager = userdata;

	recorder_read_events(manager->recorder);
	return 0;
}

static int watch_events(struct manager *manager)
{
	int r = sd_event_add_io(manager->event, &manager->code_source,
				sampler_event_fd(manager->sampler), EPOLLIN, on_event, manager);

	return r < 0 ? r
		     : sd_event_source_set_ratelimit(manager->code_source, EVENTS_USEC,
						     EVENTS_BURST);
}

/* Takes definitions before the next drain: a program brings very much new code. */
static int on_definitions(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct manager *manager = userdata;

	recorder_read_definitions(manager->recorder);
	return 0;
}

static int watch_definitions(struct manager *manager)
{
	return sd_event_add_io(manager->event, &manager->definition_source,
			       sampler_definitions_fd(manager->sampler), EPOLLIN, on_definitions,
			       manager);
}

/* ---- loading and opening ---- */

static int watch_sampler(struct manager *manager)
{
	int r;

	assert(manager->sampler && !manager->code_source && !manager->definition_source);
	r = watch_events(manager);
	if (r < 0)
		return r;
	r = watch_definitions(manager);
	return r < 0 ? r : manager_hear_kernel(manager, false);
}

/* Takes over what the loader made. */
static int adopt(struct manager *manager, const struct loader_result *result)
{
	int r;

	assert(!manager->sampler && !manager->sideband);
	manager->sampler = result->sampler;
	manager->sideband = result->sideband;
	if (result->error < 0)
		return result->error;
	if (!manager->code_source) {
		r = watch_sampler(manager);
		if (r < 0)
			return r;
	}
	return manager->sideband ? watch_sideband(manager) : 0;
}

/* Makes the failure, keeps it for the notice, and logs it with the last lines of the verifier. */
static void describe_failure(struct manager *manager, const struct loader_result *result, int error,
			     struct failure *failure)
{
	char log[SAMPLER_LOG_BYTES], *rest = NULL;

	if (result->report.why[0])
		failure_set(failure, error, OX_ERROR_KERNEL, "%s", result->report.why);
	else
		failure_set(failure, error, OX_ERROR_KERNEL,
			    "cannot watch the events of the BPF programs: %s", strerror(-error));
	log_error("%s", failure->text);
	memcpy(log, result->report.log, sizeof(log));
	for (char *line = strtok_r(log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		log_error("kernel: %s", line);
	snprintf(manager->kernel_failure, sizeof(manager->kernel_failure), "%s", failure->text);
}

/* Lets sessions begin that have waited for the kernel side since the start (resume.c). */
static void resume(struct manager *manager)
{
	if (manager->saved.begin)
		manager->saved.begin(manager);
}

static void tell_ready(struct manager *manager, const struct failure *failure)
{
	if (!manager->is_ready_asked)
		return;
	manager->is_ready_asked = false;
	if (!failure)
		resume(manager);
	if (manager->on_ready)
		manager->on_ready(manager->ready_userdata, failure);
}

static int on_loaded(sd_event_source *source, int fd, uint32_t events, void *userdata);

/* Begins to load, or to open what is loaded. On failure there may be a loader to be freed. */
static int start_loader_thread(struct manager *manager)
{
	struct loader_job job = {
		.unwind_bytes = manager->config.unwind_max_bytes,
		.sampler = manager->sampler,
		.opens = manager->is_ready_asked,
	};
	int r;

	assert(!manager->loader && !manager->loader_source && !manager_is_ready(manager));
	r = loader_new(&job, &manager->loader);
	if (r < 0)
		return r;
	manager->sampler = NULL;
	manager->loader_opens = job.sampler;
	manager->loader_started_ns = clock_monotonic_ns();
	return sd_event_add_io(manager->event, &manager->loader_source, loader_fd(manager->loader),
			       EPOLLIN, on_loaded, manager);
}

static int start_loader(struct manager *manager, struct failure *failure)
{
	int r = start_loader_thread(manager);

	if (r >= 0)
		return 0;
	manager->loader = loader_free(manager->loader);
	return failure_set(failure, r, OX_ERROR_KERNEL, "cannot begin to load the BPF programs: %s",
			   strerror(-r));
}

static int on_loaded(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct manager *manager = userdata;
	struct loader_result result;
	struct failure failure;
	int r;

	assert(manager->loader);
	manager->loader_source = sd_event_source_disable_unref(manager->loader_source);
	loader_finish(take_ptr(manager->loader), &result);
	r = adopt(manager, &result);
	manager->kernel_failure[0] = 0;
	if (r < 0) {
		describe_failure(manager, &result, r, &failure);
		manager_close(manager);
	} else if (manager->is_ready_asked && !manager->sideband) {
		/* A request came while the programs were being loaded ahead. */
		r = start_loader(manager, &failure);
		if (r >= 0)
			return 0;
	}
	tell_ready(manager, r < 0 ? &failure : NULL);
	manager_tell(manager);
	return 0;
}

bool manager_is_ready(const struct manager *manager)
{
	return manager->sampler && manager->sideband;
}

void manager_on_ready(struct manager *manager, manager_ready_fn fn, void *userdata)
{
	manager->on_ready = fn;
	manager->ready_userdata = userdata;
}

int manager_make_ready(struct manager *manager, struct failure *failure)
{
	if (manager_is_ready(manager))
		return 1;
	manager->is_ready_asked = true;
	if (manager->loader)
		return 0;
	return start_loader(manager, failure);
}

void manager_load_ahead(struct manager *manager)
{
	struct failure failure;

	assert(!manager->sampler && !manager->loader);
	if (start_loader(manager, &failure) < 0)
		log_error("%s", failure.text);
}

void manager_stop_if_idle(struct manager *manager)
{
	if (!manager->running && !manager->is_ready_asked)
		manager_close(manager);
}

void manager_close(struct manager *manager)
{
	/* The recorder reads the side band while a session runs. */
	assert(!manager->running);
	for (size_t i = 0; manager->sideband_sources && manager->sideband_sources[i]; i++)
		sd_event_source_disable_unref(manager->sideband_sources[i]);
	free(take_ptr(manager->sideband_sources));
	manager->sideband = sideband_free(manager->sideband);
	if (manager->sampler)
		sampler_close(manager->sampler);
}

void manager_unload(struct manager *manager)
{
	struct failure failure;

	manager_close(manager);
	manager->code_source = sd_event_source_disable_unref(manager->code_source);
	manager->definition_source = sd_event_source_disable_unref(manager->definition_source);
	if (manager->recorder)
		recorder_unload(manager->recorder);
	manager->loader_source = sd_event_source_disable_unref(manager->loader_source);
	manager->loader = loader_free(manager->loader);
	manager->sampler = sampler_free(manager->sampler);
	manager->kernel_failure[0] = 0;
	failure_set(&failure, -ECANCELED, OX_ERROR_KERNEL,
		    "cancelled before the BPF programs were loaded; try again");
	tell_ready(manager, &failure);
}
