/* SPDX-License-Identifier: MIT */
/* Sessions end by themselves: a process that was their target has ended, or their time is up. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/saved.h"

#define TIMER_ACCURACY_USEC UINT64_C(50000)

/* True if a session that runs has nothing left to sample. */
static bool has_idle(const struct manager *manager)
{
	for (size_t i = 0; i < manager->n_sessions; i++)
		if (manager->sessions[i]->is_running && !session_has_work(manager->sessions[i]))
			return true;
	return false;
}

void manager_after_drain(struct manager *manager)
{
	manager_check_log(manager);
	if (!has_idle(manager))
		return;
	manager_reconcile(manager, PATIENCE_USEC);
	manager_tell(manager);
}

static int on_until(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct manager *manager = userdata;
	uint64_t now_ns = clock_boottime_ns() + TIMER_ACCURACY_USEC * 1000;

	foreach_target (manager, managed)
		if (managed_is_active(managed) && managed->until_ns &&
		    managed->until_ns <= now_ns) {
			managed->state = TARGET_PAUSED;
			managed->until_ns = 0;
			manager_mark(manager, managed->session->owner);
		}
	manager_reconcile(manager, PATIENCE_USEC);
	manager_tell(manager);
	return 0;
}

int manager_set_until(struct manager *manager)
{
	uint64_t first_ns = UINT64_MAX;

	manager->until_source = sd_event_source_disable_unref(manager->until_source);
	foreach_target (manager, managed)
		if (managed_is_active(managed) && managed->until_ns && managed->until_ns < first_ns)
			first_ns = managed->until_ns;
	if (first_ns == UINT64_MAX)
		return 0;
	/* A clock that is set does not move the end. */
	return sd_event_add_time(manager->event, &manager->until_source, CLOCK_BOOTTIME,
				 first_ns / 1000, TIMER_ACCURACY_USEC, on_until, manager);
}

void manager_reconcile(struct manager *manager, uint64_t patience_usec)
{
	for (size_t i = 0; i < manager->n_sessions; i++) {
		struct managed_session *session = manager->sessions[i];

		if (!session->is_running || session_has_work(session))
			continue;
		manager_mark(manager, session->owner);
		session_end(session, patience_usec);
	}
	if (manager->running)
		(void)manager_apply(manager);
	else
		manager_close(manager);
	(void)manager_set_until(manager);
}

int manager_on_process_end(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct managed *managed = userdata;
	struct manager *manager = managed->session->manager;
	uint32_t owner = managed->session->owner;

	managed->exit_source = sd_event_source_unref(source);
	managed->state = TARGET_EXITED;
	manager_mark(manager, owner);
	manager_reconcile(manager, PATIENCE_USEC);
	manager_tell(manager);
	return 0;
}
