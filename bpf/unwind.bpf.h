/* SPDX-License-Identifier: MIT */
/*
 * Follows the user stack of the current task, frame by frame: the mapping of the address, the row
 * of its file's table there, and by that the caller's registers. Without a row the frame pointer is
 * followed: [rbp] is the caller's, [rbp + 8] the address it returns to. x86-64.
 *
 * The searches are global functions: the verifier looks at each once, with unknown numbers, so that
 * it does not follow every way through them from every place.
 */
#pragma once

#define USER_CS_64 0x33

/* struct rt_sigframe behind its return address: ucontext, registers from byte 40 on. */
#define SIGNAL_REGISTERS (40 + 10 * 8)
struct signal_registers {
	__u64 rbp, rbx, rdx, rax, rcx, rsp, rip;
};

#define UNWIND_UNKNOWN_LEAF (1u << 24)

static __always_inline struct block *block_get(__u32 index)
{
	__u32 key = index / OX_BLOCK_WORDS, zero = 0;
	void *map = bpf_map_lookup_elem(&blocks, &key);

	return map ? bpf_map_lookup_elem(map, &zero) : 0;
}

static __always_inline const struct ox_range *range_at(const struct block *block, __u32 index)
{
	return (const void *)&block->words[index & (OX_BLOCK_WORDS - OX_RANGE_WORDS)];
}

/* Returns the index of the last of n ranges that begins at or before the address, 0 where there is
 * none. */
__noinline __u32 range_find(__u32 ranges, __u32 n, __u64 address)
{
	struct block *block = block_get(ranges);
	__u32 low = 0, high = n;

	if (!block)
		return 0;
	for (int i = 0; i < 14 && low < high; i++) {
		__u32 middle = (low + high) / 2;

		if (range_at(block, ranges + middle * OX_RANGE_WORDS)->start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? ranges + (low - 1) * OX_RANGE_WORDS : 0;
}

/* Returns the rule of the last of n rows at or before the low half of an address; the first row is
 * at 0. */
__noinline __u32 row_find(__u32 rows, __u32 n, __u32 address)
{
	struct block *block = block_get(rows);
	__u32 low = 1, high = n;

	if (!block || !n)
		return 0;
	for (int i = 0; i < 14 && low < high; i++) {
		__u32 middle = (low + high) / 2;

		if ((block->words[(rows + middle) & (OX_BLOCK_WORDS - 1)] & 0xffff) <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return block->words[(rows + low - 1) & (OX_BLOCK_WORDS - 1)] >> 16;
}

/* Finds the range of an address. Returns false where it is in none. */
static __always_inline bool unwind_find_range(struct unwind *unwind, __u64 pc)
{
	const struct ox_range *range;
	struct block *block;
	__u32 index;

	if (pc - unwind->start < unwind->length)
		return true;
	if (!unwind->n_ranges)
		return false;
	index = range_find(unwind->ranges, unwind->n_ranges, pc);
	block = block_get(index);
	if (!index || !block)
		return false;
	range = range_at(block, index);
	if (pc - range->start >= (__u64)range->length << 12)
		return false;
	unwind->start = range->start;
	unwind->length = (__u64)range->length << 12;
	unwind->bias = range->bias;
	unwind->pages = range->pages;
	unwind->n_pages = range->n_pages;
	unwind->first_page = range->first_page;
	return true;
}

/* Returns the rule at an address of the range, 0 (no rule) where the frame pointer is to be
 * followed. */
static __always_inline const struct ox_rule *unwind_find_rule(struct unwind *unwind, __u64 pc)
{
	__u64 address = pc - unwind->bias;
	__u32 page = (address >> OX_PAGE_SHIFT) - unwind->first_page, zero = 0, index;
	const struct ox_page *entry;
	struct rules *all;
	struct block *block;

	if (!unwind->pages) {
		unwind->guessed |= unwind->n_pages == OX_RANGE_WAITING;
		return 0;
	}
	if (page >= unwind->n_pages)
		return 0;
	index = unwind->pages + page * 2;
	block = block_get(index);
	all = bpf_map_lookup_elem(&rules, &zero);
	if (!block || !all)
		return 0;
	entry = (const void *)&block->words[index & (OX_BLOCK_WORDS - 2)];
	index = row_find(entry->rows, entry->n, address & ((1 << OX_PAGE_SHIFT) - 1));
	return &all->rules[index & (OX_RULES_MAX - 1)];
}

static __always_inline long unwind_stop(struct unwind *unwind, __u32 end)
{
	unwind->end = unwind->guessed && end != OX_STOP_CUT ? OX_STOP_NO_TABLE : end;
	return 1;
}

/* Steps to the caller by the frame pointer. Returns 0, or 1 where the stack ends here. */
static __always_inline long step_by_frame_pointer(struct unwind *unwind)
{
	__u64 pair[2];

	/* No function has set rbp, from the first one on: so this one is the outermost. */
	if (!unwind->bp && unwind->n > 1)
		return unwind_stop(unwind, OX_STOP_ROOT);
	/* Stacks grow down: a caller's frame is higher. This also ends every cycle. */
	if (unwind->bp < unwind->sp || unwind->bp & 7)
		return unwind_stop(unwind, OX_STOP_BROKEN);
	if (!stack_read(unwind->bp, &pair[0]) || !stack_read(unwind->bp + 8, &pair[1]))
		return unwind_stop(unwind, OX_STOP_BROKEN);
	unwind->sp = unwind->bp + 16;
	unwind->bp = pair[0];
	unwind->ip = pair[1];
	unwind->exact = false;
	return 0;
}

static __always_inline long step_through_signal(struct unwind *unwind)
{
	struct signal_registers saved;

	if (!read_user(&saved, sizeof(saved), unwind->sp + SIGNAL_REGISTERS))
		return unwind_stop(unwind, OX_STOP_UNREADABLE);
	unwind->ip = saved.rip;
	unwind->sp = saved.rsp;
	unwind->bp = saved.rbp;
	unwind->exact = true;
	return 0;
}

/* Returns the CFA, 0 where it cannot be read. */
static __always_inline __u64 find_cfa(struct unwind *unwind, const struct ox_rule *rule)
{
	__u64 base = unwind->sp, cfa = 0;

	if (rule->kind == OX_RULE_RBP || rule->kind == OX_RULE_RBP_DEREF ||
	    rule->kind == OX_RULE_RBP_DEREF_8)
		base = unwind->bp;
	if (rule->kind == OX_RULE_PLT)
		return base + 8 + ((unwind->ip & 15) >= rule->cfa_offset ? 8 : 0);
	base += rule->cfa_offset;
	if (rule->kind == OX_RULE_RSP || rule->kind == OX_RULE_RBP)
		return base;
	if (!stack_read(base, &cfa))
		return 0;
	return rule->kind > OX_RULE_BAD ? cfa + 8 : cfa;
}

static __always_inline long step_by_rule(struct unwind *unwind, const struct ox_rule *rule)
{
	__u64 cfa = find_cfa(unwind, rule), at, bp = unwind->bp;

	if (!cfa)
		return unwind_stop(unwind, OX_STOP_UNREADABLE);
	if (cfa <= unwind->sp)
		return unwind_stop(unwind, OX_STOP_BROKEN);
	/* The caller's rbp lies lower and is read first: the return address then is in the same
	 * read. */
	at = (rule->rbp == OX_RBP_CFA ? cfa : bp) + rule->rbp_offset;
	if (rule->rbp != OX_RBP_SAME && !stack_read(at, &bp))
		return unwind_stop(unwind, OX_STOP_UNREADABLE);
	if (!stack_read(cfa - 8, &unwind->ip))
		return unwind_stop(unwind, OX_STOP_UNREADABLE);
	unwind->bp = bp;
	unwind->sp = cfa;
	unwind->exact = false;
	return 0;
}

/* Steps from the frame that unwind holds to its caller. Returns 1 where there is none; unwind->end
 * says why. */
static __always_inline long step_to_caller(struct unwind *unwind)
{
	__u64 pc = unwind->ip - !unwind->exact;
	const struct ox_rule *rule;

	if (!unwind_find_range(unwind, pc)) {
		if (unwind->n > 1 && unwind->n_ranges) {
			unwind->n--; /* an address outside of all code is no caller */
			return unwind_stop(unwind, OX_STOP_BROKEN);
		}
		unwind->unknown |= unwind->n == 1;
		unwind->guessed = true;
		return step_by_frame_pointer(unwind);
	}
	rule = unwind_find_rule(unwind, pc);
	if (!rule || rule->kind == OX_RULE_GAP)
		return step_by_frame_pointer(unwind);
	if (rule->kind == OX_RULE_END)
		return unwind_stop(unwind, OX_STOP_ROOT);
	if (rule->kind == OX_RULE_SIGNAL)
		return step_through_signal(unwind);
	if (rule->kind == OX_RULE_BAD || rule->kind >= OX_N_RULE_KINDS)
		return unwind_stop(unwind, OX_STOP_NO_RULE);
	return step_by_rule(unwind, rule);
}

static long unwind_step(__u32 i, void *unused)
{
	struct scratch *scratch = scratch_get();
	struct unwind *unwind;

	if (!scratch)
		return 1;
	unwind = &scratch->unwind;
	if (step_to_caller(unwind))
		return 1;
	if (!unwind->ip)
		return unwind_stop(unwind, OX_STOP_ROOT);
	if (i + 1 >= OX_MAX_USER_FRAMES)
		return unwind_stop(unwind, OX_STOP_CUT);
	/* The index is i, which the verifier does not know: a count of our own it would follow
	 * number by number. */
	scratch->words[SCRATCH_USER + ((i + 1) & (OX_MAX_USER_FRAMES - 1))] = unwind->ip;
	unwind->n = i + 2;
	return 0;
}

/* Writes the user stack into the scratch, leaf first. Returns how many frames, with enum ox_stop <<
 * 16 and UNWIND_UNKNOWN_LEAF; 0 where the task has no user side. */
__noinline __u32 unwind_user(__u32 ranges, __u32 n_ranges, bool in_kernel)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs___kernel *regs;
	struct scratch *scratch = scratch_get();
	struct unwind *unwind;

	if (!scratch || task->flags & PF_KTHREAD)
		return 0;
	regs = (void *)bpf_task_pt_regs(task);
	scratch->stack_bytes = 0;
	unwind = &scratch->unwind;
	scratch->words[SCRATCH_USER] = unwind->ip = regs->ip;
	unwind->sp = regs->sp;
	unwind->bp = regs->bp;
	unwind->n = 1;
	unwind->end = OX_STOP_BROKEN;
	unwind->ranges = ranges;
	unwind->n_ranges = n_ranges;
	unwind->start = unwind->length = 0;
	/* The address behind `syscall` may be another function's. */
	unwind->exact = !in_kernel || (long)regs->orig_ax < 0;
	unwind->guessed = unwind->unknown = false;
	if (regs->cs != USER_CS_64)
		return OX_STOP_NO_RULE << 16 | 1;
	bpf_loop(OX_MAX_USER_FRAMES, unwind_step, 0, 0);
	return unwind->end << 16 | unwind->n | (unwind->unknown ? UNWIND_UNKNOWN_LEAF : 0);
}
