/* SPDX-License-Identifier: MIT */
/*
 * Sampling as such: the kernel side is given the sessions that run as masks, what it has counted is
 * drained, and whoever asks waits until that is in the history. The first session starts the
 * timers, the end of the last one stops them, and nothing else does.
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

/* Whoever asks without end gets no more drains than one in this time. */
#define GAP_NS             UINT64_C(50000000)
#define WAIT_ACCURACY_USEC UINT64_C(1000)

/* ---- the kernel side ---- */

/* Adds a session that runs to the plan, with its targets, for which there is room. */
static void plan_add_session(struct sampler_plan *plan, struct sampler_session *sessions,
			     struct sampler_target *targets, const struct managed_session *session)
{
	unsigned slot = session_get_slot(session);

	plan->running |= UINT64_C(1) << slot;
	sessions[slot] = (struct sampler_session){
		.interval_ns = session->interval_ns,
		.owner = session->owner,
		.anybody = session->anybody,
		.kernel = session->kernel,
	};
	for (size_t i = 0; i < session->n_targets; i++) {
		const struct managed *managed = session->targets[i];

		if (!managed_get_filter(managed, &targets[plan->n_targets])) {
			plan->children |= managed->wanted.children;
			plan->n_targets++;
		} else if (managed->state == TARGET_EXITED) {
			/* Its children go on. */
			plan->children |= managed->wanted.children;
		}
	}
}

static bool is_open(const struct manager *manager)
{
	foreach_target (manager, managed)
		if (managed->session->is_running && managed_is_active(managed) &&
		    managed_is_open(managed))
			return true;
	return false;
}

static size_t count_targets(const struct manager *manager)
{
	size_t n = 0;

	for (size_t i = 0; i < manager->n_sessions; i++)
		n += manager->sessions[i]->n_targets;
	return n;
}

int manager_apply(struct manager *manager)
{
	_cleanup_free_ struct sampler_target *targets =
		calloc(count_targets(manager) + 1, sizeof(*targets));
	struct sampler_session sessions[OX_SESSIONS_MAX] = {0};
	struct sampler_plan plan = {.sessions = sessions, .targets = targets};

	assert(manager->sampler);
	if (!targets)
		return -ENOMEM;
	for (size_t i = 0; i < manager->n_sessions; i++)
		if (manager->sessions[i]->is_running)
			plan_add_session(&plan, sessions, targets, manager->sessions[i]);
	recorder_follow_all(manager->recorder, is_open(manager));
	return sampler_apply(manager->sampler, &plan);
}

uint32_t manager_find_target(void *userdata, unsigned slot, const struct ox_sample *sample,
			     const char *cgroup)
{
	const struct manager *manager = userdata;
	uint32_t number = 0;

	foreach_target (manager, managed) {
		const struct managed_session *session = managed->session;

		if (!session->record || session_get_slot(session) != slot)
			continue;
		if (managed->number == sample->target)
			return managed->number;
		if (!number && (managed_has_sample(managed, sample, cgroup)))
			number = managed->number;
	}
	return number;
}

int manager_hear_kernel(struct manager *manager, bool hears)
{
	int enabled = hears ? SD_EVENT_ON : SD_EVENT_OFF;
	int r = sd_event_source_set_enabled(manager->code_source, enabled);

	return r < 0 ? r : sd_event_source_set_enabled(manager->definition_source, enabled);
}

/* ---- drains ---- */

void manager_note(struct manager *manager, const char *what)
{
	char text[sizeof(manager->notice)];

	snprintf(text, sizeof(text), "%s: %s", what, store_error(manager->store));
	if (strcmp(text, manager->notice))
		log_error("%s", text);
	snprintf(manager->notice, sizeof(manager->notice), "%s", text);
}

/* Tells in the notice how a drain went, whose result this is. */
static void note_drain(struct manager *manager, int result)
{
	if (result == -EUCLEAN) {
		/* The next start sets the file aside and begins a new one. */
		log_error("The database is damaged: %s. The daemon restarts, sets it aside and "
			  "begins a new one.",
			  store_error(manager->store));
		manager->saved.is_kept = true;
		(void)sd_event_exit(manager->event, EXIT_FAILURE);
	} else if (result < 0)
		manager_note(manager, "samples wait in memory, the database cannot be written");
	else
		manager->notice[0] = 0;
}

int manager_drain(struct manager *manager)
{
	int full;

	manager_check_database(manager);
	full = recorder_drain(manager->recorder, 0);
	manager_check_room(manager);
	note_drain(manager, full);
	return full;
}

/* Records what was sampled up to asked_ns as soon as it has its names, at until_ns without. Returns
 * 1 where that is done, 0 where it is to be called again, or a negative errno, which is in the
 * notice then. */
static int settle(struct manager *manager, uint64_t asked_ns, uint64_t until_ns)
{
	int r;

	manager_check_database(manager);
	r = recorder_settle(manager->recorder, asked_ns, until_ns);
	if (r != 0)
		note_drain(manager, r);
	return r;
}

/* ---- waiting until what was sampled is there: names may take their time ---- */

struct managed_wait {
	struct manager *manager;
	struct managed_wait *next;
	uint64_t asked_ns, until_ns;
	manager_fresh_fn fn;
	void *userdata;
};

/* True if the wait is over. A failure to write is in the notice, and what is on disk is answered
 * all the same. */
static bool is_fresh(struct manager *manager, const struct managed_wait *wait)
{
	return !manager->running || settle(manager, wait->asked_ns, wait->until_ns) != 0;
}

static void look_again(struct manager *manager, uint64_t at_ns)
{
	(void)sd_event_source_set_time(manager->fresh_source, at_ns / 1000);
	(void)sd_event_source_set_enabled(manager->fresh_source, SD_EVENT_ONESHOT);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *manager = userdata;

	while (manager->waits && is_fresh(manager, manager->waits)) {
		struct managed_wait *wait = manager->waits;

		manager->waits = wait->next;
		manager->fresh_ns = clock_monotonic_ns();
		wait->fn(wait->userdata);
		free(wait);
	}
	if (manager->waits)
		look_again(manager, manager->waits->until_ns);
	return 0;
}

static void append(struct managed_wait *wait)
{
	struct managed_wait **link = &wait->manager->waits;

	while (*link)
		link = &(*link)->next;
	*link = wait;
}

int manager_wait_fresh(struct manager *manager, manager_fresh_fn fn, void *userdata,
		       struct managed_wait **ret)
{
	uint64_t now_ns = clock_monotonic_ns(), free_ns = manager->fresh_ns + GAP_NS;
	struct managed_wait *wait;
	int r = 0;

	if (!manager->fresh_source)
		r = sd_event_add_time(manager->event, &manager->fresh_source, CLOCK_MONOTONIC, 0,
				      WAIT_ACCURACY_USEC, on_time, manager);
	if (r < 0)
		return r;
	wait = calloc(1, sizeof(*wait));
	if (!wait)
		return -ENOMEM;
	*wait = (struct managed_wait){
		.manager = manager,
		.asked_ns = now_ns,
		.until_ns = now_ns + PATIENCE_USEC * 1000,
		.fn = fn,
		.userdata = userdata,
	};
	if (!manager->waits)
		look_again(manager, manager->running && free_ns > now_ns ? free_ns : now_ns);
	append(wait);
	*ret = wait;
	return 0;
}

void manager_drop_wait(struct managed_wait *gone)
{
	struct managed_wait **link;

	if (!gone)
		return;
	for (link = &gone->manager->waits; *link != gone;)
		link = &(*link)->next;
	*link = gone->next;
	free(gone);
}

void manager_hurry_waits(struct manager *manager)
{
	if (manager->waits)
		look_again(manager, clock_monotonic_ns());
}

void manager_stop_waits(struct manager *manager)
{
	while (manager->waits)
		manager_drop_wait(manager->waits);
	manager->fresh_source = sd_event_source_disable_unref(manager->fresh_source);
}

/* ---- starting and stopping ---- */

/* Returns the only mode of this release; wall-clock time would be another. */
const char *manager_mode(const struct manager *manager)
{
	return "cpu";
}

static int on_drain(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *manager = userdata;
	int full = manager_drain(manager);

	/* A CPU that came is tried again with the next drain. */
	(void)sampler_check_cpus(manager->sampler);
	/* Half full after one pause: the next one is half as long. */
	if (full > 50 && manager->drain_usec > DRAIN_USEC_MIN)
		manager->drain_usec /= 2;
	else if (full >= 0 && full < 10)
		manager->drain_usec = OX_DRAIN_USEC;
	(void)sd_event_source_set_time_relative(source, manager->drain_usec);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	manager->after_drain(manager);
	return 0;
}

static int start_drains(struct manager *manager)
{
	assert(!manager->drain_source);
	manager->drain_usec = OX_DRAIN_USEC;
	return sd_event_add_time_relative(manager->event, &manager->drain_source, CLOCK_MONOTONIC,
					  OX_DRAIN_USEC, TIMER_ACCURACY_USEC, on_drain, manager);
}

int manager_start_sampling(struct manager *manager)
{
	int r = manager_apply(manager);

	assert(!manager->running);
	manager->running = true;
	if (r < 0)
		return r;
	r = manager_hear_kernel(manager, true);
	if (r < 0)
		return r;
	r = sideband_enable(manager->sideband);
	if (r < 0)
		return r;
	r = sampler_enable(manager->sampler);
	if (r < 0)
		return r;
	manager->notice[0] = manager->database_notice[0] = 0;
	return start_drains(manager);
}

void manager_stop_sampling(struct manager *manager)
{
	manager->running = false;
	manager->drain_source = sd_event_source_disable_unref(manager->drain_source);
	(void)manager_hear_kernel(manager, false);
	(void)sampler_disable(manager->sampler);
	(void)manager_apply(manager);
	sideband_disable(manager->sideband);
	manager_hurry_waits(manager);
}
