/* SPDX-License-Identifier: MIT */
/* Reads the state of the manager. Nothing here changes it, except that a query drains. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"

void manager_refresh(struct manager *manager)
{
	if (manager->running)
		(void)manager_drain(manager, true);
}

int manager_check_session(struct manager *manager, int64_t session, struct failure *failure)
{
	int r = session ? store_has_session(manager->store, session) : 1;

	if (r < 0)
		return failure_set(failure, r, OX_ERROR_DATABASE, "cannot read the history: %s",
				   store_error(manager->store));
	if (!r)
		return failure_set(failure, -ENOENT, OX_ERROR_INVALID_ARGUMENT,
				   "there is no session %" PRId64 "; see oxprofctl history",
				   session);
	return 0;
}

int manager_query(struct manager *manager, const struct query *query, struct result *ret,
		  struct failure *failure)
{
	char why[256] = "";
	int r = manager_check_session(manager, query->range.session, failure);

	if (r < 0)
		return r;
	/* A failure to write is in the notice; what is on disk is answered all the same. */
	manager_refresh(manager);
	r = query_engine_run(manager->store, query, QUERY_BYTES_MAX, ret, why, sizeof(why));
	if (r == -EINVAL)
		return failure_set(failure, r, OX_ERROR_INVALID_PATTERN, "--filter: %s", why);
	if (r == -EOVERFLOW)
		return failure_set(failure, r, OX_ERROR_LIMIT_REACHED, "%s", why);
	if (r < 0)
		return failure_set(failure, r, OX_ERROR_DATABASE, "cannot read the history: %s",
				   why[0] ? why : store_error(manager->store));
	ret->state = manager_state(manager);
	ret->interval_ns = manager->interval_ns;
	/* The last window is not over yet. */
	if (ret->until_usec > clock_realtime_usec())
		ret->until_usec = clock_realtime_usec();
	return 0;
}

int manager_foreach_session(struct manager *manager, uint64_t since_usec, uint64_t until_usec,
			    uint32_t only_uid, store_session_fn fn, void *userdata,
			    struct failure *failure)
{
	struct store_range range = {
		.since_usec = since_usec, .until_usec = until_usec, .owner = only_uid};
	int r;

	manager_refresh(manager);
	r = store_foreach_session(manager->store, &range, fn, userdata);
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

bool manager_is_running(const struct manager *manager)
{
	return manager->running;
}

const char *manager_state(const struct manager *manager)
{
	return manager->running ? "running" : "paused";
}

uint64_t manager_interval_ns(const struct manager *manager)
{
	return manager->interval_ns;
}

size_t manager_count_targets(const struct manager *manager)
{
	return manager->n_targets;
}

void manager_get_target(const struct manager *manager, size_t n, struct manager_target_info *ret)
{
	const struct managed *managed;
	struct recorder_share share;

	assert(n < manager->n_targets);
	managed = manager->targets[n];
	*ret = (struct manager_target_info){
		.text = managed->wanted.target.text,
		.state = managed->state,
		.owner = managed->owner,
		.children = managed->wanted.children,
		.until_usec = managed->until_usec,
	};
	recorder_get_share(manager->recorder, managed->number, &share);
	ret->samples = share.samples;
	memcpy(ret->stops, share.stops, sizeof(ret->stops));
}

void manager_get_totals(const struct manager *manager, struct recorder_totals *ret)
{
	recorder_get_totals(manager->recorder, ret);
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

const char *manager_database(const struct manager *manager)
{
	return manager->config.database;
}

uint64_t manager_database_bytes(const struct manager *manager)
{
	return store_bytes(manager->store);
}

const char *manager_notice(const struct manager *manager)
{
	return manager->notice[0] ? manager->notice : manager->kernel_failure;
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

uint64_t manager_running_usec(const struct manager *manager)
{
	uint64_t now = clock_realtime_usec();

	return manager->running && now > manager->session_started_usec
		       ? now - manager->session_started_usec
		       : 0;
}
