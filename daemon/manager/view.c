/* SPDX-License-Identifier: MIT */
/* Reads the state of the manager. Nothing here changes it. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"

static int see_session(void *userdata, const struct store_session *session)
{
	*(bool *)userdata = true;
	return 0;
}

int manager_check_session(struct manager *manager, int64_t session, uint32_t owner,
			  struct failure *failure)
{
	const struct store_range range = {
		.until_usec = UINT64_MAX,
		.session = session,
		.owner = owner,
	};
	bool found = !session;
	int r = session ? store_foreach_session(manager->store, &range, see_session, &found) : 0;

	if (r < 0)
		return failure_set(failure, r, OX_ERROR_DATABASE, "cannot read the history: %s",
				   store_error(manager->store));
	if (!found)
		return failure_set(failure, -ENOENT, OX_ERROR_INVALID_ARGUMENT,
				   "there is no session %" PRId64 "%s; see oxprofctl history",
				   session, owner == UINT32_MAX ? "" : " of yours");
	return 0;
}

static int keep_interval(void *userdata, const struct store_session *session)
{
	*(uint64_t *)userdata = session->interval_ns;
	return 0;
}

/* True if the session runs; 0: if one of the caller's does. */
static bool is_running(const struct manager *manager, int64_t session, uint32_t caller)
{
	const struct manager_scope scope = {.owner = UINT32_MAX, .session = session};
	struct manager_session_info info;

	if (!session)
		return manager_is_running(manager, caller);
	return manager_get_session(manager, &scope, &info) && info.is_running;
}

const char *manager_describe(struct manager *manager, int64_t session, uint32_t caller,
			     uint64_t *ret_interval_ns)
{
	struct store_range range = {.until_usec = UINT64_MAX, .owner = UINT32_MAX};
	struct failure failure;

	range.session = session;
	/* An answer about all sessions has the interval of the caller's last one. */
	if (!session)
		(void)manager_find_default_session(manager, caller, &range.session, &failure);
	*ret_interval_ns = manager_interval_ns(manager, caller);
	if (range.session)
		(void)store_foreach_session(manager->store, &range, keep_interval, ret_interval_ns);
	return is_running(manager, session, caller) ? "running" : "paused";
}

int manager_foreach_session(struct manager *manager, const struct store_range *range,
			    store_session_fn fn, void *userdata, struct failure *failure)
{
	int r = store_foreach_session(manager->store, range, fn, userdata);

	return r >= 0 ? 0
		      : failure_set(failure, r, OX_ERROR_DATABASE, "cannot read the history: %s",
				    store_error(manager->store));
}

int manager_foreach_session_loss(struct manager *manager, int64_t session, store_loss_fn fn,
				 void *userdata)
{
	return store_foreach_session_loss(manager->store, session, fn, userdata);
}

const char *manager_target_state_name(enum manager_target_state state)
{
	static const char *const names[] = {
		[TARGET_RUNNING] = "running",
		[TARGET_PAUSED] = "paused",
		[TARGET_WAITING] = "waiting",
		[TARGET_EXITED] = "exited",
	};

	assert((size_t)state < array_length(names));
	return names[state];
}

bool manager_is_running(const struct manager *manager, uint32_t owner)
{
	for (size_t i = 0; i < manager->n_sessions; i++)
		if (manager->sessions[i]->is_running &&
		    (owner == UINT32_MAX || manager->sessions[i]->owner == owner))
			return true;
	return false;
}

/* ---- sessions and targets ---- */

struct managed_owner *manager_find_owner(const struct manager *manager, uint32_t uid)
{
	for (size_t i = 0; i < manager->n_owners; i++)
		if (manager->owners[i].uid == uid)
			return &manager->owners[i];
	return NULL;
}

/* Returns the newest session of the owner that runs; NULL: none. */
static struct managed_session *find_running(const struct manager *manager, uint32_t owner)
{
	struct managed_session *found = NULL;

	for (size_t i = 0; i < manager->n_sessions; i++) {
		struct managed_session *session = manager->sessions[i];

		if (session->is_running && session->owner == owner &&
		    (!found || session_get_id(session) > session_get_id(found)))
			found = session;
	}
	return found;
}

uint64_t manager_interval_ns(const struct manager *manager, uint32_t owner)
{
	const struct managed_session *session = find_running(manager, owner);
	const struct managed_owner *chosen = manager_find_owner(manager, owner);

	if (session)
		return session->interval_ns;
	return chosen ? chosen->interval_ns : manager->config.interval_ns;
}

int manager_foreach_managed_session(const struct manager *manager,
				    const struct manager_scope *scope, manager_session_fn fn,
				    void *userdata)
{
	for (size_t i = 0; i < manager->n_sessions; i++) {
		struct manager_session_info info;
		int r;

		if (!session_is_in(manager->sessions[i], scope))
			continue;
		session_get_info(manager->sessions[i], &info);
		r = fn(userdata, &info);
		if (r < 0)
			return r;
	}
	return 0;
}

/* True if the session a is the one to be shown rather than b: it runs, or is the newer one. */
static bool goes_before(const struct manager_session_info *a, const struct manager_session_info *b)
{
	return a->is_running != b->is_running ? a->is_running : a->session > b->session;
}

bool manager_get_session(const struct manager *manager, const struct manager_scope *scope,
			 struct manager_session_info *ret)
{
	bool found = false;

	for (size_t i = 0; i < manager->n_sessions; i++) {
		struct manager_session_info info;

		if (!session_is_in(manager->sessions[i], scope) || !manager->sessions[i]->record)
			continue;
		session_get_info(manager->sessions[i], &info);
		if (!found || goes_before(&info, ret))
			*ret = info;
		found = true;
	}
	if (found)
		return true;
	/* The last one was cancelled: what it came to is shown until there is another. */
	*ret = manager->cancelled;
	return ret->session && (scope->owner == UINT32_MAX || scope->owner == ret->owner) &&
	       (!scope->session || scope->session == ret->session);
}

int manager_find_default_session(struct manager *manager, uint32_t owner, int64_t *ret,
				 struct failure *failure)
{
	const struct manager_scope scope = {.owner = owner};
	struct manager_session_info info;
	int r;

	*ret = 0;
	if (manager_get_session(manager, &scope, &info) && info.is_running) {
		*ret = info.session;
		return 0;
	}
	r = store_find_last_session(manager->store, owner, ret);
	return r < 0 ? failure_set(failure, r, OX_ERROR_DATABASE, "cannot read the history: %s",
				   store_error(manager->store))
		     : 0;
}

/* Returns the time of the day at which a target's time is up. */
static uint64_t find_until(const struct managed *managed)
{
	uint64_t now_ns = clock_boottime_ns();

	if (!managed->until_ns)
		return 0;
	return clock_realtime_usec() +
	       (managed->until_ns > now_ns ? (managed->until_ns - now_ns) / 1000 : 0);
}

static void fill_target(const struct managed *managed, struct manager_target_info *ret)
{
	const struct managed_session *session = managed->session;
	struct recorder_share share;

	*ret = (struct manager_target_info){
		.text = managed->wanted.target.text,
		.state = managed->state,
		.owner = session->owner,
		.session = session->is_running ? session_get_id(session) : 0,
		.children = managed->wanted.children,
		.until_usec = find_until(managed),
	};
	recorder_get_share(session->manager->recorder, managed->number, &share);
	ret->samples = share.samples;
	memcpy(ret->stops, share.stops, sizeof(ret->stops));
}

int manager_foreach_target(const struct manager *manager, const struct manager_scope *scope,
			   manager_target_fn fn, void *userdata)
{
	foreach_target (manager, managed) {
		struct manager_target_info info;
		int r;

		if (!session_is_in(managed->session, scope))
			continue;
		fill_target(managed, &info);
		r = fn(userdata, &info);
		if (r < 0)
			return r;
	}
	return 0;
}

void manager_get_tables(const struct manager *manager, struct unwinder_state *ret)
{
	recorder_get_tables(manager->recorder, ret);
	ret->budget_bytes = manager->config.unwind_max_bytes;
}

int manager_foreach_interpreter(struct manager *manager, recorder_interpreter_fn fn, void *userdata)
{
	return recorder_foreach_interpreter(manager->recorder, fn, userdata);
}

const char *manager_notice(const struct manager *manager)
{
	if (manager->notice[0])
		return manager->notice;
	if (manager->kernel_failure[0])
		return manager->kernel_failure;
	return manager->database_notice[0] ? manager->database_notice : manager->saved.told;
}

const char *manager_kernel_name(enum manager_kernel kernel)
{
	static const char *const names[] = {
		[KERNEL_UNLOADED] = "unloaded", [KERNEL_LOADING] = "loading",
		[KERNEL_OPENING] = "opening",   [KERNEL_LOADED] = "loaded",
		[KERNEL_FAILED] = "failed",
	};

	assert((size_t)kernel < array_length(names));
	return names[kernel];
}

enum manager_kernel manager_get_kernel(const struct manager *manager)
{
	if (manager->loader)
		return manager->loader_opens ? KERNEL_OPENING : KERNEL_LOADING;
	if (manager->kernel_failure[0])
		return KERNEL_FAILED;
	return manager->sampler ? KERNEL_LOADED : KERNEL_UNLOADED;
}

uint64_t manager_loading_usec(const struct manager *manager)
{
	return manager->loader ? (clock_monotonic_ns() - manager->loader_started_ns) / 1000 : 0;
}
