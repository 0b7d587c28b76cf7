/* SPDX-License-Identifier: MIT */
/*
 * Is the current process one of those that shall be profiled? By pid (pinned by its start), as
 * somebody's child, by process name, by cgroup (any depth below it), by user, or everything.
 */
#pragma once

#define CGROUP_DEPTH_MAX 64

struct choice {
	__u32 want;   /* of all targets that match and permit */
	bool chosen;  /* one of them permits */
	bool anybody; /* one that permits asks for no ids */
	bool refused; /* one matches, but the process has other ids than its owner may see */
};

/* The number of a struct pid in the daemon's namespace. False: it cannot be seen from there. */
static __always_inline bool pid_in_namespace(struct pid *const *where, __u32 *ret)
{
	struct upid upid = {};
	struct pid *pid = 0;
	__u32 inum = 0, level = 0;

	/* Read, not followed: what is read is a number that one may calculate with. */
	bpf_core_read(&pid, sizeof(pid), where);
	bpf_core_read(&level, sizeof(level), &pid->level);
	if (level < pid_level)
		return false;
	if (bpf_probe_read_kernel(&upid, sizeof(upid),
				  (void *)&pid->numbers[0] + pid_level * sizeof(upid)))
		return false;
	if (bpf_core_read(&inum, sizeof(inum), &upid.ns->ns.inum) || inum != pid_ns_inum)
		return false;
	*ret = upid.nr;
	return true;
}

static __always_inline bool task_pids(struct task_struct *task, __u32 *ret_pid, __u32 *ret_tid)
{
	if (!pid_level) {
		*ret_pid = task->tgid;
		*ret_tid = task->pid;
		return true;
	}
	return pid_in_namespace(&task->group_leader->thread_pid, ret_pid) &&
	       pid_in_namespace(&task->thread_pid, ret_tid);
}

static __always_inline void choice_add(struct choice *choice, struct task_struct *task,
				       const struct ox_target *target)
{
	const struct cred *cred;

	if (!target)
		return;
	if (target->want & OX_WANT_OWN) {
		cred = task->cred;
		if (cred->uid.val != target->uid || cred->euid.val != target->uid ||
		    cred->suid.val != target->uid) {
			choice->refused = true;
			return;
		}
	} else {
		choice->anybody = true;
	}
	choice->chosen = true;
	choice->want |= target->want;
}

static __always_inline void choice_add_pid(struct choice *choice, struct task_struct *task,
					   const struct ox_target *target)
{
	__u64 start;

	if (!target)
		return;
	start = task->group_leader->start_boottime;
	if (start >= target->start_min_ns && start < target->start_max_ns)
		choice_add(choice, task, target);
}

static __always_inline void choice_add_cgroups(struct choice *choice, struct task_struct *task)
{
	for (int level = 0; level < CGROUP_DEPTH_MAX; level++) {
		__u64 id = bpf_get_current_ancestor_cgroup_id(level);

		if (!id)
			break;
		choice_add(choice, task, bpf_map_lookup_elem(&cgroups, &id));
	}
}

/* task is the current one. */
static __always_inline void choose(struct choice *choice, struct task_struct *task, __u32 pid)
{
	__u32 mask = filters;

	if (mask & OX_FILTER_PID)
		choice_add_pid(choice, task, bpf_map_lookup_elem(&pids, &pid));
	if (mask & OX_FILTER_CHILD)
		choice_add_pid(choice, task, bpf_map_lookup_elem(&children, &pid));
	if (mask & OX_FILTER_COMM) {
		struct comm comm = {};

		bpf_probe_read_kernel_str(&comm, sizeof(comm), task->group_leader->comm);
		choice_add(choice, task, bpf_map_lookup_elem(&comms, &comm));
	}
	if (mask & OX_FILTER_USER) {
		__u32 uid = task->cred->euid.val;

		choice_add(choice, task, bpf_map_lookup_elem(&users, &uid));
	}
	if (mask & OX_FILTER_CGROUP)
		choice_add_cgroups(choice, task);
	if (mask & OX_FILTER_ALL)
		choice_add(choice, task, &everything);
}
