/* SPDX-License-Identifier: MIT */
/*
 * Decides whether the current process is to be profiled: by pid (pinned by its start), as a child
 * of a target, by process name, by cgroup (any depth below it), by user, or because everything is.
 */
#pragma once

#define CGROUP_DEPTH_MAX 64

struct choice {
	__u32 want; /* OX_WANT_* of all targets that match and permit, and CHOICE_* */
	/* The process's ids are read once: each look at the kernel's structs costs the verifier
	 * time. */
	__u32 uid, euid, suid;
	__u32 number; /* of the first target that permits */
	__u64 start_ns;
};

#define CHOICE_CHOSEN  0x100 /* a target permits it */
#define CHOICE_REFUSED 0x200 /* a target matches, but the process's ids are not its owner's */
#define CHOICE_ANYBODY 0x400 /* a target that permits asks for no ids */

/* Reads the number of a struct pid in the daemon's namespace into *ret. Returns false where it
 * cannot be seen from there. */
static __always_inline bool pid_in_namespace(struct pid *const *where, __u32 *ret)
{
	struct upid upid = {};
	struct pid *pid = 0;
	__u32 inum = 0, level = 0;

	/* The pointers are read, not followed: what is read is a number that one may calculate
	 * with. */
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

/* Returns the pid of a task, 0 where it cannot be seen from the daemon's namespace. */
static __always_inline __u32 task_pid(struct task_struct *task)
{
	__u32 pid = 0;

	if (!pid_level)
		return task->tgid;
	return pid_in_namespace(&task->group_leader->thread_pid, &pid) ? pid : 0;
}

static __always_inline __u32 task_tid(struct task_struct *task)
{
	__u32 tid = 0;

	if (!pid_level)
		return task->pid;
	return pid_in_namespace(&task->thread_pid, &tid) ? tid : 0;
}

static __always_inline void choice_add(struct choice *choice, const struct ox_target *target)
{
	if (!target)
		return;
	if (target->want & OX_WANT_OWN) {
		if (choice->uid != target->uid || choice->euid != target->uid ||
		    choice->suid != target->uid) {
			choice->want |= CHOICE_REFUSED;
			return;
		}
	} else {
		choice->want |= CHOICE_ANYBODY;
	}
	if (!(choice->want & CHOICE_CHOSEN))
		choice->number = target->number;
	choice->want |= CHOICE_CHOSEN | target->want;
}

static __always_inline void choice_add_pid(struct choice *choice, const struct ox_target *target)
{
	if (target && choice->start_ns >= target->start_min_ns &&
	    choice->start_ns < target->start_max_ns)
		choice_add(choice, target);
}

static long choice_add_cgroup(__u32 level, struct choice *choice)
{
	__u64 id = bpf_get_current_ancestor_cgroup_id(level);

	if (!id)
		return 1;
	choice_add(choice, bpf_map_lookup_elem(&cgroups, &id));
	return 0;
}

static __always_inline void choice_add_pids(struct choice *choice, struct task_struct *task,
					    __u32 mask)
{
	__u32 pid = task_pid(task);

	if (mask & OX_FILTER_PID)
		choice_add_pid(choice, bpf_map_lookup_elem(&pids, &pid));
	if (mask & OX_FILTER_CHILD)
		choice_add_pid(choice, bpf_map_lookup_elem(&children, &pid));
}

/* Returns how the current process is chosen: OX_WANT_* and CHOICE_*, and in the upper half the
 * number of the target. A global function: the verifier looks at it once, not once for each path to
 * it. */
__noinline __u64 filter_current(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = task->cred;
	struct choice choice = {
		.uid = cred->uid.val,
		.euid = cred->euid.val,
		.suid = cred->suid.val,
		.start_ns = task->group_leader->start_boottime,
	};
	__u32 mask = filters;

	if (mask & (OX_FILTER_PID | OX_FILTER_CHILD))
		choice_add_pids(&choice, task, mask);
	if (mask & OX_FILTER_COMM) {
		struct comm comm = {};

		bpf_probe_read_kernel_str(&comm, sizeof(comm), task->group_leader->comm);
		choice_add(&choice, bpf_map_lookup_elem(&comms, &comm));
	}
	if (mask & OX_FILTER_USER)
		choice_add(&choice, bpf_map_lookup_elem(&users, &choice.euid));
	if (mask & OX_FILTER_CGROUP)
		bpf_loop(CGROUP_DEPTH_MAX, choice_add_cgroup, &choice, 0);
	if (mask & OX_FILTER_ALL)
		choice_add(&choice, &everything);
	return (__u64)choice.number << 32 | choice.want;
}
