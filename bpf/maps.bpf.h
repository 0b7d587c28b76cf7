/* SPDX-License-Identifier: MIT */
/* The maps and globals of the sampler; sizes that depend on the machine are set before load. */
#pragma once

/* Globals that are set once, before load. */
const volatile __u64 hash_seed = 0;  /* secret: nobody can aim at the index */
const volatile __u32 log_chunks = 0; /* of one arena */
const volatile __u32 slot_blocks = 0;
const volatile __u32 dumpable_offset = 0; /* in struct task_exec_state; 0: the kernel has none */
const volatile struct ox_layout layouts[OX_LAYOUTS_MAX] = {};

/* The daemon's pid namespace: found by find_namespace(), run once by the daemon itself. */
__u32 pid_level = 0; /* its depth; 0: the first one, which needs no look-up */
__u32 pid_ns_inum = 0;

/* Globals that the daemon changes while the programs run. */
__u32 active = 0; /* arena being written: 0 or 1 */
__u32 filters = 0;
__u32 n_slots = 0;                     /* all sessions that run have a slot below it */
__u64 running = 0;                     /* mask of the sessions that do */
__u64 anybody = 0;                     /* of those that may see others' processes */
__u64 with_kernel = 0;                 /* of those that have kernel stacks */
__u64 intervals[OX_SESSIONS_MAX] = {}; /* in ns */
__u64 period_ns = 0;                   /* of the timers: the shortest interval */
struct ox_target everything = {};

struct ox_arena arenas[2] = {};

__u32 last_process = 0; /* number */

struct chunk {
	__u64 words[OX_CHUNK_WORDS];
};

struct slot_block {
	__u64 slots[OX_SLOT_BLOCK];
};

/* Scratch of one CPU: a sample is put together here. The programs do not nest on a CPU. */
#define SCRATCH_WORDS  2048
#define SCRATCH_USER   0
#define SCRATCH_KERNEL 256
#define SCRATCH_SAMPLE 384
#define SCRATCH_PYTHON 512
#define SCRATCH_STACK  1024

/* The walk along a user stack (unwind.bpf.h). It is not on the BPF stack: the verifier would follow
 * each of its numbers through all that may happen to it, and there is little room. */
struct unwind {
	__u64 ip, sp, bp;
	__u32 n;
	__u32 end;
	__u32 ranges, n_ranges;
	/* The range of the last frame: mostly it is that of the next one too. */
	__u64 start, length, bias;
	__u32 pages, n_pages, first_page;
	bool exact;   /* ip is the instruction itself, not one behind a call */
	bool guessed; /* the frame pointer was followed where a table should have been */
	bool unknown; /* the leaf is in no range */
};

/* How the current process is chosen (filter.bpf.h). */
struct choice {
	__u64 wanted;   /* sessions with a target that matches */
	__u64 allowed;  /* of these, the ones that may see the process as it is now */
	__u64 children; /* of the allowed, the ones that follow what it starts */
	__u32 number;   /* of the first target that is allowed */
	__u32 owner;    /* whose own the process is, or OX_NOBODY; only where one is allowed */
};

struct scratch {
	__u64 words[SCRATCH_WORDS];
	struct choice choice;
	/* Memory of the user's stack: address and bytes of what is at SCRATCH_STACK. */
	__u64 stack_at, stack_bytes;
	__u64 stack_word;
	struct unwind unwind;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct chunk);
} logs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slot_block);
} indexes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ox_cpu);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ox_paces);
} paces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* By uid: mask of the sessions of that user that may see only what is the user's own. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OX_SESSIONS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} owners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OX_TARGETS_MAX);
	__type(key, __u32);
	__type(value, struct ox_target);
} pids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, struct ox_target);
} children SEC(".maps");

struct comm {
	char text[OX_COMM_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OX_TARGETS_MAX);
	__type(key, struct comm);
	__type(value, struct ox_target);
} comms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OX_TARGETS_MAX);
	__type(key, __u64);
	__type(value, struct ox_target);
} cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OX_TARGETS_MAX);
	__type(key, __u32);
	__type(value, struct ox_target);
} users SEC(".maps");

/* Blocks of unwinding tables and of ranges (bpf/rule.h); the daemon adds them as it needs them. */
struct block {
	__u32 words[OX_BLOCK_WORDS];
};

struct block_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct block)); /* clang describes no type that is only inside */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1); /* set before load: the budget */
	__type(key, __u32);
	__array(values, struct block_map);
} blocks SEC(".maps");

struct rules {
	struct ox_rule rules[OX_RULES_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rules);
} rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, OX_PROCESSES_MAX);
	__type(key, __u32);
	__type(value, struct ox_process);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");
