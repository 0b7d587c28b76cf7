/* SPDX-License-Identifier: MIT */
/*
 * The sampler. On each tick of a CPU's timer it decides which sessions want the current process,
 * may see it, and are due for a sample; where there is one, the stacks and the identity of the
 * process are interned, and the sample is counted. No sample is sent: the daemon reads the arena.
 *
 * The headers are not self-contained: each one uses only those above it, and this is their order.
 *
 *   kernel.h         fields of the kernel's structs (CO-RE)
 *   python.h         Python frames and definitions, shared with the daemon (included by rule.h)
 *   rule.h           unwinding tables, processes and events, shared with the daemon
 *   sample.h         arenas, records and counters, shared with the daemon
 *   pace.h           which ticks are samples of a session, shared with the tests
 *   maps.bpf.h       maps, globals and the scratch of a CPU
 *   filter.bpf.h     who wants and may see the current process, and its pid in the daemon's
 * namespace pace.bpf.h       the paces of all sessions, and what they lose intern.bpf.h     puts
 * records into the arena, each content once process.bpf.h    the processes that are known, and
 * events to the daemon stack.bpf.h      reads memory of the user, the stack by the piece
 *   unwind.bpf.h     the native user stack, by the tables
 *   code.bpf.h       the code object that is looked at, and the cache of known ones
 *   fragment.bpf.h   sends fragments of definitions
 *   qualname.bpf.h   the module and the class of a function
 *   define.bpf.h     sends the definition of a code object that is not known
 *   walk.bpf.h       the state of the walk along Python frames
 *   thread.bpf.h     the Python states of the current thread
 *   transient.bpf.h  frames of a thread that is changing them
 *   python.bpf.h     the Python frames of the current thread
 */
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/kernel.h"
#include "bpf/pace.h"
#include "bpf/rule.h"
#include "bpf/sample.h"

#include "bpf/maps.bpf.h"

#include "bpf/filter.bpf.h"
#include "bpf/pace.bpf.h"

#include "bpf/intern.bpf.h"
#include "bpf/process.bpf.h"
#include "bpf/stack.bpf.h"

#include "bpf/unwind.bpf.h"

#include "bpf/code.bpf.h"
#include "bpf/fragment.bpf.h"

#include "bpf/qualname.bpf.h"

#include "bpf/define.bpf.h"
#include "bpf/walk.bpf.h"

#include "bpf/thread.bpf.h"
#include "bpf/transient.bpf.h"

#include "bpf/python.bpf.h"

/* Declares a licence that the kernel gives its helpers to, as compatible with the GPL; the sources
 * are MIT. */
char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Interns the kernel stack. Returns false where there was no room for it, which is counted: the
 * sample would be a wrong one. */
static __always_inline bool take_kernel_stack(void *ctx, __u32 which, struct ox_sample *sample)
{
	struct scratch *scratch = scratch_get();
	__u32 flags = 0;
	long bytes;

	if (!scratch)
		return false;
	bytes = bpf_get_stack(ctx, &scratch->words[SCRATCH_KERNEL], OX_MAX_KERNEL_FRAMES * 8, 0);
	if (bytes < 8) {
		sessions_lose(sample->sessions & with_kernel, OX_LOST_KERNEL_STACK);
		return true;
	}
	if (bytes >= OX_MAX_KERNEL_FRAMES * 8) {
		sessions_lose(sample->sessions & with_kernel, OX_LOST_CUT);
		flags = OX_STOP_CUT;
	}
	sample->kernel_stack = record_intern(
		which, SCRATCH_KERNEL, OX_RECORD_STACK << 24 | flags << 16 | (__u32)bytes / 8);
	return sample->kernel_stack;
}

static __always_inline void take_identity(struct task_struct *task, __u32 pid, __u32 tid,
					  struct ox_sample *sample)
{
	struct task_struct *leader = task->group_leader;

	sample->pid = pid;
	sample->tid = tid;
	sample->start_ns = leader->start_boottime;
	sample->exec_id = task->self_exec_id;
	sample->uid = task->cred->euid.val;
	sample->cgroup_id = bpf_get_current_cgroup_id();
	__builtin_memset(sample->thread_comm, 0, 2 * OX_COMM_BYTES);
	bpf_probe_read_kernel_str(sample->thread_comm, OX_COMM_BYTES, task->comm);
	if (task == leader)
		__builtin_memcpy(sample->process_comm, sample->thread_comm, OX_COMM_BYTES);
	else
		bpf_probe_read_kernel_str(sample->process_comm, OX_COMM_BYTES, leader->comm);
}

static __always_inline void count_sample(struct ox_cpu *cpu, __u32 which)
{
	__u32 position =
		record_intern(which, SCRATCH_SAMPLE, OX_RECORD_SAMPLE << 24 | OX_SAMPLE_WORDS);
	struct chunk *chunk;

	if (!position)
		return;
	chunk = log_chunk(which, position - 1);
	if (!chunk)
		return;
	/* Word 1 of the head is the count. */
	__sync_fetch_and_add(&chunk->words[position & (OX_CHUNK_WORDS - 1)], 1);
	cpu->samples++;
}

/* Interns the Python stack. Returns 0, or a negative number where there was no room for it. */
static __always_inline int take_python_stack(struct ox_sample *sample,
					     const struct ox_process *process, __u32 which)
{
	const struct ox_interpreter *interpreter = &process->interpreter;
	__u32 stack;

	if (!interpreter->layout)
		return 0;
	stack = python_walk(interpreter->runtime, interpreter->code_type, interpreter->layout - 1,
			    process->number, sample->tid);
	if (!stack)
		return 0;
	stack &= ~PYTHON_WALKED;
	sample->python_stack = record_intern(which, SCRATCH_PYTHON, OX_RECORD_PYTHON << 24 | stack);
	return sample->python_stack ? 0 : -1;
}

/* Interns the user stack, and the Python stack where there is one. Returns 0, or a negative number
 * where there was no room for one of them. */
static __always_inline int take_user_stack(struct ox_sample *sample, __u32 which, bool in_kernel)
{
	struct ox_process *process = process_get(sample->pid, sample->start_ns, sample->exec_id);
	__u32 stack;

	if (process) {
		process_pay(process, sample->pid);
		sample->as_of_ns = process->as_of_ns;
		sample->epoch = process->epoch;
		stack = unwind_user(process->ranges, process->n_ranges, in_kernel);
		if (stack & UNWIND_UNKNOWN_LEAF)
			process_send_event(process, sample->pid, OX_EVENT_CODE);
	} else {
		stack = unwind_user(0, 0, in_kernel);
	}
	stack &= ~UNWIND_UNKNOWN_LEAF;
	if (!stack)
		return 0;
	sample->user_stack = record_intern(which, SCRATCH_USER, OX_RECORD_STACK << 24 | stack);
	if (!sample->user_stack)
		return -1;
	return process ? take_python_stack(sample, process, which) : 0;
}

static __always_inline void take_sample(struct bpf_perf_event_data *ctx, struct ox_cpu *cpu,
					struct ox_sample *sample)
{
	__u32 which = *(volatile __u32 *)&active & 1;
	__u64 cs = *(volatile __u64 *)&ctx->regs.cs;

	sample->kernel_stack = 0;
	sample->user_stack = 0;
	sample->python_stack = 0;
	sample->as_of_ns = 0;
	sample->epoch = 0;
	if (sample->sessions & with_kernel && !(cs & 3) && !take_kernel_stack(ctx, which, sample))
		return;
	if (take_user_stack(sample, which, !(cs & 3)) < 0)
		return;
	count_sample(cpu, which);
}

/* Handles a tick of the CPU's timer. A tick of the idle task, or of a process that the daemon's pid
 * namespace has no number for, moves the paces on and is nobody's. */
static __always_inline void take_tick(struct bpf_perf_event_data *ctx, struct ox_cpu *cpu,
				      struct scratch *scratch, __u64 now)
{
	struct ox_sample *sample = (void *)&scratch->words[SCRATCH_SAMPLE];
	struct task_struct *task = bpf_get_current_task_btf();
	struct choice *choice = &scratch->choice;
	__u32 pid = task_pid(task);

	choice->wanted = choice->allowed = 0;
	if (pid)
		filter_current(pid, choice);
	sample->sessions = paces_step(now, cpu->woken_ns, choice->wanted, choice->allowed);
	cpu->woken_ns = 0;
	if (!sample->sessions)
		return;
	take_identity(task, pid, task->pid == task->tgid ? pid : task_tid(task), sample);
	sample->target = choice->number;
	sample->owner = choice->owner;
	take_sample(ctx, cpu, sample);
	if (!(cpu->samples & 63)) {
		cpu->timed_ns += bpf_ktime_get_ns() - now;
		cpu->timed_n++;
	}
}

SEC("perf_event")
int on_tick(struct bpf_perf_event_data *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct scratch *scratch = scratch_get();
	struct ox_cpu *cpu = cpu_get();

	if (!cpu || !scratch)
		return 0;
	/* An odd number says that a tick is handled on this CPU. The atomic is a full barrier
	 * before `running` and `active` are read; what was written before the end is seen before
	 * the end, as x86 keeps the order of writes. */
	__sync_fetch_and_add(&cpu->entries, 1);
	take_tick(ctx, cpu, scratch, now);
	*(volatile __u64 *)&cpu->entries = cpu->entries + 1;
	return 0;
}

/* Ticks of an idle CPU say nothing about those of a busy one (bpf/pace.h). */
SEC("tp_btf/cpu_idle")
int BPF_PROG(on_idle, unsigned int state, unsigned int cpu_id)
{
	struct ox_cpu *cpu = cpu_get();

	if (cpu && state == (unsigned int)-1)
		cpu->woken_ns = bpf_ktime_get_ns();
	return 0;
}

/* Follows what a target starts, in the kernel, so that the shortest-lived child is not missed. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct ox_target target = {};
	struct choice choice = {};
	__u32 pid;

	if (child->tgid == parent->tgid)
		return 0;
	pid = task_pid(parent);
	if (!pid)
		return 0;
	filter_current(pid, &choice);
	pid = task_pid(child);
	if (!pid || !choice.children)
		return 0;
	target.start_min_ns = child->start_boottime;
	target.start_max_ns = target.start_min_ns + 1;
	target.sessions = target.children = choice.children;
	target.number = choice.number;
	if (bpf_map_update_elem(&children, &pid, &target, BPF_ANY))
		sessions_lose(choice.children, OX_LOST_CHILD);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u32 pid;

	if (task->signal->live.counter)
		return 0;
	pid = task_pid(task);
	bpf_map_delete_elem(&children, &pid);
	return 0;
}

struct children_walk {
	struct ox_children_walk request;
	__u32 n;
};

static long children_step(void *map, __u32 *pid, struct ox_target *target,
			  struct children_walk *walk)
{
	__u64 dropped = walk->request.dropped;

	if (target->sessions & walk->request.counted)
		walk->n++;
	if (!(target->sessions & dropped))
		return 0;
	__sync_fetch_and_and(&target->sessions, ~dropped);
	__sync_fetch_and_and(&target->children, ~dropped);
	if (!target->sessions)
		bpf_map_delete_elem(map, pid);
	return 0;
}

/* Goes through the children that are followed. Returns how many were counted. The daemon runs
 * this. */
SEC("syscall")
int walk_children(struct ox_children_walk *request)
{
	struct children_walk walk = {.request = *request};

	bpf_for_each_map_elem(&children, children_step, &walk, 0);
	return walk.n;
}

/* Finds the daemon's own pid namespace and its depth. The daemon runs this once. */
SEC("syscall")
int find_namespace(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pid *pid = 0;
	struct upid upid = {};
	__u32 level = 0;

	bpf_core_read(&pid, sizeof(pid), &task->thread_pid);
	bpf_core_read(&level, sizeof(level), &pid->level);
	bpf_probe_read_kernel(&upid, sizeof(upid), (void *)&pid->numbers[0] + level * sizeof(upid));
	bpf_core_read(&pid_ns_inum, sizeof(pid_ns_inum), &upid.ns->ns.inum);
	pid_level = level;
	return 0;
}

/* Kernel symbols in the form of /proc/kallsyms, for a daemon that may not read that. */
SEC("iter/ksym")
int list_ksyms(struct bpf_iter__ksym *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct kallsym_iter *ksym = ctx->ksym;

	if (!ksym)
		return 0;
	if (*(volatile char *)&ksym->module_name[0])
		BPF_SEQ_PRINTF(seq, "%llx %c %s\t[%s]\n", (__u64)ksym->value, ksym->type,
			       ksym->name, ksym->module_name);
	else
		BPF_SEQ_PRINTF(seq, "%llx %c %s\n", (__u64)ksym->value, ksym->type, ksym->name);
	return 0;
}
