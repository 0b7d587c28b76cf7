/* SPDX-License-Identifier: MIT */
/* Unpause and pause: a request is fulfilled as a whole, or all stays as it was. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"

/* The state that is put back where a change fails. */
struct snapshot {
	enum manager_target_state *states;
	uint64_t *untils;
	size_t n;
	uint64_t interval_ns;
	int64_t session; /* that runs; 0: none */
};

static int64_t running_session(const struct manager *manager)
{
	struct recorder_totals totals;

	recorder_get_totals(manager->recorder, &totals);
	return manager->running ? totals.session : 0;
}

static int snapshot_save(const struct manager *manager, struct snapshot *snapshot)
{
	snapshot->n = manager->n_targets;
	snapshot->interval_ns = manager->interval_ns;
	snapshot->session = running_session(manager);
	snapshot->states = calloc(snapshot->n + 1, sizeof(*snapshot->states));
	snapshot->untils = calloc(snapshot->n + 1, sizeof(*snapshot->untils));
	for (size_t i = 0; snapshot->states && snapshot->untils && i < snapshot->n; i++) {
		snapshot->states[i] = manager->targets[i]->state;
		snapshot->untils[i] = manager->targets[i]->until_usec;
	}
	return snapshot->states && snapshot->untils ? 0 : -ENOMEM;
}

static void snapshot_done(struct snapshot *snapshot)
{
	free(snapshot->states);
	free(snapshot->untils);
}

/* Restores the targets as they were; a session that was stopped for the change is begun again, if
 * it can be. */
static void snapshot_restore(struct manager *manager, const struct snapshot *snapshot)
{
	/* A change adds targets; those that it replaces are freed only when it went well. */
	assert(manager->n_targets >= snapshot->n);
	manager_drop_targets(manager, snapshot->n);
	manager->interval_ns = snapshot->interval_ns;
	for (size_t i = 0; i < snapshot->n; i++) {
		manager->targets[i]->state = snapshot->states[i];
		manager->targets[i]->until_usec = snapshot->untils[i];
		manager->targets[i]->replaced = false;
	}
	if (snapshot->session && running_session(manager) != snapshot->session)
		manager_reconcile_or_pause(manager);
}

/* True if requests that name the target mean this one. */
static bool is_meant(const struct managed *managed, const struct target *target)
{
	return managed_is(managed, target) && !managed->replaced && managed->state != TARGET_EXITED;
}

/* Finds the owner's target. Two users may name the same: each has a target of his own, with his own
 * rights. */
static struct managed *find_target(const struct manager *manager, const struct target *target,
				   uint32_t owner)
{
	for (size_t i = 0; i < manager->n_targets; i++)
		if (is_meant(manager->targets[i], target) && manager->targets[i]->owner == owner)
			return manager->targets[i];
	return NULL;
}

static bool has_target(const struct manager *manager, const struct target *target)
{
	for (size_t i = 0; i < manager->n_targets; i++)
		if (is_meant(manager->targets[i], target))
			return true;
	return false;
}

static size_t count_owned(const struct manager *manager, uint32_t owner)
{
	size_t n = 0;

	for (size_t i = 0; i < manager->n_targets; i++)
		n += manager->targets[i]->owner == owner;
	return n;
}

/* Returns the smallest number that is free. The index of a target would not do: those before it may
 * go while it is sampled. */
static uint32_t choose_number(const struct manager *manager)
{
	uint32_t number = 1;

	for (size_t i = 0; i < manager->n_targets;)
		if (manager->targets[i++]->number == number) {
			number++;
			i = 0;
		}
	return number;
}

static int add_target(struct manager *manager, struct managed *managed, struct failure *failure)
{
	assert(!managed->number);
	if (manager->n_targets >= OX_TARGETS_MAX ||
	    (managed->owner && count_owned(manager, managed->owner) >= OX_TARGETS_PER_USER))
		return failure_set(
			failure, -E2BIG, OX_ERROR_LIMIT_REACHED,
			"there are %zu targets already; drop them with: oxprofctl cancel",
			manager->n_targets);
	if (array_reserve(manager->targets, manager->targets_size, manager->n_targets + 1) < 0)
		return failure_set(failure, -ENOMEM, OX_ERROR_LIMIT_REACHED, "out of memory");
	managed->number = choose_number(manager);
	manager->targets[manager->n_targets++] = managed;
	return 0;
}

/* Frees the targets that were replaced, and those that have exited unless their children still run:
 * status shows them until the next change. */
static void drop_exited(struct manager *manager)
{
	size_t kept = 0;

	for (size_t i = 0; i < manager->n_targets; i++) {
		struct managed *managed = manager->targets[i];

		if (managed->replaced || (managed->state == TARGET_EXITED &&
					  (!manager->running || !managed->wanted.children)))
			managed_free(managed);
		else
			manager->targets[kept++] = managed;
	}
	manager->n_targets = kept;
}

/* Adds a target as the request has it, in place of the owner's target of that name. */
static int fulfil(struct manager *manager, const struct target_request *wanted,
		  const struct manager_request *request, struct failure *failure)
{
	struct managed *fresh, *old = find_target(manager, &wanted->target, request->owner);
	int r = managed_new(manager, wanted, request->owner, manager_on_process_end, &fresh,
			    failure);

	if (r < 0)
		return r;
	fresh->for_usec = request->for_usec;
	r = add_target(manager, fresh, failure);
	if (r < 0) {
		managed_free(fresh);
		return r;
	}
	/* Freed only when all went well. */
	if (old)
		old->replaced = true;
	return 0;
}

static int check_resume(const struct manager *manager, struct failure *failure)
{
	for (size_t i = 0; i < manager->n_targets; i++)
		if (manager->targets[i]->state != TARGET_EXITED)
			return 0;
	return failure_set(failure, -ENOENT, OX_ERROR_NO_TARGET,
			   manager->n_targets
				   ? "all targets have ended; name one: --pid, --comm, --unit, "
				     "--cgroup, --user or --all"
				   : "there is no target yet; name one: --pid, --comm, --unit, "
				     "--cgroup, --user or --all");
}

int manager_check_request(struct manager *manager, const struct manager_request *request,
			  struct failure *failure)
{
	if (!request->n_targets)
		return check_resume(manager, failure);
	for (size_t i = 0; i < request->n_targets; i++) {
		struct managed *managed;
		int r = managed_new(manager, &request->targets[i], request->owner,
				    manager_on_process_end, &managed, failure);

		if (r < 0)
			return r;
		managed_free(managed);
	}
	return 0;
}

static int resume(struct manager *manager, const struct manager_request *request,
		  struct failure *failure)
{
	int r = check_resume(manager, failure);

	if (r < 0)
		return r;
	for (size_t i = 0; i < manager->n_targets; i++) {
		struct managed *managed = manager->targets[i];

		if (managed->state == TARGET_EXITED)
			continue;
		if (managed->state == TARGET_PAUSED)
			managed_resume(managed);
		managed->until_usec = 0;
		managed->for_usec = request->for_usec;
	}
	return 0;
}

static int apply(struct manager *manager, const struct manager_request *request,
		 struct failure *failure)
{
	int r;

	if (!request->n_targets) {
		r = resume(manager, request, failure);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < request->n_targets; i++) {
		r = fulfil(manager, &request->targets[i], request, failure);
		if (r < 0)
			return r;
	}
	if (request->interval_ns)
		manager->interval_ns = request->interval_ns;
	else if (request->n_targets && !manager->running)
		manager->interval_ns = manager->chosen_ns;
	return manager_reconcile(manager, failure);
}

/* Starts the time that requests gave. It runs from the first sample on, so loading does not count.
 */
static void start_clocks(struct manager *manager)
{
	for (size_t i = 0; i < manager->n_targets; i++) {
		struct managed *managed = manager->targets[i];

		if (managed->for_usec)
			managed->until_usec = clock_realtime_usec() + managed->for_usec;
		managed->for_usec = 0;
	}
	(void)manager_set_until(manager);
}

/* True if all that the request has is being done: then the session goes on as it is. */
static bool is_fulfilled(const struct manager *manager, const struct manager_request *request)
{
	if (!manager->running || !request->n_targets || request->for_usec ||
	    (request->interval_ns && request->interval_ns != manager->interval_ns))
		return false;
	for (size_t i = 0; i < request->n_targets; i++) {
		const struct target_request *wanted = &request->targets[i];
		const struct managed *managed =
			find_target(manager, &wanted->target, request->owner);

		if (!managed || !managed_is_active(managed) || managed->until_usec ||
		    managed->wanted.own != wanted->own ||
		    managed->wanted.kernel != wanted->kernel ||
		    managed->wanted.children != wanted->children)
			return false;
	}
	return true;
}

int manager_unpause(struct manager *manager, const struct manager_request *request,
		    struct failure *failure)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = {0};
	int r;

	/* Nothing is stopped for a change that could not begin. */
	assert(manager_is_ready(manager));
	assert(request->targets || !request->n_targets);
	if (is_fulfilled(manager, request))
		return 0;
	/* Targets that have exited stay for a resume, which says so where all have. */
	if (request->n_targets)
		drop_exited(manager);
	r = snapshot_save(manager, &snapshot);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_LIMIT_REACHED, "out of memory");
	r = apply(manager, request, failure);
	if (r < 0) {
		snapshot_restore(manager, &snapshot);
	} else {
		start_clocks(manager);
		drop_exited(manager);
	}
	manager_tell(manager);
	return r;
}

int manager_pause(struct manager *manager, const struct target *targets, size_t n,
		  struct failure *failure)
{
	bool changed = false;

	assert(targets || !n);
	for (size_t i = 0; i < n; i++)
		if (!has_target(manager, &targets[i]))
			return failure_set(failure, -ENOENT, OX_ERROR_NO_TARGET,
					   "%s is not a target (oxprofctl status shows them)",
					   targets[i].text);
	for (size_t i = 0; i < manager->n_targets; i++) {
		struct managed *managed = manager->targets[i];
		bool meant = !n && managed->state != TARGET_EXITED;

		for (size_t t = 0; t < n; t++)
			meant |= is_meant(managed, &targets[t]);
		if (!meant || !managed_is_active(managed))
			continue;
		managed->state = TARGET_PAUSED;
		managed->until_usec = 0;
		changed = true;
	}
	if (!n)
		drop_exited(manager);
	/* Children of a target that ended may be all that still runs. */
	if (!changed && (n || !manager->running))
		return 0;
	for (size_t i = 0; !n && i < manager->n_targets; i++)
		if (manager->targets[i]->state == TARGET_EXITED)
			manager->targets[i]->wanted.children = false;
	manager_reconcile_or_pause(manager);
	return 0;
}
