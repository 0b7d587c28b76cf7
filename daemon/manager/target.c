/* SPDX-License-Identifier: MIT */
/* One target: finds what it names in the system, and pins it. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "daemon/process/cgroup.h"
#include "daemon/process/process.h"
#include "daemon/process/users.h"

#define PROC      "/proc"
#define MOUNTINFO "/proc/self/mountinfo"

define_cleanup(struct managed *, managed_free);

static uint64_t tick_ns(void)
{
	return UINT64_C(1000000000) / sysconf(_SC_CLK_TCK);
}

/* True if the process is there, also where /proc hides it. Signal 0 only asks. */
static bool process_lives(int pidfd)
{
	return !syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) || errno == EPERM;
}

/* Opens the pidfd first and then reads /proc, so that both are of the same process. */
static int find_process(struct managed *managed, struct failure *failure)
{
	uint32_t pid = managed->wanted.target.pid;
	struct process_stat stat;
	struct process_ids ids;
	int r;

	managed->pidfd = syscall(SYS_pidfd_open, pid, 0);
	r = managed->pidfd < 0 ? -errno : process_read_stat(PROC, pid, &stat);
	/* pidfd_open() of a thread: newer kernels say -ENOENT. */
	if ((r == -EINVAL || r == -ENOENT) && !process_read_ids(PROC, pid, &ids) && ids.tgid != pid)
		return failure_set(failure, r, OX_ERROR_NO_SUCH_PROCESS,
				   "%u is a thread of process %u; name the process: --pid=%u", pid,
				   ids.tgid, ids.tgid);
	if (r == -ESRCH && managed->pidfd >= 0 && process_lives(managed->pidfd))
		return failure_set(failure, -EPERM, OX_ERROR_KERNEL,
				   "process %u is hidden from oxprofd, which needs CAP_SYS_PTRACE "
				   "(see systemctl cat oxprofd)",
				   pid);
	if (r < 0 || stat.state == 'Z')
		return failure_set(failure, -ESRCH, OX_ERROR_NO_SUCH_PROCESS,
				   "there is no process %u (ps -p %u)", pid, pid);
	managed->start_ticks = stat.start_ticks;
	return 0;
}

static int find_cgroup(struct managed *managed, struct failure *failure)
{
	const char *path = managed->wanted.cgroup;
	int r;

	if (!path[0]) {
		managed->state = TARGET_WAITING;
		managed->cgroup_id = 0;
		return 0;
	}
	r = cgroup_get_id(MOUNTINFO, path, &managed->cgroup_id);
	if (r == -ENOSYS)
		return failure_set(failure, r, OX_ERROR_NO_SUCH_CGROUP,
				   "no cgroup v2 hierarchy is mounted here, which %s needs",
				   managed->wanted.target.text);
	return r >= 0 ? 0
		      : failure_set(failure, r, OX_ERROR_NO_SUCH_CGROUP,
				    "there is no cgroup %s (systemd-cgls shows them)", path);
}

static int find_target(struct managed *managed, struct failure *failure)
{
	const char *value = target_value(&managed->wanted.target);

	switch (managed->wanted.target.kind) {
	case TARGET_PID:
		return find_process(managed, failure);
	case TARGET_CGROUP:
		snprintf(managed->wanted.cgroup, sizeof(managed->wanted.cgroup), "%s", value);
		return find_cgroup(managed, failure);
	case TARGET_UNIT:
		return find_cgroup(managed, failure);
	case TARGET_USER:
		return users_find(value, &managed->uid) < 0
			       ? failure_set(failure, -ENOENT, OX_ERROR_NO_SUCH_USER,
					     "there is no user %s (getent passwd)", value)
			       : 0;
	default:
		return 0;
	}
}

int managed_new(struct manager *manager, const struct target_request *wanted,
		sd_event_io_handler_t on_exit, struct managed **ret, struct failure *failure)
{
	_cleanup_(managed_free_p) struct managed *managed = calloc(1, sizeof(*managed));
	int r;

	assert(on_exit);
	if (!managed)
		return failure_set(failure, -ENOMEM, OX_ERROR_LIMIT_REACHED, "out of memory");
	managed->wanted = *wanted;
	managed->state = TARGET_RUNNING;
	managed->pidfd = -1;
	managed->added_ticks = clock_boottime_ns() / tick_ns();
	r = find_target(managed, failure);
	if (r < 0)
		return r;
	if (managed->pidfd >= 0) {
		r = sd_event_add_io(manager->event, &managed->exit_source, managed->pidfd, EPOLLIN,
				    on_exit, managed);
		if (r < 0)
			return failure_set(failure, r, OX_ERROR_LIMIT_REACHED,
					   "cannot watch process %u: %s", wanted->target.pid,
					   strerror(-r));
	}
	*ret = take_ptr(managed);
	return 0;
}

struct managed *managed_free(struct managed *managed)
{
	if (!managed)
		return NULL;
	sd_event_source_unref(managed->exit_source);
	cleanup_close(&managed->pidfd);
	free(managed);
	return NULL;
}

bool managed_is(const struct managed *managed, const struct target *target)
{
	return !strcmp(managed->wanted.target.text, target->text);
}

bool managed_is_active(const struct managed *managed)
{
	return !managed->replaced &&
	       (managed->state == TARGET_RUNNING || managed->state == TARGET_WAITING);
}

bool managed_is_open(const struct managed *managed)
{
	return managed->wanted.target.kind != TARGET_PID || managed->wanted.children;
}

void managed_resume(struct managed *managed)
{
	enum target_kind kind = managed->wanted.target.kind;
	struct failure failure;

	assert(managed->state == TARGET_PAUSED && !managed->replaced);
	managed->state = TARGET_RUNNING;
	if ((kind == TARGET_UNIT || kind == TARGET_CGROUP) && find_cgroup(managed, &failure) < 0)
		managed->state = TARGET_WAITING;
}

bool managed_move(struct managed *managed, const char *cgroup)
{
	uint64_t before = managed->cgroup_id;
	struct failure failure;

	assert(managed->wanted.target.kind == TARGET_UNIT);
	snprintf(managed->wanted.cgroup, sizeof(managed->wanted.cgroup), "%s", cgroup);
	if (managed->state == TARGET_WAITING)
		managed->state = TARGET_RUNNING;
	if (managed->state == TARGET_RUNNING && find_cgroup(managed, &failure) < 0)
		managed->state = TARGET_WAITING;
	return managed->cgroup_id != before;
}

static const enum sampler_filter filters[] = {
	[TARGET_PID] = SAMPLER_PID,     [TARGET_COMM] = SAMPLER_COMM,
	[TARGET_UNIT] = SAMPLER_CGROUP, [TARGET_CGROUP] = SAMPLER_CGROUP,
	[TARGET_USER] = SAMPLER_USER,   [TARGET_ALL] = SAMPLER_ALL,
};

static struct ox_target make_target(const struct managed *managed, uint64_t start_ticks)
{
	uint64_t session = UINT64_C(1) << session_get_slot(managed->session);

	return (struct ox_target){
		.start_min_ns = start_ticks * tick_ns(),
		.start_max_ns = (start_ticks + 1) * tick_ns(),
		.sessions = session,
		.children = managed->wanted.children ? session : 0,
		.number = managed->number,
	};
}

int managed_get_filter(const struct managed *managed, struct sampler_target *ret)
{
	const struct target *target = &managed->wanted.target;

	if (managed->replaced || managed->state != TARGET_RUNNING)
		return -1;
	assert((size_t)target->kind < array_length(filters));
	*ret = (struct sampler_target){
		.filter = filters[target->kind],
		.id = target->kind == TARGET_USER ? managed->uid : target->pid,
		.cgroup_id = managed->cgroup_id,
		.target = make_target(managed, managed->start_ticks),
	};
	if (target->kind == TARGET_COMM)
		memcpy(ret->comm, target_value(target), strnlen(target_value(target), 15));
	return 0;
}

static bool path_is_below(const char *path, const char *top)
{
	size_t length = strlen(top);

	return !strncmp(path, top, length) && (!path[length] || path[length] == '/');
}

bool managed_has_sample(const struct managed *managed, const struct ox_sample *sample,
			const char *cgroup)
{
	const struct target *target = &managed->wanted.target;

	/* Whose child a process is the sample does not tell. */
	if (managed->wanted.children)
		return true;
	switch (target->kind) {
	case TARGET_PID:
		return sample->pid == target->pid;
	case TARGET_COMM:
		return !strncmp(sample->process_comm, target_value(target), OX_COMM_BYTES);
	case TARGET_UNIT:
	case TARGET_CGROUP:
		return *managed->wanted.cgroup && path_is_below(cgroup, managed->wanted.cgroup);
	case TARGET_USER:
		return sample->uid == managed->uid;
	case TARGET_ALL:
		return true;
	case N_TARGET_KINDS:
		break;
	}
	return false;
}

/* A process of the machine, to look up which one started which. */
struct listed {
	uint32_t pid;
	struct process_stat stat;
};

struct process_list {
	struct listed *seen;
	size_t n, size;
};

static int see_process(void *userdata, uint32_t pid)
{
	struct process_list *list = userdata;
	int r = array_reserve(list->seen, list->size, list->n + 1);

	if (r < 0)
		return r;
	list->seen[list->n].pid = pid;
	if (!process_read_stat(PROC, pid, &list->seen[list->n].stat))
		list->n++;
	return 0;
}

static const struct listed *process_list_find(const struct process_list *list, uint32_t pid)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->seen[i].pid == pid)
			return &list->seen[i];
	return NULL;
}

static bool is_root(const struct managed *managed, const struct listed *seen)
{
	const struct target *target = &managed->wanted.target;

	if (target->kind == TARGET_PID)
		return seen->pid == target->pid && seen->stat.start_ticks == managed->start_ticks;
	return target->kind == TARGET_COMM && !strcmp(seen->stat.comm, target_value(target));
}

static bool is_descendant(const struct managed *managed, const struct process_list *list,
			  const struct listed *seen)
{
	/* Bounded: processes change while the list is read, so it may hold a circle. */
	for (unsigned depth = 0; seen && depth < 1024; depth++) {
		seen = process_list_find(list, seen->stat.ppid);
		if (seen && is_root(managed, seen))
			return true;
	}
	return false;
}

static void adopt_children(const struct managed *managed, const struct process_list *list)
{
	struct sampler *sampler = managed->session->manager->sampler;

	for (size_t i = 0; i < list->n; i++) {
		const struct listed *seen = &list->seen[i];
		struct ox_target target = make_target(managed, seen->stat.start_ticks);

		if (seen->stat.start_ticks >= managed->added_ticks &&
		    is_descendant(managed, list, seen))
			(void)sampler_add_child(sampler, seen->pid, &target);
	}
}

void session_adopt_children(struct managed_session *session)
{
	struct process_list list = {0};

	for (size_t t = 0; t < session->n_targets; t++) {
		const struct managed *managed = session->targets[t];

		if (!managed->wanted.children || managed->state != TARGET_RUNNING)
			continue;
		if (!list.n)
			(void)process_foreach(PROC, see_process, &list);
		adopt_children(managed, &list);
	}
	free(list.seen);
}
