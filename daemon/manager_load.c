/* SPDX-License-Identifier: MIT */
/* The kernel side, loaded and unloaded, and what is heard of it meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cleanup.h"
#include "daemon/manager_private.h"
#include "daemon/sampler_blocks.h"
#include "daemon/sampler_definitions.h"

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
	int r = 0;

	manager->sideband_sources = calloc(n + 1, sizeof(*manager->sideband_sources));
	if (!manager->sideband_sources)
		return -ENOMEM;
	for (unsigned i = 0; i < n && r >= 0; i++)
		r = sd_event_add_io(manager->event, &manager->sideband_sources[i],
				    sideband_fd(manager->sideband, i), EPOLLIN, on_sideband,
				    manager);
	return r;
}

static int on_reader(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct manager *manager = userdata;

	recorder_dispatch(manager->recorder);
	return 0;
}

int manager_watch_readers(struct manager *manager)
{
	int r = 0;

	for (unsigned i = 0; i < RECORDER_FDS && r >= 0; i++)
		r = sd_event_add_io(manager->event, &manager->reader_sources[i],
				    recorder_fd(manager->recorder, i), EPOLLIN, on_reader, manager);
	return r;
}

/* A process that is new gets its tables within a millisecond; where they come without end, as under
 * a build, they do not get more of the daemon's time than that. */
#define NOTICES_USEC  UINT64_C(100000)
#define NOTICES_BURST 200

static int on_notice(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct manager *manager = userdata;

	if (manager->running)
		recorder_take_notices(manager->recorder);
	return 0;
}

static int watch_notices(struct manager *manager)
{
	int r = sd_event_add_io(manager->event, &manager->notice_source,
				sampler_notice_fd(manager->sampler), EPOLLIN, on_notice, manager);

	return r < 0 ? r
		     : sd_event_source_set_ratelimit(manager->notice_source, NOTICES_USEC,
						     NOTICES_BURST);
}

/* Before the next drain only where a program brings very much new code. */
static int on_definitions(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct manager *manager = userdata;

	if (manager->running)
		recorder_take_definitions(manager->recorder);
	return 0;
}

static int watch_definitions(struct manager *manager)
{
	return sd_event_add_io(manager->event, &manager->definition_source,
			       sampler_definitions_fd(manager->sampler), EPOLLIN, on_definitions,
			       manager);
}

int manager_load(struct manager *manager, struct failure *failure)
{
	struct sampler_report report;
	int r;

	if (manager->sampler)
		return 0;
	r = sampler_new(manager->config.unwind_max_bytes, &manager->sampler, &report);
	r = r < 0 ? r : sampler_open(manager->sampler, &report);
	if (r < 0) {
		manager_unload(manager);
		return failure_set(failure, r, OX_ERROR_KERNEL, "%s", report.why);
	}
	r = sideband_new(&manager->sideband);
	r = r < 0 ? r : watch_sideband(manager);
	r = r < 0 ? r : watch_notices(manager);
	r = r < 0 ? r : watch_definitions(manager);
	if (r < 0) {
		manager_unload(manager);
		return failure_set(failure, r, OX_ERROR_KERNEL,
				   "cannot receive news of processes from the kernel: %s",
				   strerror(-r));
	}
	return 0;
}

void manager_unload(struct manager *manager)
{
	for (size_t i = 0; manager->sideband_sources && manager->sideband_sources[i]; i++)
		sd_event_source_disable_unref(manager->sideband_sources[i]);
	free(take_ptr(manager->sideband_sources));
	manager->notice_source = sd_event_source_disable_unref(manager->notice_source);
	manager->definition_source = sd_event_source_disable_unref(manager->definition_source);
	if (manager->recorder)
		recorder_unload(manager->recorder);
	manager->sideband = sideband_free(manager->sideband);
	manager->sampler = sampler_free(manager->sampler);
}
