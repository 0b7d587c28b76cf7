/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/log.h"
#include "daemon/objfile/symbolizer.h"

/* A cancel is to be quick. Names that take longer can be had later (resymbolize). */
#define CANCEL_PATIENCE_USEC UINT64_C(250000)

define_cleanup(struct manager *, manager_free);

static int open_store(struct manager *manager, struct failure *failure)
{
	_cleanup_free_ char *aside = NULL, *why = NULL;
	int r = store_open(manager->config.database, manager->config.database_max_bytes,
			   &manager->store, &aside, &why);

	if (r < 0)
		return failure_set(failure, r, OX_ERROR_DATABASE, "%s", why ?: strerror(-r));
	if (r > 0)
		log_error("The database %s was damaged. It was set aside as %s; a new one is "
			  "begun.",
			  manager->config.database, aside);
	r = store_end_left_sessions(manager->store);
	if (r < 0 && r != -ENOSPC)
		return failure_set(failure, r, OX_ERROR_DATABASE, "%s",
				   store_error(manager->store));
	return 0;
}

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

int manager_new(sd_event *event, const struct config *config, struct manager **ret,
		struct failure *failure)
{
	_cleanup_(manager_free_p) struct manager *manager = calloc(1, sizeof(*manager));
	int r;

	if (!manager)
		return failure_set(failure, -ENOMEM, OX_ERROR_LIMIT_REACHED, "out of memory");
	manager->event = sd_event_ref(event);
	manager->config = *config;
	manager->interval_ns = manager->chosen_ns = config->interval_ns;
	r = open_store(manager, failure);
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
	r = manager_watch_symbolizers(manager);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_LIMIT_REACHED,
				   "cannot watch the symbolizer: %s", strerror(-r));
	*ret = take_ptr(manager);
	return 0;
}

void manager_drop_targets(struct manager *manager, size_t from)
{
	assert(from <= manager->n_targets);
	while (manager->n_targets > from)
		managed_free(manager->targets[--manager->n_targets]);
}

struct manager *manager_free(struct manager *manager)
{
	struct failure failure;

	if (!manager)
		return NULL;
	manager->listener = NULL;
	manager_drop_targets(manager, 0);
	if (manager->recorder)
		(void)manager_reconcile(manager, &failure);
	manager_unload(manager);
	for (size_t i = 0; i < array_length(manager->symbolizer_sources); i++)
		sd_event_source_disable_unref(manager->symbolizer_sources[i]);
	manager_stop_resymbolize(manager);
	manager_stop_exports(manager);
	recorder_free(manager->recorder);
	sd_event_source_disable_unref(manager->symbolizer_source);
	symbolizer_free(manager->symbolizer);
	store_free(manager->store);
	free(manager->targets);
	sd_event_unref(manager->event);
	free(manager);
	return NULL;
}

void manager_configure(struct manager *manager, const struct config *config)
{
	if (strcmp(manager->config.database, config->database))
		log_warning("The database stays %s until the next start of the daemon.",
			    manager->config.database);
	if (manager->config.database_max_bytes != config->database_max_bytes)
		log_warning("MaxSize= of the database stays as it is until the next start.");
	if (!manager->is_chosen)
		manager->chosen_ns = config->interval_ns;
	if (!manager->running && !manager->n_targets)
		manager->interval_ns = manager->chosen_ns;
	manager->config.interval_ns = config->interval_ns;
	manager->config.unwind_max_bytes = config->unwind_max_bytes;
}

int manager_cancel(struct manager *manager, struct failure *failure)
{
	manager_drop_targets(manager, 0);
	manager_end_session(manager, CANCEL_PATIENCE_USEC);
	(void)manager_reconcile(manager, failure);
	manager_unload(manager);
	manager->is_chosen = false;
	manager->interval_ns = manager->chosen_ns = manager->config.interval_ns;
	manager_tell(manager);
	return 0;
}

int manager_set_interval(struct manager *manager, uint64_t interval_ns, struct failure *failure)
{
	uint64_t before = manager->interval_ns;
	int r = 0;

	assert(interval_ns >= OX_INTERVAL_MIN_NS && interval_ns <= OX_INTERVAL_MAX_NS);
	manager->interval_ns = interval_ns;
	if (manager->running && before != interval_ns)
		r = manager_reconcile(manager, failure);
	if (r < 0) {
		manager->interval_ns = before;
	} else {
		manager->chosen_ns = interval_ns;
		manager->is_chosen = true;
	}
	manager_tell(manager);
	return r;
}

void manager_move_unit(struct manager *manager, const char *unit, const char *cgroup)
{
	bool changed = false;

	for (size_t i = 0; i < manager->n_targets; i++) {
		struct managed *managed = manager->targets[i];

		if (managed->wanted.target.kind == TARGET_UNIT &&
		    !strcmp(target_value(&managed->wanted.target), unit))
			changed |= managed_move(managed, cgroup);
	}
	if (!changed)
		return;
	if (manager->running)
		(void)manager_push_filters(manager);
	manager_tell(manager);
}
