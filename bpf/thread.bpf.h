/* SPDX-License-Identifier: MIT */
/*
 * The Python state of the current thread. CPython keeps one for each thread, in a list for each of
 * its interpreters; a thread's own is the one whose thread_id is what fs points to. That holds with
 * the lock or without it, and for any libc.
 */
#pragma once

/* Threads that are looked at in a search. */
#define SEARCH_MAX 1024

/* The place where a thread's state was found last: valid while there is no other interpreter. CPUs
 * write it without a lock: all of it is checked again. */
struct known_thread {
	__u32 process;
	__u32 tid;         /* 0: any thread of the process; there is an interpreter only */
	__u64 interpreter; /* the first one */
	__u64 state;
};
#define KNOWN_THREADS 4096

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KNOWN_THREADS);
	__type(key, __u32);
	__type(value, struct known_thread);
} known_threads SEC(".maps");

static __always_inline __u64 state_word(const struct python_walk *walk, __u32 offset)
{
	return *(const __u64 *)&walk->state[offset & (PYTHON_READ_BYTES - 8)];
}

static __always_inline bool state_read(struct python_walk *walk, const struct ox_layout *layout)
{
	return read_user(walk->state, layout->thread_bytes & (PYTHON_READ_BYTES - 1), walk->thread);
}

/* Adds the state that was read, which is this thread's, with its leaf frame. */
static __always_inline void walk_add_state(struct python_walk *walk, const struct ox_layout *layout)
{
	__u64 leaf = state_word(walk, layout->thread_frame), at[2] = {leaf, 0};
	struct state *state = &walk->states[walk->n_states & (STATES_MAX - 1)];

	if (walk->n_states >= STATES_MAX)
		return;
	if (layout->flags & OX_LAYOUT_CFRAME &&
	    !read_user(at, sizeof(at), leaf + layout->cframe_frame))
		return;
	state->address = walk->thread;
	state->frame = at[0];
	state->c_frame = leaf;
	state->previous = at[1];
	walk->n_states++;
}

static __always_inline bool walk_next_interpreter(struct python_walk *walk,
						  const struct ox_layout *layout)
{
	walk->interpreter = read_word(walk->interpreter + layout->interpreter_next);
	if (!walk->interpreter)
		return false;
	walk->is_lonely = false;
	walk->thread = read_word(walk->interpreter + layout->interpreter_threads);
	return true;
}

static long search_step(__u32 i, void *unused)
{
	struct python_walk *walk = walk_get();
	const struct ox_layout *layout;

	if (!walk)
		return 1;
	layout = layout_get(walk->layout);
	if (!walk->thread || !state_read(walk, layout))
		return !walk_next_interpreter(walk, layout);
	if (state_word(walk, layout->thread_id) == walk->fs)
		walk_add_state(walk, layout);
	walk->thread = state_word(walk, layout->thread_next);
	return 0;
}

static __always_inline struct known_thread *known_thread_get(__u32 tid)
{
	__u32 key = tid & (KNOWN_THREADS - 1);

	return bpf_map_lookup_elem(&known_threads, &key);
}

static __always_inline bool walk_recall(struct python_walk *walk, const struct ox_layout *layout,
					const struct known_thread *known)
{
	if (known->interpreter != walk->first_interpreter)
		return false;
	walk->thread = known->state;
	if (!state_read(walk, layout) || state_word(walk, layout->thread_id) != walk->fs)
		return false;
	walk_add_state(walk, layout);
	/* A state that runs nothing may be an old one, of a thread that gets a new one for each
	 * call. */
	if (walk->n_states && walk->states[0].frame)
		return true;
	walk->n_states = 0;
	return false;
}

/* Returns the interpreter of the thread that has the lock. Where no thread has it, returns the one
 * that this thread had last, or any of the process; 0 where none is known. */
static __always_inline __u64 recall_interpreter(__u64 state, __u32 process, __u32 tid)
{
	const struct known_thread *known = known_thread_get(tid);
	struct known_thread *any = known_thread_get(process * 0x9e3779b1u >> 8);

	if (state && any) {
		any->tid = 0;
		any->process = process;
		any->interpreter = read_word(state + OX_PY_INTERP);
		return any->interpreter;
	}
	if (known && known->tid == tid && known->process == process)
		return known->interpreter;
	return any && !any->tid && any->process == process ? any->interpreter : 0;
}

/* Returns the first interpreter of the process, 0 where there is none (yet). */
static __always_inline __u64 find_interpreter(const struct ox_layout *layout, __u64 runtime,
					      __u32 process, __u32 tid)
{
	__u64 word = read_word(runtime + layout->runtime_interpreters);

	return layout->flags & OX_LAYOUT_CURRENT ? recall_interpreter(word, process, tid) : word;
}

static __always_inline void walk_find_states(struct python_walk *walk, __u32 process, __u32 tid)
{
	const struct ox_layout *layout = layout_get(walk->layout);
	struct known_thread *known = known_thread_get(tid);

	walk->first_interpreter = walk->interpreter;
	if (known && known->tid == tid && known->process == process &&
	    walk_recall(walk, layout, known))
		return;
	walk->thread = read_word(walk->interpreter + layout->interpreter_threads);
	bpf_loop(SEARCH_MAX, search_step, 0, 0);
	if (!known || !walk->is_lonely || walk->n_states != 1)
		return;
	known->tid = tid;
	known->process = process;
	known->interpreter = walk->first_interpreter;
	known->state = walk->states[0].address;
}
