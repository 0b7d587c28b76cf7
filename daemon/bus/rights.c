/* SPDX-License-Identifier: MIT */
/* Rights: users may profile their own processes, all else is for polkit to decide. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/bus/internal.h"
#include "daemon/bus/reply.h"
#include "daemon/process/process.h"
#include "daemon/process/users.h"

/* True if the target is the user, or a process of which all ids are the user's and which is
 * dumpable (else /proc shows it as root's). A process that changes its ids later is left out by the
 * kernel side, sample by sample (bpf/filter.bpf.h). */
bool manager_bus_is_own(const struct target *target, uint32_t uid)
{
	struct process_ids ids;
	uint32_t user;

	if (target->kind == TARGET_USER)
		return !users_find(target_value(target), &user) && user == uid;
	return target->kind == TARGET_PID && !process_read_ids("/proc", target->pid, &ids) &&
	       ids.ruid == uid && ids.euid == uid && ids.suid == uid && ids.owner == uid;
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

int manager_bus_require_targets(struct manager_bus *self, sd_bus_message *call,
				const struct target *targets, size_t n, const char *action,
				const char *what, sd_bus_error *error)
{
	uint32_t uid;
	int r = sender_get_uid(call, &uid);

	assert(targets || !n);
	if (sender_is_privileged(call))
		return 1;
	if (r < 0)
		return r;
	for (size_t i = 0; i < manager_count_targets(self->manager); i++) {
		struct manager_target_info info;
		bool meant = !n;

		manager_get_target(self->manager, i, &info);
		for (size_t t = 0; t < n; t++)
			meant |= !strcmp(targets[t].text, info.text);
		if (meant && info.owner != uid)
			return manager_bus_require(self, call, action, what, error);
	}
	return 1;
}

/* True if the sender may not choose the interval, which is one for all: others profile, too, or it
 * is so short that it costs the machine much. */
static bool interval_is_of_others(const struct manager_bus *self,
				  const struct manager_request *request)
{
	if (request->interval_ns == manager_interval_ns(self->manager))
		return false;
	for (size_t i = 0; i < manager_count_targets(self->manager); i++) {
		struct manager_target_info info;

		manager_get_target(self->manager, i, &info);
		if (info.owner != request->owner && info.state != TARGET_EXITED)
			return true;
	}
	return request->interval_ns < OX_INTERVAL_FREE_NS;
}

int manager_bus_require_unpause(struct manager_bus *self, sd_bus_message *call,
				const struct manager_request *request, bool *ret_kernel,
				sd_bus_error *error)
{
	char what[OX_TARGET_BYTES_MAX + 32];
	int r;

	assert(request->targets || !request->n_targets);
	for (size_t i = 0; i < request->n_targets; i++) {
		const struct target_request *wanted = &request->targets[i];

		if (wanted->own || is_absent(&wanted->target))
			continue;
		snprintf(what, sizeof(what), "profile %s", wanted->target.text);
		r = manager_bus_require(self, call, OX_ACTION_PROFILE_OTHERS, what, error);
		if (r != 1)
			return r;
		break;
	}
	if (request->interval_ns && interval_is_of_others(self, request)) {
		r = manager_bus_require(self, call, OX_ACTION_CONFIGURE, "change the interval",
					error);
		if (r != 1)
			return r;
	}
	r = authorize(self->authorizer, call, OX_ACTION_PROFILE_KERNEL, "kernel stacks", false);
	*ret_kernel = r > 0;
	return r == 0 ? CALL_IS_PENDING : 1;
}
