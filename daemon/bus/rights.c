/* SPDX-License-Identifier: MIT */
/* Rights: users may profile their own processes, all else is for polkit to decide. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/clock.h"
#include "daemon/bus/internal.h"
#include "daemon/bus/read.h"
#include "daemon/bus/reply.h"
#include "daemon/process/process.h"
#include "daemon/process/users.h"

/* True if the target is the user, or a process of which all user ids are the user's, which gained
 * no group, and which is dumpable (else /proc shows it as root's). A process that changes its ids
 * later is left out by the kernel side, sample by sample. */
bool manager_bus_is_own(const struct target *target, uint32_t uid)
{
	struct process_ids ids;
	uint32_t user;

	if (target->kind == TARGET_USER)
		return !users_find(target_value(target), &user) && user == uid;
	return target->kind == TARGET_PID && !process_read_ids("/proc", target->pid, &ids) &&
	       ids.ruid == uid && ids.euid == uid && ids.suid == uid && ids.fsuid == uid &&
	       ids.has_one_gid && ids.owner == uid;
}

/* True if there is no such process. No right is needed then: the manager refuses the target. */
static bool is_absent(const struct target *target)
{
	struct process_ids ids;

	return target->kind == TARGET_PID && process_read_ids("/proc", target->pid, &ids) == -ESRCH;
}

int manager_bus_require(struct manager_bus *self, sd_bus_message *call, const char *action,
			const char *what, sd_bus_error *error)
{
	int r = authorize(self->authorizer, call, action, what, true);

	return r > 0 ? 1 : r == 0 ? CALL_IS_PENDING : bus_error_refuse(error, r, what);
}

int manager_bus_limit_sight(struct manager_bus *self, sd_bus_message *call, uint32_t *ret_uid)
{
	int r = sender_get_uid(call, ret_uid);

	if (sender_is_privileged(call)) {
		*ret_uid = UINT32_MAX;
		return 1;
	}
	if (r < 0)
		return r;
	r = authorize(self->authorizer, call, OX_ACTION_QUERY_OTHERS, "others' processes", false);
	if (r > 0)
		*ret_uid = UINT32_MAX;
	return r == 0 ? CALL_IS_PENDING : 1;
}

/* ---- changes ---- */

/* True if the interval is so short that it costs the machine much, and not what the user has. */
static bool interval_needs_right(const struct manager_bus *self, uint32_t uid, uint64_t interval_ns)
{
	return interval_ns && interval_ns < OX_INTERVAL_FREE_NS &&
	       interval_ns != manager_interval_ns(self->manager, uid);
}

int manager_bus_require_interval(struct manager_bus *self, sd_bus_message *call, uint32_t uid,
				 uint64_t interval_ns, sd_bus_error *error)
{
	if (!interval_needs_right(self, uid, interval_ns))
		return 1;
	return manager_bus_require(self, call, OX_ACTION_CONFIGURE,
				   "sample at intervals below a millisecond", error);
}

/* Returns the first target that is not the user's own; NULL: there is none. */
static const struct target *find_others(const struct manager_request *request)
{
	for (size_t i = 0; i < request->n_targets; i++) {
		const struct target *target = &request->targets[i].target;

		if (!manager_bus_is_own(target, request->owner) && !is_absent(target))
			return target;
	}
	return NULL;
}

static int note_anybody(void *userdata, const struct manager_session_info *info)
{
	*(bool *)userdata |= info->anybody;
	return 0;
}

/* True if the request resumes sessions that have processes which are not the owner's. */
static bool resumes_others(const struct manager_bus *self, const struct manager_request *request)
{
	const struct manager_scope scope = {.owner = request->owner};
	bool anybody = false;

	if (!request->n_targets)
		(void)manager_foreach_managed_session(self->manager, &scope, note_anybody,
						      &anybody);
	return anybody;
}

/* Requires the right to sample processes of others, where there are any. */
static int require_others(struct manager_bus *self, sd_bus_message *call,
			  struct manager_request *request, sd_bus_error *error)
{
	const struct target *others = find_others(request);
	char what[OX_TARGET_BYTES_MAX + 32] = "resume what is not yours";
	int r;

	if (sender_is_privileged(call)) {
		request->anybody = true;
		return 1;
	}
	if (!others && !resumes_others(self, request))
		return 1;
	if (others)
		snprintf(what, sizeof(what), "profile %s", others->text);
	r = manager_bus_require(self, call, OX_ACTION_PROFILE_OTHERS, what, error);
	request->anybody = r == 1;
	return r;
}

int manager_bus_require_unpause(struct manager_bus *self, sd_bus_message *call,
				struct manager_request *request, sd_bus_error *error)
{
	int r = require_others(self, call, request, error);

	assert(request->targets || !request->n_targets);
	if (r != 1)
		return r;
	r = manager_bus_require_interval(self, call, request->owner, request->interval_ns, error);
	if (r != 1)
		return r;
	r = authorize(self->authorizer, call, OX_ACTION_PROFILE_KERNEL, "kernel stacks", false);
	request->kernel = r > 0;
	return r == 0 ? CALL_IS_PENDING : 1;
}

int manager_bus_limit_changes(struct manager_bus *self, sd_bus_message *call, uint32_t uid,
			      sd_bus_error *error)
{
	uint64_t wait_usec;

	/* A call that comes again was counted when it came first. */
	if (sender_is_privileged(call) || authorize_has_call(self->authorizer, call))
		return 1;
	wait_usec = changes_add(self->changes, uid, clock_monotonic_ns() / 1000);
	if (!wait_usec)
		return 1;
	return sd_bus_error_setf(error, OX_ERROR_LIMIT_REACHED,
				 "too many changes: a user may make %d at once, and then one a "
				 "second; try again in %" PRIu64 " s",
				 OX_CHANGES_AT_ONCE, (wait_usec + 999999) / 1000000);
}

/* ---- whose sessions a call is about ---- */

/* Sets the error of a session that is not the sender's, or that there is not. result: that of
 * authorize(). */
static int refuse_session(sd_bus_error *error, int result, int64_t session)
{
	if (result == -ENOKEY)
		return sd_bus_error_setf(
			error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
			"there is no session %" PRId64
			" of yours; see oxprofctl history; those of others need a "
			"password, and there is no terminal or agent to ask for one: "
			"use sudo",
			session);
	return sd_bus_error_setf(error, OX_ERROR_INVALID_ARGUMENT,
				 "there is no session %" PRId64 " of yours; see oxprofctl history",
				 session);
}

static int note_session(void *userdata, const struct store_session *session)
{
	*(bool *)userdata = true;
	return 0;
}

/* True if the session is or was the user's. */
static bool session_is_own(struct manager_bus *self, int64_t session, uint32_t uid)
{
	const struct manager_scope scope = {.owner = uid, .session = session};
	const struct store_range range = {
		.until_usec = UINT64_MAX, .session = session, .owner = uid};
	struct manager_session_info info;
	struct failure failure;
	bool found = false;

	if (manager_get_session(self->manager, &scope, &info))
		return true;
	(void)manager_foreach_session(self->manager, &range, note_session, &found, &failure);
	return found;
}

/* Finds the owner of another's session, who is told of what happens to it. */
static void find_owner(const struct manager_bus *self, struct manager_scope *scope)
{
	struct manager_session_info info;

	if (scope->session && manager_get_session(self->manager, scope, &info))
		scope->owner = info.owner;
}

int manager_bus_find_scope(struct manager_bus *self, sd_bus_message *call,
			   const struct bus_scope *asked, const char *action, const char *what,
			   struct manager_scope *ret, sd_bus_error *error)
{
	uint32_t uid;
	int r = sender_get_uid(call, &uid);

	if (r < 0)
		return r;
	*ret = (struct manager_scope){.owner = uid, .session = asked->session};
	if (asked->session ? session_is_own(self, asked->session, uid) : !asked->all_users)
		return 1;
	ret->owner = UINT32_MAX;
	r = authorize(self->authorizer, call, action, what, true);
	if (r == 0)
		return CALL_IS_PENDING;
	/* Whoever may not see another's session is not told whether there is one. */
	if (r < 0)
		return asked->session ? refuse_session(error, r, asked->session)
				      : bus_error_refuse(error, r, what);
	find_owner(self, ret);
	return 1;
}
