/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/log.h"
#include "daemon/manager/saved.h"
#include "daemon/objfile/symbolizer.h"

define_cleanup(struct manager *, manager_free);

/* Logs a warning about a file of another user. */
static void warn(void *userdata, const char *text)
{
	log_warning("%s", text);
}

static int on_symbolizer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	symbolizer_dispatch(((struct manager *)userdata)->symbolizer);
	return 0;
}

static int open_symbolizer(struct manager *manager)
{
	int r = symbolizer_new(manager->config.symbolizer, &manager->symbolizer);

	return r < 0 ? r
		     : sd_event_add_io(manager->event, &manager->symbolizer_source,
				       symbolizer_fd(manager->symbolizer), EPOLLIN, on_symbolizer,
				       manager);
}

static void leave_database(struct manager *manager)
{
	manager_fail_resymbolize(manager);
	manager_stop_exports(manager);
}

int manager_new(sd_event *event, const struct config *config, struct manager **ret,
		struct failure *failure)
{
	_cleanup_(manager_free_p) struct manager *manager = calloc(1, sizeof(*manager));
	int r;

	if (!manager)
		return failure_set(failure, -ENOMEM, OX_ERROR_LIMIT_REACHED, "out of memory");
	manager->event = sd_event_ref(event);
	manager->config = *config;
	manager->leave_database = leave_database;
	manager->after_drain = manager_after_drain;
	r = manager_open_database(manager, failure);
	if (r < 0)
		return r;
	r = open_symbolizer(manager);
	if (r < 0)
		return failure_set(
			failure, r, OX_ERROR_LIMIT_REACHED,
			"cannot prepare oxprof-symbolizer, which reads the files of programs: %s",
			strerror(-r));
	manager->recorder = recorder_new(manager->store, "/proc", config->symbolizer,
					 config->deputy, warn, manager);
	if (!manager->recorder)
		return failure_set(failure, -ENOMEM, OX_ERROR_LIMIT_REACHED, "out of memory");
	recorder_on_target(manager->recorder, manager_find_target, manager);
	r = manager_watch_symbolizers(manager);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_LIMIT_REACHED,
				   "cannot watch the symbolizer: %s", strerror(-r));
	r = manager_start_worker(manager);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_LIMIT_REACHED,
				   "cannot start the threads that read the history: %s",
				   strerror(-r));
	manager_check_room(manager); /* the limit may be another one since the last start */
	*ret = take_ptr(manager);
	return 0;
}

/* Ends and frees all sessions; their last samples are recorded. */
static void free_sessions(struct manager *manager)
{
	for (size_t i = manager->n_sessions; i-- > 0;)
		if (manager->sessions[i]->is_running)
			session_end(manager->sessions[i], PATIENCE_USEC);
	while (manager->n_sessions)
		session_free(manager->sessions[--manager->n_sessions]);
	free(manager->sessions);
	free(manager->owners);
}

struct manager *manager_free(struct manager *manager)
{
	if (!manager)
		return NULL;
	manager->listener = NULL;
	manager_stop_worker(manager);
	manager_stop_waits(manager);
	free_sessions(manager);
	if (!manager->saved.is_kept)
		saved_remove(manager);
	sd_event_source_disable_unref(manager->saved.settled);
	manager->until_source = sd_event_source_disable_unref(manager->until_source);
	manager_unload(manager);
	for (size_t i = 0; i < array_length(manager->symbolizer_sources); i++)
		sd_event_source_disable_unref(manager->symbolizer_sources[i]);
	manager_stop_resymbolize(manager);
	manager_stop_exports(manager);
	manager_stop_retention(manager);
	recorder_free(manager->recorder);
	sd_event_source_disable_unref(manager->symbolizer_source);
	symbolizer_free(manager->symbolizer);
	store_free(manager->store);
	sd_event_unref(manager->event);
	free(manager);
	return NULL;
}

void manager_configure(struct manager *manager, const struct config *config)
{
	if (strcmp(manager->config.database, config->database))
		log_warning("The database stays %s until the next start of the daemon.",
			    manager->config.database);
	if (memcmp(&manager->config.max_size, &config->max_size, sizeof(config->max_size)) ||
	    memcmp(&manager->config.keep_free, &config->keep_free, sizeof(config->keep_free)))
		log_warning(
			"MaxSize= and KeepFree= of the database stay as they are until the next "
			"start.");
	manager->config.interval_ns = config->interval_ns;
	manager->config.unwind_max_bytes = config->unwind_max_bytes;
}

void manager_move_unit(struct manager *manager, const char *unit, const char *cgroup)
{
	bool changed = false;

	foreach_target (manager, managed)
		if (managed->wanted.target.kind == TARGET_UNIT &&
		    !strcmp(target_value(&managed->wanted.target), unit))
			changed |= managed_move(managed, cgroup);
	if (!changed)
		return;
	if (manager->running)
		(void)manager_apply(manager);
	foreach_target (manager, managed)
		if (managed->wanted.target.kind == TARGET_UNIT &&
		    !strcmp(target_value(&managed->wanted.target), unit))
			manager_mark(manager, managed->session->owner);
	manager_tell(manager);
}
