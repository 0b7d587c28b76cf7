/* SPDX-License-Identifier: MIT */
/*
 * The sampler, its timer, the session. manager_reconcile() alone begins and ends sessions: it looks
 * at the targets and makes the rest agree with them.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/log.h"

#define TIMER_ACCURACY_USEC UINT64_C(50000)
#define DRAIN_USEC_MIN      UINT64_C(125000)
/* Limit of the time for which a request waits for names. */
#define PATIENCE_USEC UINT64_C(1000000)

/* Adds the rights of a target to those of the only session. */
static void session_add(struct sampler_session *session, const struct managed *managed)
{
	session->owner = managed->owner;
	session->anybody |= !managed->wanted.own;
	session->kernel |= managed->wanted.kernel;
}

int manager_push_filters(struct manager *manager)
{
	_cleanup_free_ struct sampler_target *filters =
		calloc(manager->n_targets + 1, sizeof(*filters));
	struct sampler_session sessions[OX_SESSIONS_MAX] = {
		[RECORDER_SLOT].interval_ns = manager->interval_ns,
	};
	struct sampler_plan plan = {
		.running = UINT64_C(1) << RECORDER_SLOT,
		.sessions = sessions,
		.targets = filters,
	};

	assert(manager->sampler);
	if (!filters)
		return -ENOMEM;
	for (size_t i = 0; i < manager->n_targets; i++) {
		const struct managed *managed = manager->targets[i];

		if (!managed_get_filter(managed, &filters[plan.n_targets]))
			filters[plan.n_targets++].target.number = managed->number;
		else if (managed->state != TARGET_EXITED)
			continue;
		/* The children of one that has exited go on. */
		session_add(&sessions[RECORDER_SLOT], managed);
		plan.children |= managed->wanted.children;
	}
	return sampler_apply(manager->sampler, &plan);
}

/* True if a target is to be sampled, or children of one that has ended still run. */
static bool has_work(const struct manager *manager)
{
	bool children = false;

	for (size_t i = 0; i < manager->n_targets; i++) {
		if (managed_is_active(manager->targets[i]))
			return true;
		children |= manager->targets[i]->state == TARGET_EXITED &&
			    manager->targets[i]->wanted.children;
	}
	return children && manager->running &&
	       sampler_count_children(manager->sampler, UINT64_C(1) << RECORDER_SLOT);
}

/* ---- time ---- */

static int on_drain(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *manager = userdata;
	int full = manager_drain(manager, false);

	(void)sampler_check_cpus(manager->sampler);

	/* Half full after one pause: the next one is half as long. */
	if (full > 50 && manager->drain_usec > DRAIN_USEC_MIN)
		manager->drain_usec /= 2;
	else if (full >= 0 && full < 10)
		manager->drain_usec = OX_DRAIN_USEC;
	(void)sd_event_source_set_time_relative(source, manager->drain_usec);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	if (!has_work(manager))
		manager_reconcile_or_pause(manager);
	return 0;
}

static int start_drains(struct manager *manager)
{
	assert(!manager->drain_source);
	manager->drain_usec = OX_DRAIN_USEC;
	return sd_event_add_time_relative(manager->event, &manager->drain_source, CLOCK_MONOTONIC,
					  OX_DRAIN_USEC, TIMER_ACCURACY_USEC, on_drain, manager);
}

static int on_until(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *manager = userdata;
	uint64_t now = clock_realtime_usec();

	for (size_t i = 0; i < manager->n_targets; i++) {
		struct managed *managed = manager->targets[i];

		if (managed_is_active(managed) && managed->until_usec &&
		    managed->until_usec <= now + TIMER_ACCURACY_USEC) {
			managed->state = TARGET_PAUSED;
			managed->until_usec = 0;
		}
	}
	manager_reconcile_or_pause(manager);
	return 0;
}

int manager_set_until(struct manager *manager)
{
	uint64_t first = UINT64_MAX;

	manager->until_source = sd_event_source_disable_unref(manager->until_source);
	for (size_t i = 0; i < manager->n_targets; i++)
		if (managed_is_active(manager->targets[i]) && manager->targets[i]->until_usec &&
		    manager->targets[i]->until_usec < first)
			first = manager->targets[i]->until_usec;
	if (first == UINT64_MAX)
		return 0;
	return sd_event_add_time(manager->event, &manager->until_source, CLOCK_REALTIME, first,
				 TIMER_ACCURACY_USEC, on_until, manager);
}

/* ---- sessions ---- */

static void note(struct manager *manager, const char *what)
{
	char text[sizeof(manager->notice)];

	snprintf(text, sizeof(text), "%s: %s", what, store_error(manager->store));
	if (strcmp(text, manager->notice))
		log_error("%s", text);
	snprintf(manager->notice, sizeof(manager->notice), "%s", text);
}

int manager_drain(struct manager *manager, bool finish)
{
	int full = recorder_drain(manager->recorder, clock_realtime_usec(),
				  finish ? PATIENCE_USEC : 0);

	if (full == -EUCLEAN) {
		/* The next start sets the file aside and begins a new one. */
		log_error("The database is damaged: %s. The daemon restarts, sets it aside and "
			  "begins a new one.",
			  store_error(manager->store));
		(void)sd_event_exit(manager->event, EXIT_FAILURE);
	} else if (full < 0)
		note(manager, "samples wait in memory, the database cannot be written");
	else
		manager->notice[0] = 0;
	return full;
}

/* Returns the targets as the session's row has them, to be freed; NULL: no memory. */
static char *list_targets(const struct manager *manager)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (size_t i = 0; i < manager->n_targets; i++)
		if (managed_is_active(manager->targets[i])) {
			if (ftell(f))
				fputc(' ', f);
			target_write_escaped(f, manager->targets[i]->wanted.target.text);
		}
	return fclose(f) ? NULL : text;
}

/* True if processes that are not known yet may belong to a target that is sampled. */
static bool is_open(const struct manager *manager)
{
	for (size_t i = 0; i < manager->n_targets; i++)
		if (managed_is_active(manager->targets[i]) && managed_is_open(manager->targets[i]))
			return true;
	return false;
}

/* Returns the only mode of this release; wall-clock time would be another. */
const char *manager_mode(const struct manager *manager)
{
	return "cpu";
}

static int begin_record(struct manager *manager)
{
	_cleanup_free_ char *targets = list_targets(manager);
	struct store_session session = {
		.started_usec = clock_realtime_usec(),
		.mode = manager_mode(manager),
		.interval_ns = manager->interval_ns,
		.targets = targets,
		.owner = manager->n_targets ? manager->targets[manager->n_targets - 1]->owner : 0,
	};
	int r;

	if (!targets)
		return -ENOMEM;
	r = recorder_begin(manager->recorder, manager->sampler, manager->sideband, &session,
			   is_open(manager));
	if (r < 0)
		return r;
	manager->session_started_usec = session.started_usec;
	for (size_t i = 0; i < manager->n_targets; i++)
		if (managed_is_active(manager->targets[i]) &&
		    manager->targets[i]->wanted.target.kind == TARGET_PID)
			recorder_expect(manager->recorder, manager->targets[i]->wanted.target.pid);
	recorder_wait_names(manager->recorder);
	return 0;
}

static int start_sampling(struct manager *manager)
{
	int r = manager_push_filters(manager);

	if (r < 0)
		return r;
	manager_adopt_children(manager);
	r = manager_hear_kernel(manager, true);
	if (r < 0)
		return r;
	r = sideband_enable(manager->sideband);
	if (r < 0)
		return r;
	r = sampler_enable(manager->sampler);
	return r < 0 ? r : start_drains(manager);
}

static void stop_sampling(struct manager *manager)
{
	const struct sampler_plan nothing = {};

	manager->drain_source = sd_event_source_disable_unref(manager->drain_source);
	(void)manager_hear_kernel(manager, false);
	(void)sampler_disable(manager->sampler);
	(void)sampler_apply(manager->sampler, &nothing);
	sideband_disable(manager->sideband);
}

void manager_end_session(struct manager *manager, uint64_t patience_usec)
{
	if (!manager->running)
		return;
	stop_sampling(manager);
	manager->running = false;
	if (recorder_end(manager->recorder, clock_realtime_usec(), patience_usec) < 0)
		note(manager, "the end of the session could not be written");
	log_info("Paused.");
}

static int begin_session(struct manager *manager, struct failure *failure)
{
	int r;

	assert(manager_is_ready(manager) && !manager->running);
	r = begin_record(manager);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_DATABASE, "cannot begin a session: %s",
				   store_error(manager->store));
	manager->running = true;
	r = start_sampling(manager);
	if (r < 0) {
		manager_end_session(manager, PATIENCE_USEC);
		return failure_set(failure, r, OX_ERROR_KERNEL, "cannot start to sample: %s",
				   strerror(-r));
	}
	manager->notice[0] = 0;
	log_info("Sampling every %.9g s.", manager->interval_ns / 1e9);
	return 0;
}

int manager_reconcile(struct manager *manager, struct failure *failure)
{
	int r;

	manager_end_session(manager, PATIENCE_USEC);
	if (!has_work(manager)) {
		if (manager->sampler)
			sampler_clear_slot(manager->sampler, RECORDER_SLOT);
		manager->until_source = sd_event_source_disable_unref(manager->until_source);
		manager_close(manager);
		return 0;
	}
	r = begin_session(manager, failure);
	if (r < 0)
		return r;
	(void)manager_set_until(manager);
	return 0;
}

void manager_reconcile_or_pause(struct manager *manager)
{
	struct failure failure;

	if (manager_reconcile(manager, &failure) < 0) {
		log_error("%s", failure.text);
		snprintf(manager->notice, sizeof(manager->notice), "%s", failure.text);
		for (size_t i = 0; i < manager->n_targets; i++)
			if (managed_is_active(manager->targets[i]))
				manager->targets[i]->state = TARGET_PAUSED;
	}
	manager_tell(manager);
}

int manager_on_process_end(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct managed *managed = userdata;
	struct manager *manager = managed->manager;

	managed->exit_source = sd_event_source_unref(source);
	managed->state = TARGET_EXITED;
	/* The session goes on for the others. */
	if (!manager->running || !has_work(manager)) {
		manager_reconcile_or_pause(manager);
	} else {
		(void)manager_push_filters(manager);
		manager_tell(manager);
	}
	return 0;
}
