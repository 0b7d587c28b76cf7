/* SPDX-License-Identifier: MIT */
/*
 * Writes the Python frames of the current thread into the scratch, leaf first. The interpreter may
 * be in the middle of a change, and its memory may hold anything: every pointer is read with a
 * helper that may fail, and a code object is one only if its type says so.
 */
#pragma once

/* Steps of a walk: frames, what stands between them, and the end of each state. */
#define WALK_MAX (2 * OX_MAX_PYTHON_FRAMES + STATES_MAX)

static __always_inline void walk_begin_state(struct python_walk *walk,
					     const struct ox_layout *layout)
{
	const struct state *state = &walk->states[walk->at & (STATES_MAX - 1)];

	walk->frame = walk->leaf = state->frame;
	walk->n_before = walk->n;
	/* Where the last _PyCFrame is the state's own, nothing is being run. */
	walk->may_go_back = layout->flags & OX_LAYOUT_CFRAME &&
			    state->c_frame - state->address > STATE_BYTES_MAX;
}

/* Ends a state whose frames are through, and begins the next one. From 3.11 on the outermost frame
 * was begun by C code: where it was not, its callers are missing. Returns 0 to go on, 1 to stop. */
static __always_inline long walk_end_state(struct python_walk *walk, struct scratch *scratch,
					   const struct ox_layout *layout)
{
	__u32 n = walk->n - walk->n_before;

	if (!n && walk_go_back(walk, layout) && walk->frame)
		return 0;
	/* The caller is a guess, which walk_check_caller() checks. */
	if (n == 1 && walk->may_go_back && !walk->n_before_guess &&
	    !(*walk_word(scratch, walk->n - 1) & OX_PYTHON_ENTRY)) {
		walk->frame = find_caller_frame(walk->leaf);
		walk->n_before_guess = walk->n;
		if (walk->frame)
			return 0;
	}
	if (n ? !(*walk_word(scratch, walk->n - 1) & OX_PYTHON_ENTRY) : walk->is_transient)
		return walk_stop(walk, OX_PYTHON_BROKEN);
	if (++walk->at >= walk->n_states)
		return walk_stop(walk, OX_PYTHON_WHOLE);
	walk_begin_state(walk, layout);
	return 0;
}

/* ---- reading a frame ---- */

static __always_inline __u64 frame_word(const struct python_walk *walk, __u32 offset)
{
	return *(const __u64 *)&walk
			->frames_read[(walk->frame_at + offset) & (2 * WINDOW_BYTES - 8)];
}

static __always_inline __s32 frame_number(const struct python_walk *walk, __u32 offset)
{
	return *(const __s32 *)&walk
			->frames_read[(walk->frame_at + offset) & (2 * WINDOW_BYTES - 4)];
}

static __always_inline __u8 frame_byte(const struct python_walk *walk, __u32 offset)
{
	return walk->frames_read[(walk->frame_at + offset) & (2 * WINDOW_BYTES - 1)];
}

static __always_inline bool window_read(struct python_walk *walk, __u64 address, __u64 bytes)
{
	walk->window_address = address;
	walk->window_bytes = bytes;
	if (read_user(walk->frames_read, bytes & (2 * WINDOW_BYTES - 1), address))
		return true;
	walk->window_bytes = 0;
	return false;
}

static __always_inline bool frame_read(struct python_walk *walk, const struct ox_layout *layout)
{
	__u64 bytes = layout->frame_bytes, at = walk->frame - walk->window_address;

	if (walk->frame & 7)
		return false;
	if (at < walk->window_bytes && at + bytes <= walk->window_bytes) {
		walk->frame_at = at;
		return true;
	}
	if (layout->flags & OX_LAYOUT_POINTER) {
		walk->frame_at = WINDOW_BYTES;
		if (window_read(walk, walk->frame - WINDOW_BYTES, WINDOW_BYTES + bytes))
			return true;
	}
	walk->frame_at = 0;
	return window_read(walk, walk->frame, bytes);
}

/* ---- adding a frame ---- */

static __always_inline __u32 find_position(const struct python_walk *walk, __u64 code,
					   const struct ox_layout *layout)
{
	__s64 position;

	if (layout->flags & OX_LAYOUT_POINTER)
		position = frame_word(walk, layout->frame_position) - code - layout->code_start;
	else
		position = frame_number(walk, layout->frame_position);
	if (layout->flags & OX_LAYOUT_UNITS)
		position *= 2;
	return position < 0 || position >= OX_PYTHON_NOT_BEGUN ? OX_PYTHON_NOT_BEGUN : position;
}

static __always_inline bool code_read(struct define_scratch *read, const struct ox_layout *layout,
				      __u64 code_type)
{
	return read_user(read->code, layout->code_bytes & (PYTHON_READ_BYTES - 1),
			 read->code_address) &&
	       code_word(read, OX_PY_TYPE) == code_type;
}

/* True if the code has an instruction of its own. Code without one is the interpreter's: it ends a
 * call of __init__(). */
static __always_inline bool code_is_traceable(const struct define_scratch *read,
					      const struct ox_layout *layout)
{
	return !layout->code_traceable ||
	       code_number(read, layout->code_traceable) < code_number(read, OX_PY_CODE_SIZE);
}

/* Adds the word of a frame. Returns 0 to go on, 1 to stop. */
static __always_inline long walk_add_word(struct python_walk *walk, struct scratch *scratch,
					  __u32 id, __u32 position, bool is_entry)
{
	__u32 n = walk->n;

	if (n >= OX_MAX_PYTHON_FRAMES)
		return walk_stop(walk, OX_PYTHON_CUT);
	if (!id)
		position = OX_PYTHON_NO_NAME;
	*walk_word(scratch, n) = (__u64)id << 32 | (__u64)position << 1 | is_entry;
	walk->n = n + 1;
	return 0;
}

/* Adds the frame that was read, unless its code is the interpreter's own. Returns 0 to go on, 1 to
 * stop. */
static __always_inline long walk_add_frame(struct python_walk *walk, struct scratch *scratch,
					   struct define_scratch *read,
					   const struct ox_layout *layout)
{
	struct seen_code *seen = seen_get(read, read->code_address);
	__u32 position = find_position(walk, read->code_address, layout);
	bool is_entry = !(layout->flags & (OX_LAYOUT_ENTRY | OX_LAYOUT_OWNER)), is_own = false;

	if (layout->flags & OX_LAYOUT_ENTRY)
		is_entry = frame_byte(walk, layout->frame_entry);
	read->globals = frame_word(walk, layout->frame_globals);
	read->frame_address = walk->frame;
	if (seen->sample != read->sample || seen->code != read->code_address) {
		if (!code_read(read, layout, walk->code_type))
			return walk_fail(walk, layout);
		seen->id = 0;
		is_own = !code_is_traceable(read, layout);
		if (!is_own)
			seen->id = define_code(read, layout);
		seen->code = read->code_address;
		seen->sample = seen->id ? read->sample : 0;
	}
	walk->frame = frame_word(walk, layout->frame_back);
	if (is_own)
		return is_entry ? walk_mark_entry(walk, scratch) : 0;
	if (walk_add_word(walk, scratch, seen->id, position, is_entry))
		return 1;
	if (is_entry)
		return walk_check_caller(walk, layout);
	return caller_is_left_over(walk, layout, position) ? walk_stop(walk, OX_PYTHON_BROKEN) : 0;
}

/* Passes over a frame that stands for C code (3.12+). Returns 0 to go on, 1 to stop. */
static __always_inline long walk_pass_shim(struct python_walk *walk, struct scratch *scratch,
					   const struct ox_layout *layout, __u64 back)
{
	walk->frame = back;
	if (walk_mark_entry(walk, scratch))
		return 1;
	return walk_check_caller(walk, layout);
}

/* Reads a frame on the C stack alone, so that the window stays where callers are. True if the frame
 * stands for C code. */
static __always_inline bool shim_read(struct python_walk *walk, const struct ox_layout *layout)
{
	return layout->flags & OX_LAYOUT_OWNER && walk->frame - walk->sp < NEAR_STACK_BYTES &&
	       read_user(walk->shim, layout->frame_bytes & (PYTHON_READ_BYTES - 1), walk->frame) &&
	       walk->shim[layout->frame_owner & (PYTHON_READ_BYTES - 1)] >= 3;
}

static long walk_step(__u32 i, void *unused)
{
	struct define_scratch *read = define_get();
	struct scratch *scratch = scratch_get();
	struct python_walk *walk = walk_get();
	const struct ox_layout *layout;

	if (!read || !scratch || !walk)
		return 1;
	layout = layout_get(walk->layout);
	if (!walk->frame)
		return walk_end_state(walk, scratch, layout);
	if (shim_read(walk, layout))
		return walk_pass_shim(
			walk, scratch, layout,
			*(__u64 *)&walk->shim[layout->frame_back & (PYTHON_READ_BYTES - 8)]);
	if (!frame_read(walk, layout))
		return walk_fail(walk, layout);
	if (layout->flags & OX_LAYOUT_OWNER && frame_byte(walk, layout->frame_owner) >= 3)
		return walk_pass_shim(walk, scratch, layout, frame_word(walk, layout->frame_back));
	read->code_address = frame_word(walk, layout->frame_code);
	if (layout->flags & OX_LAYOUT_TAGGED)
		read->code_address &= ~7ull;
	return walk_add_frame(walk, scratch, read, layout);
}

/* python_walk() returns how many words are in the scratch, with enum ox_python_end << 16 and
 * PYTHON_WALKED; 0 where there is no Python (yet). A thread that the interpreter does not know of
 * is OX_PYTHON_BROKEN without a word: its C frames tell whether it runs Python code all the
 * same. */
#define PYTHON_WALKED (1u << 24)

__noinline __u32 python_walk(__u64 runtime, __u64 code_type, __u32 layout_index, __u32 process,
			     __u32 tid)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct define_scratch *read = define_get();
	struct python_walk *walk = walk_get();
	const struct ox_layout *layout = layout_get(layout_index);

	if (!read || !walk)
		return 0;
	walk->fs = task->thread.fsbase;
	walk->sp = ((struct pt_regs___kernel *)bpf_task_pt_regs(task))->sp;
	walk->window_bytes = 0;
	walk->layout = read->layout = layout_index;
	walk->code_type = code_type;
	walk->n_states = walk->at = walk->n = walk->n_before = walk->end = 0;
	walk->is_lonely = true;
	walk->is_transient = false;
	walk->n_before_guess = 0;
	read->process = (__u64)definitions_epoch << 32 | process;
	read->sample++;
	read->n_defined = read->bytes = read->class_steps = 0;
	walk->interpreter = find_interpreter(layout, runtime, process, tid);
	if (!walk->interpreter)
		return 0;
	walk_find_states(walk, process, tid);
	if (!walk->n_states)
		return PYTHON_WALKED | OX_PYTHON_BROKEN << 16;
	walk_begin_state(walk, layout);
	walk->end = OX_PYTHON_CUT;
	bpf_loop(WALK_MAX, walk_step, 0, 0);
	return PYTHON_WALKED | walk->end << 16 | walk->n;
}
