/* SPDX-License-Identifier: MIT */
/*
 * What is known of the process that is sampled, and how the daemon hears of what is not. A process
 * enters the map with its first sample, mostly a little before that; the daemon is told, and puts
 * its ranges in. Whoever changed by an exec, or took over a pid, begins anew.
 */
#pragma once

/* A program that begins pages in code without end: it is looked at again after so long, or with
 * its next sample after that. */
#define EVENT_GAP_NS 2000000

/* The daemon is told once; until it has looked, more of the same says nothing new. */
static __always_inline void process_send_event(struct ox_process *process, __u32 pid, __u32 reason)
{
	struct ox_event *event;

	if (process->event_state == OX_EVENT_STATE_SENT)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return;
	process->event_state = OX_EVENT_STATE_SENT;
	event->start_ns = process->start_ns;
	event->pid = pid;
	event->exec_id = process->exec_id;
	event->reason = reason;
	event->reserved = 0;
	bpf_ringbuf_submit(event, 0);
}

/* What was paged in is told, where it was not for too short a time. */
static __always_inline void process_pay(struct ox_process *process, __u32 pid)
{
	if (process->event_state == OX_EVENT_STATE_OWED &&
	    bpf_ktime_get_ns() - process->as_of_ns >= EVENT_GAP_NS)
		process_send_event(process, pid, OX_EVENT_FAULT);
}

static __always_inline __u32 process_number(void)
{
	return __sync_fetch_and_add(&last_process, 1) + 1;
}

/* Since a fork the interpreter is where it was in the parent, unless one of the two began anew by
 * an exec. A parent that the daemon expects was never sampled: it has neither start nor exec_id. */
static __always_inline void process_inherit(struct ox_process *fresh)
{
	struct task_struct *task = bpf_get_current_task_btf(), *origin = task->real_parent;
	struct ox_process *parent;
	__u32 pid = task_pid(origin);

	if (!(task->group_leader->flags & PF_FORKNOEXEC))
		return;
	parent = bpf_map_lookup_elem(&processes, &pid);
	if (!parent ||
	    (parent->start_ns && (parent->start_ns != origin->group_leader->start_boottime ||
				  parent->exec_id != fresh->exec_id)))
		return;
	fresh->interpreter = parent->interpreter;
}

/* Puts a process into the map that is not known there, or not any more. 0, or negative: the table
 * is full. A global function: what it needs of the stack is not needed by what comes after it. */
__noinline int process_add(__u32 pid, __u64 start_ns, __u32 exec_id)
{
	struct ox_process fresh = {
		.start_ns = start_ns,
		.exec_id = exec_id,
		.number = process_number(),
	};

	process_inherit(&fresh);
	return bpf_map_update_elem(&processes, &pid, &fresh, BPF_ANY);
}

/* NULL: the table is full. */
static __always_inline struct ox_process *process_get(__u32 pid, __u64 start_ns, __u32 exec_id)
{
	struct ox_process *process = bpf_map_lookup_elem(&processes, &pid);

	if (process && !process->start_ns) {
		/* Expected by the daemon, who cannot know the exec_id. */
		process->start_ns = start_ns;
		process->exec_id = exec_id;
		process->number = process_number();
	}
	if (process && process->start_ns == start_ns && process->exec_id == exec_id)
		return process;
	process_add(pid, start_ns, exec_id);
	process = bpf_map_lookup_elem(&processes, &pid);
	if (process)
		process_send_event(process, pid, OX_EVENT_NEW);
	return process;
}

/* A process enters before its first sample, so that it is not that one that has no tables: once it
 * has used this part of the time from one sample to the next. Sooner would be for many that are
 * gone before they are sampled; later small programs have run all their code once. */
#define ENTER_PART 16

static __always_inline void process_enter(struct task_struct *task, __u32 pid)
{
	if (pid && task->se.sum_exec_runtime >= period_ns / ENTER_PART &&
	    (__u32)filter_current() & CHOICE_CHOSEN)
		process_get(pid, task->group_leader->start_boottime, task->self_exec_id);
}

#define PAGE_FAULT_INSTRUCTION 0x10 /* X86_PF_INSTR */

/* Code that is run for the first time is paged in: that is the moment at which a library that was
 * loaded where another one was becomes visible. Mapping alone tells the daemon too, but later. */
SEC("tp_btf/page_fault_user")
int BPF_PROG(on_fault, unsigned long address, struct pt_regs *regs, unsigned long error)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ox_process *process;
	__u32 pid;

	if (!(error & PAGE_FAULT_INSTRUCTION))
		return 0;
	pid = task_pid(task);
	process = bpf_map_lookup_elem(&processes, &pid);
	if (!process || (process->start_ns && process->exec_id != (__u32)task->self_exec_id)) {
		process_enter(task, pid);
		return 0;
	}
	process->epoch++;
	if (!process->event_state)
		process->event_state = OX_EVENT_STATE_OWED;
	process_pay(process, pid);
	return 0;
}
