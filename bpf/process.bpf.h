/* SPDX-License-Identifier: MIT */
/*
 * The processes that are sampled, and the events by which the daemon learns of them. A process
 * enters the map with its first sample, mostly a little before that; the daemon gets an event, and
 * puts the process's ranges in. A process that called exec, or that took over a pid, begins as a
 * new one.
 */
#pragma once

/* The least time between the daemon's last look at a process and the next event of a page fault: a
 * program may begin pages of code without end. The event is sent by the first page fault or sample
 * after that. */
#define EVENT_GAP_NS 2000000

/* Sends an event of the process to the daemon. Until the daemon has looked, another one would say
 * nothing new and is not sent. */
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

/* Sends the event of a page fault that was too soon after the daemon's last look, once it is
 * not. */
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

/* Copies where the parent's interpreter is: it stays there over a fork, unless one of the two
 * called exec since. A parent that the daemon expects was never sampled: it has neither start nor
 * exec_id. */
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

/* Puts a process into the map that is not known there, or not any more. Returns 0, or a negative
 * number where the table is full. A global function: what it needs of the stack is free for what
 * comes after it. */
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

/* Returns the process's entry, which is new where there was none; NULL where the table is full. */
static __always_inline struct ox_process *process_get(__u32 pid, __u64 start_ns, __u32 exec_id)
{
	struct ox_process *process = bpf_map_lookup_elem(&processes, &pid);

	if (process && !process->start_ns) {
		/* The daemon expects this process, and cannot know its exec_id. */
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

/* A process enters the map before its first sample, so that this one does not lack tables: once it
 * has run for one part of so many of the time from one sample to the next. Sooner would be for many
 * that are gone before they are sampled; later small programs have run all their code once. */
#define ENTER_PART 16

static __always_inline void process_enter(struct task_struct *task, __u32 pid)
{
	struct choice choice = {};

	if (!pid || task->se.sum_exec_runtime < period_ns / ENTER_PART)
		return;
	filter_current(pid, &choice);
	if (choice.allowed)
		process_get(pid, task->group_leader->start_boottime, task->self_exec_id);
}

#define PAGE_FAULT_INSTRUCTION 0x10 /* X86_PF_INSTR */

/* Code is paged in when it runs for the first time: at that moment a library becomes visible that
 * was loaded where another one was. The daemon learns of the mapping itself too, but later. */
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
