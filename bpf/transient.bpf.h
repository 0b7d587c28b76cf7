/* SPDX-License-Identifier: MIT */
/*
 * Mends the walk of a thread that is sampled while it changes its own list of frames. In a few
 * instructions of each call from C code the list is not what it will be; what is missing is known
 * elsewhere, or the stack says that it is not whole.
 */
#pragma once

#define C_STACK_BYTES   (8u << 20)
#define STATE_BYTES_MAX 512 /* of a PyThreadState of 3.11 and 3.12: 360 */

static __always_inline bool is_frame(const struct python_walk *walk, const struct ox_layout *layout,
				     __u64 address)
{
	__u64 code = address & 7 ? 0 : read_word(address + layout->frame_code);

	if (layout->flags & OX_LAYOUT_TAGGED)
		code &= ~7ull;
	return code && read_word(code + OX_PY_TYPE) == walk->code_type;
}

static __always_inline void registers_read(struct python_walk *walk)
{
	struct pt_regs___kernel *regs = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());

	bpf_core_read(walk->registers, sizeof(walk->registers), &regs->r15);
}

/* Finds the caller's frame while a thread is entering C code that will run Python code: its state
 * shows a new _PyCFrame that is not filled in, and its caller's is only in a register, and lies
 * further up the stack. Returns the frame in that one, 0 where there is none. A global function: it
 * is seldom called, its loop then adds nothing to walk_step()'s stack, and the verifier looks at it
 * once. */
__noinline __u64 find_caller_c_frame(__u64 c_frame)
{
	struct python_walk *walk = walk_get();
	const struct ox_layout *layout;
	__u64 frame = 0;

	if (!walk)
		return 0;
	layout = layout_get(walk->layout);
	registers_read(walk);
	for (int i = 0; i < REGISTERS; i++) {
		__u64 at = walk->registers[i];

		if (at & 7 || at - c_frame - 1 >= C_STACK_BYTES)
			continue;
		frame = read_word(at + layout->cframe_frame);
		if (frame && is_frame(walk, layout, frame))
			return frame;
	}
	return 0;
}

/* Finds the caller's frame in a register: a generator that gives its value has lost its caller a
 * moment before the caller is the leaf. Returns 0 where there is none. The frame is checked by what
 * the _PyCFrame before says. */
__noinline __u64 find_caller_frame(__u64 generator)
{
	struct python_walk *walk = walk_get();
	const struct ox_layout *layout;

	if (!walk)
		return 0;
	layout = layout_get(walk->layout);
	registers_read(walk);
	for (int i = 0; i < REGISTERS; i++) {
		__u64 at = walk->registers[i];

		if (at != generator && is_frame(walk, layout, at))
			return at;
	}
	return 0;
}

/* True if the leaf's caller is left over from an earlier frame at its place. As 3.11 and 3.12 are
 * compiled, a function that is just being called may be the leaf before its frame says who called
 * it; the caller is then in a register. False if the leaf has begun, C code called it, or nothing
 * speaks against its caller. */
static __always_inline bool caller_is_left_over(struct python_walk *walk,
						const struct ox_layout *layout, __u32 position)
{
	__u64 caller;

	if (!(layout->flags & OX_LAYOUT_CFRAME) || position != OX_PYTHON_NOT_BEGUN || walk->at ||
	    walk->n != 1 || walk->frame - walk->sp < NEAR_STACK_BYTES)
		return false;
	caller = find_caller_frame(walk->leaf);
	return caller && caller != walk->frame;
}

/* Goes back to the _PyCFrame before the last one, which is wrong or not filled in yet. Returns
 * false where that was done in this state already. */
static __always_inline bool walk_go_back(struct python_walk *walk, const struct ox_layout *layout)
{
	__u32 at = walk->at & (STATES_MAX - 1);
	__u64 frame;

	if (!walk->may_go_back)
		return false;
	walk->may_go_back = false;
	walk->is_transient = true;
	walk->n = walk->n_before;
	frame = find_caller_c_frame(walk->states[at].c_frame);
	if (!frame && walk->states[at].previous)
		frame = read_word(walk->states[at].previous + layout->cframe_frame);
	walk->frame = frame;
	return true;
}

/* Handles a frame that is none. Returns 0 to go on, 1 to stop. */
static __always_inline long walk_fail(struct python_walk *walk, const struct ox_layout *layout)
{
	if (walk->n == walk->n_before && walk_go_back(walk, layout))
		return 0;
	return walk_stop(walk, OX_PYTHON_BROKEN);
}

/* Checks the caller of a frame that C code began to run: it is the frame that the _PyCFrame before
 * the last one has. Where it is another one, what the last _PyCFrame has is left over from an
 * earlier call. The outermost one is in the thread's state itself. Returns 0 to go on, 1 to
 * stop. */
static __always_inline long walk_check_caller(struct python_walk *walk,
					      const struct ox_layout *layout)
{
	const struct state *state = &walk->states[walk->at & (STATES_MAX - 1)];
	bool is_so;

	if (!walk->may_go_back)
		return 0;
	is_so = read_word(state->previous + layout->cframe_frame) == walk->frame &&
		(walk->frame || state->previous - state->address <= STATE_BYTES_MAX);
	if (!is_so && walk->n_before_guess)
		return walk_stop(walk, OX_PYTHON_BROKEN);
	if (!is_so)
		walk_go_back(walk, layout);
	walk->may_go_back = false;
	walk->n_before_guess = 0;
	return 0;
}
