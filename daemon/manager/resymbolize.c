/* SPDX-License-Identifier: MIT */
/* Gives names to addresses that had none, in the background: a step each time that the event loop
 * has nothing else to do. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/log.h"

#define CHECK_USEC          UINT64_C(1000000)
#define CHECK_ACCURACY_USEC UINT64_C(500000)

static const struct resymbolize_ops ops = {
	.ask_names = symbolizer_ask_names,
	.get_names = symbolizer_reply_get_names,
};

/* Logs the files that could not be read. Files that are not there or have no symbols are left out:
 * the answer names them. */
static void tell_failures(const struct resymbolize *work)
{
	for (uint32_t i = 0; i < resymbolize_count_files(work); i++) {
		struct resymbolize_file file;

		resymbolize_get_file(work, i, &file);
		if (file.error && file.error != -ENOENT && file.error != -ENODATA)
			log_warning("The names of %s (build-id %s) could not be read: %s.",
				    file.path, file.build_id, strerror(-file.error));
	}
}

void manager_stop_resymbolize(struct manager *manager)
{
	manager->resymbolize.step = sd_event_source_disable_unref(manager->resymbolize.step);
	manager->resymbolize.check = sd_event_source_disable_unref(manager->resymbolize.check);
	manager->resymbolize.work = resymbolize_free(manager->resymbolize.work);
	manager->resymbolize.fn = NULL;
}

/* Stops symbolizers that have nothing left to do. */
static void rest(struct manager *manager)
{
	symbolizer_stop_if_idle(manager->symbolizer);
	if (!manager->running)
		inspector_stop_if_idle(recorder_inspector(manager->recorder));
}

static void finish(struct manager *manager, int error)
{
	struct managed_resymbolize *run = &manager->resymbolize;
	struct failure failure;

	assert(run->work);
	tell_failures(run->work);
	/* Names that were found before a failure stay. */
	recorder_forget_names(manager->recorder);
	if (error < 0)
		failure_set(&failure, error, OX_ERROR_DATABASE,
			    "cannot name all addresses of the history: %s",
			    error == -ENOMEM || error == -ECANCELED ? strerror(-error)
								    : store_error(manager->store));
	if (run->fn)
		run->fn(run->userdata, run->work, error < 0 ? &failure : NULL);
	manager_stop_resymbolize(manager);
	rest(manager);
}

void manager_fail_resymbolize(struct manager *manager)
{
	if (manager->resymbolize.work)
		finish(manager, -ECANCELED);
}

static int on_step(sd_event_source *source, void *userdata)
{
	struct manager *manager = userdata;
	int r = resymbolize_step(manager->resymbolize.work);

	if (r == RESYMBOLIZE_WAITING)
		(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	else if (r != RESYMBOLIZE_MORE)
		finish(manager, r);
	return 0;
}

static void on_wake(void *userdata)
{
	struct manager *manager = userdata;

	(void)sd_event_source_set_enabled(manager->resymbolize.step, SD_EVENT_ON);
}

/* Checks for a symbolizer that hangs, which sends nothing that would wake the loop up. */
static int on_check(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *manager = userdata;

	symbolizer_check(manager->symbolizer);
	(void)sd_event_source_set_time_relative(source, CHECK_USEC);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	return 0;
}

static int start(struct manager *manager)
{
	struct managed_resymbolize *run = &manager->resymbolize;
	int r = resymbolize_new(manager->store, manager->symbolizer,
				recorder_inspector(manager->recorder), run->ops ?: &ops,
				run->proc ?: "/proc", on_wake, manager, &run->work);

	if (r < 0)
		return r;
	r = sd_event_add_defer(manager->event, &run->step, on_step, manager);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(run->step, SD_EVENT_ON);
	if (r < 0)
		return r;
	/* Samples and queries go first. */
	r = sd_event_source_set_priority(run->step, SD_EVENT_PRIORITY_IDLE);
	return r < 0 ? r
		     : sd_event_add_time_relative(manager->event, &run->check, CLOCK_MONOTONIC,
						  CHECK_USEC, CHECK_ACCURACY_USEC, on_check,
						  manager);
}

int manager_resymbolize(struct manager *manager, manager_resymbolized_t fn, void *userdata,
			struct failure *failure)
{
	int r;

	assert(fn);
	if (manager->resymbolize.work)
		return failure_set(failure, -EBUSY, OX_ERROR_LIMIT_REACHED,
				   "names are being looked up already for another request; try "
				   "again when that is done");
	r = start(manager);
	if (r < 0) {
		manager_stop_resymbolize(manager);
		return failure_set(failure, r, OX_ERROR_LIMIT_REACHED, "cannot look up names: %s",
				   strerror(-r));
	}
	manager->resymbolize.fn = fn;
	manager->resymbolize.userdata = userdata;
	return 0;
}

void manager_forget_resymbolize(struct manager *manager)
{
	manager->resymbolize.fn = NULL;
}
