/* SPDX-License-Identifier: MIT */
/*
 * The state of the walk along a thread's Python frames, which thread.bpf.h, transient.bpf.h and
 * python.bpf.h share, and the stack that it fills in the scratch.
 */
#pragma once

/* A thread may have states in several interpreters; innermost first. */
#define STATES_MAX 4

/* Frames are read in pieces of this size: from 3.11 on those of callers lie right below, and a read
 * costs the same for 8 bytes as for hundreds. */
#define WINDOW_BYTES 1024
/* A frame so near to the stack pointer may stand for C code (3.12+): such frames lie on the C
 * stack. */
#define NEAR_STACK_BYTES (256u << 10)

#define REGISTERS 15

/* A state of this thread. */
struct state {
	__u64 address;
	__u64 frame;             /* leaf */
	__u64 c_frame, previous; /* the last _PyCFrame, and what it says of the one before */
};

/* The walk is in a map: on the stack the verifier would follow each number. */
struct python_walk {
	__u8 state[PYTHON_READ_BYTES]; /* the thread state that is looked at */
	__u8 frames_read[2 * WINDOW_BYTES];
	__u8 shim[PYTHON_READ_BYTES];
	__u64 window_address, window_bytes; /* address of what is in frames_read */
	__u32 frame_at;                     /* the frame, in frames_read */
	__u64 fs, sp;
	__u64 registers[REGISTERS];
	__u64 interpreter, thread;
	__u64 first_interpreter;
	struct state states[STATES_MAX];
	__u32 n_states, at;
	__u64 frame, leaf, code_type;
	__u32 layout;
	__u32 n;              /* words */
	__u32 n_before;       /* of them, of states before this one */
	__u32 end;            /* enum ox_python_end */
	__u32 n_before_guess; /* where the caller was guessed: words before that; else 0 */
	bool is_transient;    /* the last _PyCFrame was passed over */
	bool may_go_back;
	bool is_lonely; /* there is no other interpreter */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct python_walk);
} python_walks SEC(".maps");

static __always_inline struct python_walk *walk_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&python_walks, &zero);
}

static __always_inline long walk_stop(struct python_walk *walk, __u32 end)
{
	/* The walk that followed a guess broke: the guess was wrong. */
	if (end == OX_PYTHON_BROKEN && walk->n_before_guess)
		walk->n = walk->n_before_guess;
	walk->end = end;
	return 1;
}

static __always_inline __u64 *walk_word(struct scratch *scratch, __u32 n)
{
	return &scratch->words[SCRATCH_PYTHON + (n & (OX_MAX_PYTHON_FRAMES - 1))];
}

/* Marks that C code began to run the frame that was added last. Returns 0, or 1 where the stack is
 * full. */
static __always_inline long walk_mark_entry(struct python_walk *walk, struct scratch *scratch)
{
	__u32 n = walk->n;

	if (n && !(*walk_word(scratch, n - 1) & OX_PYTHON_ENTRY)) {
		*walk_word(scratch, n - 1) |= OX_PYTHON_ENTRY;
		return 0;
	}
	if (n >= OX_MAX_PYTHON_FRAMES)
		return walk_stop(walk, OX_PYTHON_CUT);
	*walk_word(scratch, n) = (__u64)OX_PYTHON_NO_FRAME << 1 | OX_PYTHON_ENTRY;
	walk->n = n + 1;
	return 0;
}
