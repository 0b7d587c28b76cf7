/* SPDX-License-Identifier: MIT */
/*
 * Decides which sessions have the current process profiled: by pid (pinned by its start), as a
 * child of a target, by process name, by cgroup (any depth below it), by user, or because
 * everything is; and which of them may: those that may see anybody's, and those of the user whose
 * own it is at this very moment.
 */
#pragma once

#define CGROUP_DEPTH_MAX 64

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

#define DUMPABLE_MASK 3 /* MMF_DUMPABLE_MASK */
#define DUMPABLE_USER 1 /* SUID_DUMP_USER; from 7.2 on TASK_DUMPABLE_OWNER */

/* Returns whose the memory is for a dump, in the kernel's numbers; 0, nobody's, where the kernel
 * has that in a place which is not known here. */
static __always_inline __u32 task_dumpable(struct task_struct *task)
{
	const struct task_struct___exec *exec = (const void *)task;
	const struct mm_struct___words *words = (const void *)task->mm;
	const struct mm_struct___word *word = (const void *)task->mm;

	if (!task->mm)
		return 0;
	if (bpf_core_field_exists(exec->exec_state)) {
		__u32 dumpable = 0;

		if (dumpable_offset)
			bpf_probe_read_kernel(&dumpable, sizeof(dumpable),
					      (const void *)exec->exec_state + dumpable_offset);
		return dumpable;
	}
	if (bpf_core_field_exists(words->flags.__mm_flags))
		return words->flags.__mm_flags[0] & DUMPABLE_MASK;
	if (bpf_core_field_exists(word->flags))
		return word->flags & DUMPABLE_MASK;
	return 0;
}

/* Returns the uid whose own the current process is, OX_NOBODY where it is nobody's. A global
 * function: the verifier looks at it once, not once for each path to it. */
__noinline __u32 current_owner(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct cred *cred = task->cred;
	__u32 uid = cred->uid.val, gid = cred->gid.val;

	if (cred->euid.val != uid || cred->suid.val != uid || cred->fsuid.val != uid ||
	    cred->egid.val != gid || cred->sgid.val != gid || cred->fsgid.val != gid)
		return OX_NOBODY;
	/* The memory is not the user's where the program was gained by set-uid, may not be read, or
	 * has closed it. */
	return task_dumpable(task) == DUMPABLE_USER ? uid : OX_NOBODY;
}

/* The search for the targets that match. */
struct search {
	struct choice choice;
	__u64 running;
	__u64 permitted; /* sessions that may see the process; found with the first match */
	__u64 start_ns;
};

/* Finds the sessions that may see the process. Most processes match no target, and are not asked.
 */
static __noinline int search_ask(struct search *search)
{
	__u32 owner = current_owner();
	__u64 *sessions = 0;

	search->choice.owner = owner;
	search->permitted = anybody;
	if (owner != OX_NOBODY && search->running & ~search->permitted)
		sessions = bpf_map_lookup_elem(&owners, &owner);
	if (sessions)
		search->permitted |= *sessions;
	return 0;
}

/* Adds a target that matches. The rights of several are not added up: each session has its own. */
static __always_inline void search_add(struct search *search, const struct ox_target *target)
{
	struct choice *choice = &search->choice;
	__u64 sessions = target ? target->sessions & search->running : 0, allowed;

	if (!sessions)
		return;
	if (!choice->wanted)
		search_ask(search);
	choice->wanted |= sessions;
	allowed = sessions & search->permitted;
	if (!allowed)
		return;
	if (!choice->allowed)
		choice->number = target->number;
	choice->allowed |= allowed;
	choice->children |= allowed & target->children;
}

static __always_inline void search_add_pid(struct search *search, const struct ox_target *target)
{
	if (target && search->start_ns >= target->start_min_ns &&
	    search->start_ns < target->start_max_ns)
		search_add(search, target);
}

static long search_add_cgroup(__u32 level, struct search *search)
{
	__u64 id = bpf_get_current_ancestor_cgroup_id(level);

	if (!id)
		return 1;
	search_add(search, bpf_map_lookup_elem(&cgroups, &id));
	return 0;
}

static __always_inline void search_run(struct search *search, struct task_struct *task, __u32 pid)
{
	__u32 mask = filters;

	if (mask & OX_FILTER_PID)
		search_add_pid(search, bpf_map_lookup_elem(&pids, &pid));
	if (mask & OX_FILTER_CHILD)
		search_add_pid(search, bpf_map_lookup_elem(&children, &pid));
	if (mask & OX_FILTER_COMM) {
		struct comm comm = {};

		bpf_probe_read_kernel_str(&comm, sizeof(comm), task->group_leader->comm);
		search_add(search, bpf_map_lookup_elem(&comms, &comm));
	}
	if (mask & OX_FILTER_USER) {
		__u32 euid = task->cred->euid.val;

		search_add(search, bpf_map_lookup_elem(&users, &euid));
	}
	if (mask & OX_FILTER_CGROUP)
		bpf_loop(CGROUP_DEPTH_MAX, search_add_cgroup, search, 0);
	if (mask & OX_FILTER_ALL)
		search_add(search, &everything);
}

/* Finds how the current process, which has that pid, is chosen. A global function, too. */
__noinline int filter_current(__u32 pid, struct choice *ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct search search = {
		.running = *(volatile __u64 *)&running,
		.start_ns = task->group_leader->start_boottime,
	};

	if (!ret)
		return 0;
	search_run(&search, task, pid);
	*ret = search.choice;
	return 0;
}
