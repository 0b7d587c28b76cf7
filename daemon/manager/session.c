/* SPDX-License-Identifier: MIT */
/*
 * One session: an owner's order from its unpause to its pause. Sessions run side by side. Whatever
 * happens to one changes nothing in another: the kernel side is given other masks, and goes on.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/manager/log.h"

struct managed_session *session_new(struct manager *manager, uint32_t owner, bool anybody,
				    bool kernel)
{
	struct managed_session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->manager = manager;
	session->owner = owner;
	session->anybody = anybody;
	session->kernel = kernel;
	return session;
}

struct managed_session *session_free(struct managed_session *session)
{
	if (!session)
		return NULL;
	assert(!session->is_running);
	while (session->n_targets)
		managed_free(session->targets[--session->n_targets]);
	if (session->manager->recorder)
		recorder_release_session(session->manager->recorder, session->record);
	free(session->targets);
	free(session);
	return NULL;
}

/* Returns the smallest number that no target has, 0: no memory. The index of a target would not do:
 * those before it may go while it is sampled. */
static uint32_t choose_number(const struct manager *manager)
{
	_cleanup_free_ bool *taken = calloc(OX_TARGETS_MAX * 2 + 2, sizeof(*taken));
	uint32_t number = 1;

	if (!taken)
		return 0;
	foreach_target (manager, managed)
		if (managed->number <= OX_TARGETS_MAX * 2)
			taken[managed->number] = true;
	while (taken[number])
		number++;
	return number;
}

int session_add_target(struct managed_session *session, struct managed *managed)
{
	assert(!managed->number);
	managed->number = choose_number(session->manager);
	if (!managed->number ||
	    array_reserve(session->targets, session->targets_size, session->n_targets + 1) < 0) {
		managed_free(managed);
		return -ENOMEM;
	}
	managed->session = session;
	recorder_clear_share(session->manager->recorder, managed->number);
	session->targets[session->n_targets++] = managed;
	return 0;
}

void session_drop_target(struct managed_session *session, size_t n)
{
	assert(n < session->n_targets);
	managed_free(session->targets[n]);
	memmove(&session->targets[n], &session->targets[n + 1],
		(session->n_targets - n - 1) * sizeof(session->targets[0]));
	session->n_targets--;
}

int64_t session_get_id(const struct managed_session *session)
{
	struct recorder_totals totals;

	if (!session->record)
		return 0;
	recorder_session_get_totals(session->manager->recorder, session->record, &totals);
	return totals.session;
}

bool session_is_in(const struct managed_session *session, const struct manager_scope *scope)
{
	if (scope->owner != UINT32_MAX && scope->owner != session->owner)
		return false;
	return !scope->session || scope->session == session_get_id(session);
}

bool session_has_work(const struct managed_session *session)
{
	bool children = false;

	for (size_t i = 0; i < session->n_targets; i++) {
		const struct managed *managed = session->targets[i];

		if (managed_is_active(managed))
			return true;
		children |= managed->state == TARGET_EXITED && managed->wanted.children;
	}
	return children && session->is_running &&
	       sampler_count_children(session->manager->sampler,
				      UINT64_C(1) << session_get_slot(session)) > 0;
}

void session_get_info(const struct managed_session *session, struct manager_session_info *ret)
{
	*ret = (struct manager_session_info){
		.owner = session->owner,
		.is_running = session->is_running,
		.anybody = session->anybody,
		.interval_ns = session->interval_ns,
	};
	if (!session->record)
		return;
	recorder_session_get_totals(session->manager->recorder, session->record, &ret->totals);
	ret->session = ret->totals.session;
	ret->running_usec = session->is_running ? ret->totals.running_usec : 0;
}

/* ---- its row ---- */

/* Returns the targets as the session's row has them, to be freed; NULL: no memory. */
static char *list_targets(const struct managed_session *session)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (size_t i = 0; i < session->n_targets; i++)
		if (managed_is_active(session->targets[i])) {
			if (ftell(f))
				fputc(' ', f);
			target_write_escaped(f, session->targets[i]->wanted.target.text);
		}
	return fclose(f) ? NULL : text;
}

static void write_targets(struct managed_session *session)
{
	_cleanup_free_ char *targets = list_targets(session);

	assert(session->is_running);
	manager_check_database(session->manager);
	if (targets &&
	    recorder_session_set_targets(session->manager->recorder, session->record, targets) < 0)
		manager_note(session->manager, "the targets of the session could not be written");
}

static int explain_record(const struct manager *manager, int r, struct failure *failure)
{
	if (r == -EMFILE)
		return failure_set(failure, r, OX_ERROR_LIMIT_REACHED,
				   "too many sessions run on this machine already; try again when "
				   "one of them is paused");
	return failure_set(failure, r, OX_ERROR_DATABASE, "cannot begin a session: %s",
			   r == -ENOMEM ? strerror(-r) : store_error(manager->store));
}

/* Begins a row for the session, in place of that of its last run. */
static int begin_record(struct managed_session *session, struct failure *failure)
{
	_cleanup_free_ char *targets = list_targets(session);
	struct manager *manager = session->manager;
	struct recorder_session *record = NULL;
	struct store_session row = {
		.started_usec = clock_realtime_usec(),
		.mode = manager_mode(manager),
		.interval_ns = session->interval_ns,
		.targets = targets,
		.owner = session->owner,
	};
	int r;

	manager_check_database(manager);
	r = targets ? recorder_begin_session(manager->recorder, &row, &record) : -ENOMEM;
	if (r < 0)
		return explain_record(manager, r, failure);
	if (!session->is_running)
		recorder_release_session(manager->recorder, session->record);
	session->record = record;
	return 0;
}

/* ---- beginning and end ---- */

/* Reads what processes have mapped that will be sampled, before they end. */
static void expect_processes(const struct managed_session *session)
{
	struct recorder *recorder = session->manager->recorder;

	for (size_t i = 0; i < session->n_targets; i++)
		if (managed_is_active(session->targets[i]) &&
		    session->targets[i]->wanted.target.kind == TARGET_PID)
			recorder_expect(recorder, session->targets[i]->wanted.target.pid);
	recorder_wait_names(recorder);
}

static int check_limit(const struct managed_session *session, struct failure *failure)
{
	const struct manager *manager = session->manager;
	size_t n = 0;

	for (size_t i = 0; i < manager->n_sessions; i++)
		n += manager->sessions[i]->is_running &&
		     manager->sessions[i]->owner == session->owner;
	if (!session->owner || n < OX_SESSIONS_PER_USER)
		return 0;
	return failure_set(failure, -E2BIG, OX_ERROR_LIMIT_REACHED,
			   "%zu sessions of yours run already; pause one of them", n);
}

int session_begin(struct managed_session *session, struct failure *failure)
{
	struct manager *manager = session->manager;
	int r = check_limit(session, failure);

	assert(manager_is_ready(manager) && !session->is_running && session->interval_ns);
	if (r < 0)
		return r;
	if (!manager->running)
		recorder_begin(manager->recorder, manager->sampler, manager->sideband);
	r = begin_record(session, failure);
	if (r < 0)
		return r;
	session->is_running = true;
	expect_processes(session);
	r = manager->running ? manager_apply(manager) : manager_start_sampling(manager);
	if (r < 0) {
		session_end(session, PATIENCE_USEC);
		return failure_set(failure, r, OX_ERROR_KERNEL, "cannot start to sample: %s",
				   strerror(-r));
	}
	session_adopt_children(session);
	log_info("Session %lld: sampling every %.9g s.", (long long)session_get_id(session),
		 session->interval_ns / 1e9);
	return 0;
}

int session_change_interval(struct managed_session *session, uint64_t interval_ns,
			    struct failure *failure)
{
	struct manager *manager = session->manager;
	struct recorder_session *before = session->record;
	uint64_t before_ns = session->interval_ns;
	int r;

	assert(session->is_running);
	session->interval_ns = interval_ns;
	r = begin_record(session, failure);
	if (r < 0) {
		session->interval_ns = before_ns;
		return r;
	}
	r = manager_apply(manager);
	recorder_end_session(manager->recorder, before);
	recorder_release_session(manager->recorder, before);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_KERNEL, "cannot change the interval: %s",
				   strerror(-r));
	session_adopt_children(session);
	(void)manager_drain(manager);
	return 0;
}

int session_extend(struct managed_session *session)
{
	int r;

	assert(session->is_running);
	expect_processes(session);
	r = manager_apply(session->manager);
	if (r < 0)
		return r;
	session_adopt_children(session);
	write_targets(session);
	return 0;
}

static bool any_runs(const struct manager *manager)
{
	for (size_t i = 0; i < manager->n_sessions; i++)
		if (manager->sessions[i]->is_running)
			return true;
	return false;
}

/* Ends the last session that ran: the timers stop, and all that was sampled is recorded. */
static void end_last(struct managed_session *session, uint64_t patience_usec)
{
	struct manager *manager = session->manager;

	manager_check_database(manager);
	manager_stop_sampling(manager);
	recorder_end_session(manager->recorder, session->record);
	if (recorder_end(manager->recorder, patience_usec) < 0)
		manager_note(manager, "the end of the session could not be written");
}

void session_end(struct managed_session *session, uint64_t patience_usec)
{
	struct manager *manager = session->manager;

	assert(session->is_running);
	session->is_running = false;
	if (any_runs(manager)) {
		/* Masks that shrink need no memory: this cannot fail in a way that matters. */
		(void)manager_apply(manager);
		recorder_end_session(manager->recorder, session->record);
		(void)manager_drain(manager);
	} else {
		end_last(session, patience_usec);
	}
	log_info("Session %lld: paused.", (long long)session_get_id(session));
}
