/* SPDX-License-Identifier: MIT */
/* Owners order this: unpause, pause, cancel, another interval. A request is fulfilled as a whole,
 * or all stays as it was; the sessions of other owners stay as they are in any case. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"

/* A cancel is to be quick. Names that take longer can be had later (resymbolize). */
#define CANCEL_PATIENCE_USEC UINT64_C(250000)

/* ---- looking up ---- */

/* Marks the owners whose sessions the call is about, and the one who calls. */
static void mark_scope(struct manager *manager, const struct manager_scope *scope)
{
	if (scope->owner != UINT32_MAX)
		manager_mark(manager, scope->owner);
	for (size_t i = 0; i < manager->n_sessions; i++)
		if (session_is_in(manager->sessions[i], scope))
			manager_mark(manager, manager->sessions[i]->owner);
}

static int check_scope(const struct manager *manager, const struct manager_scope *scope,
		       struct failure *failure)
{
	if (!scope->session)
		return 0;
	for (size_t i = 0; i < manager->n_sessions; i++)
		if (session_is_in(manager->sessions[i], scope))
			return 0;
	return failure_set(failure, -ENOENT, OX_ERROR_INVALID_ARGUMENT,
			   "session %lld does not run, nor can it be resumed; oxprofctl status "
			   "shows those that do",
			   (long long)scope->session);
}

/* True if requests that name the target mean this one. */
static bool is_meant(const struct managed *managed, const struct target *target)
{
	return managed_is(managed, target) && !managed->replaced && managed->state != TARGET_EXITED;
}

/* Finds the owner's target, in whichever session it is. Two users may name the same: each has a
 * target of his own, with his own rights. */
static struct managed *find_target(const struct manager *manager, const struct target *target,
				   uint32_t owner)
{
	foreach_target (manager, managed)
		if (is_meant(managed, target) && managed->session->owner == owner)
			return managed;
	return NULL;
}

static bool has_target(const struct manager *manager, const struct manager_scope *scope,
		       const struct target *target)
{
	foreach_target (manager, managed)
		if (is_meant(managed, target) && session_is_in(managed->session, scope))
			return true;
	return false;
}

/* Counts the targets of an owner, UINT32_MAX: of all. */
static size_t count_targets(const struct manager *manager, uint32_t owner)
{
	size_t n = 0;

	foreach_target (manager, managed)
		n += !managed->replaced &&
		     (owner == UINT32_MAX || managed->session->owner == owner);
	return n;
}

/* ---- intervals ---- */

static int owner_set_interval(struct manager *manager, uint32_t uid, uint64_t interval_ns)
{
	struct managed_owner *owner = manager_find_owner(manager, uid);

	if (!owner) {
		if (manager->n_owners >= OX_OWNERS_MAX ||
		    array_reserve(manager->owners, manager->owners_size, manager->n_owners + 1) < 0)
			return -ENOMEM;
		owner = &manager->owners[manager->n_owners++];
		owner->uid = uid;
	}
	owner->interval_ns = interval_ns;
	return 0;
}

static void owner_forget(struct manager *manager, uint32_t uid)
{
	struct managed_owner *owner = manager_find_owner(manager, uid);

	if (owner)
		*owner = manager->owners[--manager->n_owners];
}

/* ---- unpause ---- */

static bool session_fits(const struct managed_session *session,
			 const struct manager_request *request)
{
	return session->owner == request->owner && session->anybody == request->anybody &&
	       session->kernel == request->kernel;
}

static int add_session(struct manager *manager, const struct manager_request *request,
		       struct managed_session **ret)
{
	struct managed_session *session;

	if (array_reserve(manager->sessions, manager->sessions_size, manager->n_sessions + 1) < 0)
		return -ENOMEM;
	session = session_new(manager, request->owner, request->anybody, request->kernel);
	if (!session)
		return -ENOMEM;
	manager->sessions[manager->n_sessions++] = session;
	*ret = session;
	return 0;
}

static void remove_session(struct manager *manager, const struct managed_session *session)
{
	size_t kept = 0;

	for (size_t i = 0; i < manager->n_sessions; i++)
		if (manager->sessions[i] == session)
			session_free(manager->sessions[i]);
		else
			manager->sessions[kept++] = manager->sessions[i];
	manager->n_sessions = kept;
}

/* Finds the session that the request extends: with the same rights, which are never added up, and
 * the same interval; or one of such rights that is paused; else makes one. */
static int choose_session(struct manager *manager, const struct manager_request *request,
			  struct managed_session **ret)
{
	uint64_t interval_ns = request->interval_ns ?: manager_interval_ns(manager, request->owner);
	struct managed_session *paused = NULL;
	int r;

	for (size_t i = 0; i < manager->n_sessions; i++) {
		struct managed_session *session = manager->sessions[i];

		if (!session_fits(session, request))
			continue;
		if (session->is_running && session->interval_ns == interval_ns) {
			*ret = session;
			return 0;
		}
		if (!session->is_running)
			paused = session;
	}
	r = paused ? 0 : add_session(manager, request, &paused);
	if (r < 0)
		return r;
	paused->interval_ns = interval_ns;
	*ret = paused;
	return 0;
}

static int check_limit(const struct managed_session *session, struct failure *failure)
{
	const struct manager *manager = session->manager;

	if (count_targets(manager, UINT32_MAX) < OX_TARGETS_MAX &&
	    (!session->owner || count_targets(manager, session->owner) < OX_TARGETS_PER_USER))
		return 0;
	return failure_set(failure, -E2BIG, OX_ERROR_LIMIT_REACHED,
			   "there are too many targets already; drop yours with: oxprofctl cancel");
}

/* Adds a target as the request has it, in place of the owner's target of that name. */
static int fulfil(struct managed_session *session, const struct target_request *wanted,
		  const struct manager_request *request, struct failure *failure)
{
	struct manager *manager = session->manager;
	struct managed *fresh, *old = find_target(manager, &wanted->target, request->owner);
	int r = managed_new(manager, wanted, manager_on_process_end, &fresh, failure);

	if (r < 0)
		return r;
	fresh->for_usec = request->for_usec;
	/* Freed only when all went well. */
	if (old)
		old->replaced = true;
	r = check_limit(session, failure);
	if (r < 0) {
		managed_free(fresh);
		return r;
	}
	r = session_add_target(session, fresh);
	return r < 0 ? failure_set(failure, r, OX_ERROR_LIMIT_REACHED, "out of memory") : 0;
}

/* Takes back what a request that failed has added. */
static void undo(struct managed_session *session, size_t n_before)
{
	struct manager *manager = session->manager;

	while (session->n_targets > n_before)
		session_drop_target(session, session->n_targets - 1);
	foreach_target (manager, managed)
		managed->replaced = false;
	if (!session->n_targets)
		remove_session(manager, session);
	if (manager->running)
		(void)manager_apply(manager);
}

/* Frees the owner's targets that were replaced, and those that have exited unless their children
 * still run: status shows them until the next change. */
static void drop_exited(struct manager *manager, uint32_t owner)
{
	for (size_t i = 0; i < manager->n_sessions; i++) {
		struct managed_session *session = manager->sessions[i];

		for (size_t t = session->n_targets; t-- > 0;) {
			const struct managed *managed = session->targets[t];

			if (session->owner == owner &&
			    (managed->replaced ||
			     (managed->state == TARGET_EXITED &&
			      (!session->is_running || !managed->wanted.children))))
				session_drop_target(session, t);
		}
	}
}

/* Frees the owner's sessions that have neither targets nor a row that runs. */
static void drop_empty(struct manager *manager, uint32_t owner)
{
	for (size_t i = manager->n_sessions; i-- > 0;) {
		const struct managed_session *session = manager->sessions[i];

		if (session->owner == owner && !session->n_targets && !session->is_running)
			remove_session(manager, session);
	}
}

/* Starts the time that requests gave. It runs from the first sample on, so loading does not count.
 */
static void start_clocks(struct manager *manager, uint32_t owner)
{
	foreach_target (manager, managed) {
		if (managed->session->owner != owner || !managed->for_usec)
			continue;
		managed->until_ns = clock_boottime_ns() + managed->for_usec * 1000;
		managed->for_usec = 0;
	}
	(void)manager_set_until(manager);
}

/* True if all that the request has is being done: then the session goes on as it is. */
static bool is_fulfilled(const struct manager *manager, const struct manager_request *request)
{
	if (request->for_usec)
		return false;
	for (size_t i = 0; i < request->n_targets; i++) {
		const struct target_request *wanted = &request->targets[i];
		const struct managed *managed =
			find_target(manager, &wanted->target, request->owner);

		if (!managed || !managed_is_active(managed) || managed->until_ns ||
		    !managed->session->is_running || !session_fits(managed->session, request) ||
		    managed->wanted.children != wanted->children ||
		    (request->interval_ns && request->interval_ns != managed->session->interval_ns))
			return false;
	}
	return true;
}

/* Begins the session, or gives the one that runs its new targets. */
static int run(struct managed_session *session, struct failure *failure)
{
	int r;

	if (!session->is_running)
		return session_begin(session, failure);
	r = session_extend(session);
	return r < 0 ? failure_set(failure, r, OX_ERROR_KERNEL, "cannot sample more targets: %s",
				   strerror(-r))
		     : 0;
}

static int add_targets(struct managed_session *session, const struct manager_request *request,
		       struct failure *failure)
{
	for (size_t i = 0; i < request->n_targets; i++) {
		int r = fulfil(session, &request->targets[i], request, failure);

		if (r < 0)
			return r;
	}
	return run(session, failure);
}

static int check_resume(const struct manager *manager, uint32_t owner, struct failure *failure)
{
	bool any = false;

	foreach_target (manager, managed) {
		if (managed->session->owner != owner)
			continue;
		if (managed->state != TARGET_EXITED)
			return 0;
		any = true;
	}
	return failure_set(failure, -ENOENT, OX_ERROR_NO_TARGET,
			   any ? "all targets have ended; name one: --pid, --comm, --unit, "
				 "--cgroup, --user or --all"
			       : "there is no target yet; name one: --pid, --comm, --unit, "
				 "--cgroup, --user or --all");
}

int manager_check_request(struct manager *manager, const struct manager_request *request,
			  struct failure *failure)
{
	if (!request->n_targets)
		return check_resume(manager, request->owner, failure);
	for (size_t i = 0; i < request->n_targets; i++) {
		struct managed *managed;
		int r = managed_new(manager, &request->targets[i], manager_on_process_end, &managed,
				    failure);

		if (r < 0)
			return r;
		managed_free(managed);
	}
	return 0;
}

/* Pauses again what could not be resumed. */
static void pause_targets(struct managed_session *session)
{
	for (size_t i = 0; i < session->n_targets; i++)
		if (managed_is_active(session->targets[i]))
			session->targets[i]->state = TARGET_PAUSED;
}

static int resume_session(struct managed_session *session, const struct manager_request *request,
			  struct failure *failure)
{
	uint64_t interval_ns = request->interval_ns ?: session->interval_ns;
	int r = 0;

	for (size_t i = 0; i < session->n_targets; i++) {
		struct managed *managed = session->targets[i];

		if (managed->state == TARGET_EXITED)
			continue;
		if (managed->state == TARGET_PAUSED)
			managed_resume(managed);
		managed->until_ns = 0;
		managed->for_usec = request->for_usec;
	}
	if (!session_has_work(session))
		return 0;
	if (!session->is_running) {
		session->interval_ns = interval_ns;
		session->kernel = request->kernel;
		r = session_begin(session, failure);
		if (r < 0)
			pause_targets(session);
		return r;
	}
	if (interval_ns != session->interval_ns)
		return session_change_interval(session, interval_ns, failure);
	return run(session, failure);
}

static int resume(struct manager *manager, const struct manager_request *request,
		  struct failure *failure)
{
	int r = check_resume(manager, request->owner, failure);

	for (size_t i = 0; r >= 0 && i < manager->n_sessions; i++) {
		struct managed_session *session = manager->sessions[i];

		if (session->owner != request->owner)
			continue;
		/* The right was asked for when the session began; it may be gone. */
		if (session->anybody && !request->anybody)
			return failure_set(failure, -EACCES, OX_ERROR_NOT_PERMITTED,
					   "not permitted to resume what others do; use sudo");
		r = resume_session(session, request, failure);
	}
	return r;
}

static int unpause(struct manager *manager, const struct manager_request *request,
		   struct failure *failure)
{
	struct managed_session *session;
	size_t n_before;
	int r;

	/* Targets that have exited stay for a resume, which says so where all have. */
	drop_exited(manager, request->owner);
	r = choose_session(manager, request, &session);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_LIMIT_REACHED, "out of memory");
	n_before = session->n_targets;
	r = add_targets(session, request, failure);
	if (r < 0) {
		undo(session, n_before);
		return r;
	}
	drop_exited(manager, request->owner);
	manager_reconcile(manager, PATIENCE_USEC);
	drop_empty(manager, request->owner);
	return 0;
}

int manager_unpause(struct manager *manager, const struct manager_request *request,
		    struct failure *failure)
{
	int r;

	/* Nothing is stopped for a change that could not begin. */
	assert(manager_is_ready(manager));
	assert(request->targets || !request->n_targets);
	if (request->n_targets && is_fulfilled(manager, request))
		return 0;
	r = request->n_targets ? unpause(manager, request, failure)
			       : resume(manager, request, failure);
	if (r >= 0)
		start_clocks(manager, request->owner);
	manager->saved.told[0] = 0;
	manager_mark(manager, request->owner);
	manager_tell(manager);
	return r;
}

/* ---- pause, cancel, interval ---- */

static bool is_to_pause(const struct managed *managed, const struct target *targets, size_t n)
{
	for (size_t t = 0; t < n; t++)
		if (is_meant(managed, &targets[t]))
			return true;
	return !n && managed->state != TARGET_EXITED;
}

int manager_pause(struct manager *manager, const struct manager_scope *scope,
		  const struct target *targets, size_t n, struct failure *failure)
{
	int r = check_scope(manager, scope, failure);

	assert(targets || !n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (!has_target(manager, scope, &targets[i]))
			return failure_set(failure, -ENOENT, OX_ERROR_NO_TARGET,
					   "%s is not a target (oxprofctl status shows them)",
					   targets[i].text);
	mark_scope(manager, scope);
	foreach_target (manager, managed) {
		if (!session_is_in(managed->session, scope))
			continue;
		/* Children of a target that ended may be all that still runs. */
		if (!n && managed->state == TARGET_EXITED)
			managed->wanted.children = false;
		if (!is_to_pause(managed, targets, n) || !managed_is_active(managed))
			continue;
		managed->state = TARGET_PAUSED;
		managed->until_ns = 0;
	}
	if (manager->running)
		manager_reconcile(manager, PATIENCE_USEC);
	manager_tell(manager);
	return 0;
}

/* Drops the session from the targets on. */
static void cancel_session(struct manager *manager, struct managed_session *session)
{
	if (session->is_running)
		session_end(session, CANCEL_PATIENCE_USEC);
	session_get_info(session, &manager->cancelled);
	remove_session(manager, session);
}

int manager_cancel(struct manager *manager, const struct manager_scope *scope,
		   struct failure *failure)
{
	int r = check_scope(manager, scope, failure);

	if (r < 0)
		return r;
	mark_scope(manager, scope);
	for (size_t i = manager->n_sessions; i-- > 0;)
		if (session_is_in(manager->sessions[i], scope))
			cancel_session(manager, manager->sessions[i]);
	if (!scope->session && scope->owner != UINT32_MAX)
		owner_forget(manager, scope->owner);
	else if (!scope->session)
		manager->n_owners = 0;
	if (!manager->n_sessions)
		manager_unload(manager);
	else
		manager_reconcile(manager, CANCEL_PATIENCE_USEC);
	manager_tell(manager);
	return 0;
}

int manager_set_interval(struct manager *manager, const struct manager_scope *scope,
			 uint64_t interval_ns, struct failure *failure)
{
	int r = check_scope(manager, scope, failure);

	assert(interval_ns >= OX_INTERVAL_MIN_NS && interval_ns <= OX_INTERVAL_MAX_NS);
	for (size_t i = 0; r >= 0 && i < manager->n_sessions; i++) {
		struct managed_session *session = manager->sessions[i];

		if (!session_is_in(session, scope))
			continue;
		if (!session->is_running)
			session->interval_ns = interval_ns;
		else if (session->interval_ns != interval_ns)
			r = session_change_interval(session, interval_ns, failure);
	}
	if (r < 0)
		return r;
	mark_scope(manager, scope);
	if (!scope->session && scope->owner != UINT32_MAX &&
	    owner_set_interval(manager, scope->owner, interval_ns) < 0)
		return failure_set(failure, -ENOMEM, OX_ERROR_LIMIT_REACHED,
				   "too many users have set an interval of their own");
	manager_tell(manager);
	return 0;
}
