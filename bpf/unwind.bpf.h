/* SPDX-License-Identifier: MIT */
/*
 * The user stack of the current task, by frame pointers: [frame] holds the caller's frame pointer,
 * [frame + 8] the address it returns to. x86-64.
 */
#pragma once

struct unwind {
	__u64 frame;
	__u32 n;
	bool cut;
};

static long unwind_step(__u32 i, struct unwind *unwind)
{
	struct scratch *scratch = scratch_get();
	__u64 pair[2];

	if (!scratch || bpf_probe_read_user(pair, sizeof(pair), (void *)unwind->frame))
		return 1;
	if (!pair[1])
		return 1;
	if (i + 1 >= OX_MAX_USER_FRAMES) {
		unwind->cut = true;
		return 1;
	}
	/* By i, which the verifier does not know: a count of our own it would follow number by
	 * number. */
	scratch->words[SCRATCH_USER + ((i + 1) & (OX_MAX_USER_FRAMES - 1))] = pair[1];
	unwind->n = i + 2;
	/* Stacks grow down: a caller's frame is higher. This also ends every cycle. */
	if (pair[0] <= unwind->frame)
		return 1;
	unwind->frame = pair[0];
	return 0;
}

/* Leaf first into the scratch. How many frames, with OX_RECORD_CUT << 16 where there were more; 0:
 * the task has no user side. */
__noinline int unwind_user(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs___kernel *regs;
	struct scratch *scratch = scratch_get();
	struct ox_cpu *cpu = cpu_get();
	struct unwind unwind = {.n = 1};

	if (!scratch || !cpu || task->flags & PF_KTHREAD)
		return 0;
	regs = (void *)bpf_task_pt_regs(task);
	scratch->words[SCRATCH_USER] = regs->ip;
	unwind.frame = regs->bp;
	bpf_loop(OX_MAX_USER_FRAMES, unwind_step, &unwind, 0);
	if (unwind.n == 1)
		cpu->lost[OX_LOST_USER_STACK]++;
	if (!unwind.cut)
		return unwind.n;
	cpu->lost[OX_LOST_CUT]++;
	return OX_RECORD_CUT << 16 | unwind.n;
}
