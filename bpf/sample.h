/* SPDX-License-Identifier: MIT */
/*
 * The interface of the kernel side (bpf/sampler.bpf.c) and the user side
 * (daemon/sampler/sampler.c). Besides it they share only bpf/rule.h and bpf/python.h. Fixed-width
 * types only; every size is asserted at the end.
 *
 * An arena is where one set of samples lives between two drains: a log of 64-bit words cut in
 * chunks, and an index (slots) of what is in it. Two arenas exist; the kernel writes to the one
 * that `active` names, the daemon reads the other. A record is found by its content: the same stack
 * is written once, so its position in the log is its id, and an id stands for exactly one stack
 * (records are compared word by word, a hash alone never decides).
 */
#pragma once

#ifdef __bpf__
typedef __u8 ox_u8;
typedef __u16 ox_u16;
typedef __u32 ox_u32;
typedef __u64 ox_u64;
typedef __s16 ox_s16;
typedef __s32 ox_s32;
typedef __s64 ox_s64;
#else
#include <stdint.h>
typedef uint8_t ox_u8;
typedef uint16_t ox_u16;
typedef uint32_t ox_u32;
typedef uint64_t ox_u64;
typedef int16_t ox_s16;
typedef int32_t ox_s32;
typedef int64_t ox_s64;
#endif

#define OX_MAX_USER_FRAMES   256
#define OX_MAX_KERNEL_FRAMES 127 /* kernel.perf_event_max_stack, its default */
#define OX_COMM_BYTES        16  /* TASK_COMM_LEN */

/* Sessions that run at once. Each has a slot, which is its bit in every mask. */
#define OX_SESSIONS_MAX 64

/* The owner of what is nobody's own. */
#define OX_NOBODY 0xffffffffu

/* Log: chunks of 4096 words (32 KiB); a record never crosses the end of its chunk. */
#define OX_CHUNK_WORDS 4096
/* Index: blocks of 4096 slots; the number of blocks is a power of two, chosen at load. */
#define OX_SLOT_BLOCK  4096
#define OX_PROBE_LIMIT 16

/*
 * Each way in which a sample can be missing (WHOLE), or only a part of one (PART): its name here,
 * the name that users see, in answers and in the database. The numbers are stored nowhere. To add
 * one is a row here and one in oxprofd(8); where only a part is missing, also in the view of
 * sessions (a new file in db/schema).
 */
#define OX_KERNEL_LOSSES(X)                                           \
	/* the timer came so late that ticks were skipped */          \
	X(LATE, "late", WHOLE)                                        \
	/* the arena had no room until the next drain */              \
	X(FULL, "arena-full", WHOLE)                                  \
	/* no free slot within OX_PROBE_LIMIT */                      \
	X(CROWDED, "index-crowded", WHOLE)                            \
	/* the process is not the session's owner's own */            \
	X(NOT_PERMITTED, "not-permitted", WHOLE)                      \
	/* the kernel stack could not be read */                      \
	X(KERNEL_STACK, "kernel-stack", PART)                         \
	/* the stack is deeper than is kept; the leaf end is there */ \
	X(CUT, "stack-cut", PART)                                     \
	/* a child was not followed: the table of children is full */ \
	X(CHILD, "child", WHOLE)
/* Losses that the daemon counts. */
#define OX_DAEMON_LOSSES(X)                                                         \
	/* events of new mappings were dropped */                                   \
	X(MAPPINGS, "mappings", WHOLE)                                              \
	/* samples whose process was gone before its mappings could be read */      \
	X(GONE, "gone", PART)                                                       \
	/* user stacks that end where their memory could not be read */             \
	X(USER_STACK, "user-stack", PART)                                           \
	/* user stacks that led out of all code: they end before that */            \
	X(BROKEN, "stack-broken", PART)                                             \
	/* user stacks that end in code whose unwinding table was not there */      \
	X(NO_TABLE, "no-table", PART)                                               \
	/* user stacks that end at an instruction that the table has no rule for */ \
	X(NO_RULE, "no-rule", PART)                                                 \
	/* stacks whose Python frames could not be followed to their end */         \
	X(PYTHON, "python-broken", PART)                                            \
	/* stacks with a Python frame whose name could not be read */               \
	X(PYTHON_NAME, "python-name", PART)                                         \
	/* samples that could not be written (disk full) and had to be dropped */   \
	X(STORE, "store", WHOLE)                                                    \
	/* stacks and names beyond what the programs of one user may bring */       \
	X(LIMIT, "limit", PART)

#define OX_LOSS_NUMBER(id, name, extent) OX_LOST_##id,
#define OX_LOSS_ONE(id, name, extent)    +1
enum ox_loss { OX_KERNEL_LOSSES(OX_LOSS_NUMBER) OX_DAEMON_LOSSES(OX_LOSS_NUMBER) OX_N_LOSSES };
enum { OX_N_KERNEL_LOSSES = 0 OX_KERNEL_LOSSES(OX_LOSS_ONE) };

/* How a user stack ends. The names that users see are stop_name()'s in daemon/base/loss.c; a stack
 * that is not whole has a frame of that name, in brackets, at its root. */
enum ox_stop {
	OX_STOP_ROOT = 0,   /* whole: _start, or the first function of a thread */
	OX_STOP_CUT,        /* deeper than OX_MAX_USER_FRAMES */
	OX_STOP_NO_TABLE,   /* led by frame pointers through code whose table was not there */
	OX_STOP_BROKEN,     /* led out of all code, or a frame pointer led nowhere */
	OX_STOP_UNREADABLE, /* the stack's memory could not be read (paged out) */
	OX_STOP_NO_RULE,    /* at an instruction for which the table has no rule */
	OX_STOP_PYTHON,     /* its C frames are whole, its Python frames are not (bpf/python.h) */
	OX_N_STOPS,
};

/* Kinds of record in the log. */
enum ox_record_kind {
	OX_RECORD_END = 0, /* nothing more in this chunk */
	OX_RECORD_STACK,   /* n words: instruction pointers, leaf first; flags: enum ox_stop */
	OX_RECORD_SAMPLE,  /* OX_SAMPLE_WORDS words: struct ox_sample */
	OX_RECORD_PYTHON,  /* n frames, leaf first (bpf/python.h); flags: enum ox_python_end */
};

/* Header of a record, OX_HEADER_WORDS words; its words follow. */
struct ox_record {
	ox_u32 kind_flags_n; /* kind << 24 | flags << 16 | n */
	ox_u32 tag;          /* upper half of the hash */
	ox_u64 count;        /* samples: how often it was hit */
	ox_u64 first_ns;     /* CLOCK_MONOTONIC when it was first written */
};
#define OX_HEADER_WORDS     3
#define OX_RECORD_WORDS_MAX 512 /* words that follow: OX_MAX_PYTHON_FRAMES */

/*
 * One sample's identity. Positions in the log are word offsets + 1, so that 0 says "none".
 * pid and tid are those of the daemon's pid namespace.
 */
struct ox_sample {
	ox_u32 pid;
	ox_u32 tid;
	ox_u64 start_ns; /* CLOCK_BOOTTIME at which the process began */
	ox_u32 exec_id;  /* grows with each exec of the process */
	ox_u32 uid;      /* effective */
	ox_u64 cgroup_id;
	char thread_comm[OX_COMM_BYTES];
	char process_comm[OX_COMM_BYTES];
	ox_u32 kernel_stack;
	ox_u32 user_stack;
	ox_u64 as_of_ns; /* the user stack was followed by the mappings of this time; 0: by none */
	ox_u32 epoch;    /* struct ox_process */
	ox_u32 target;   /* number of a target that chose it */
	ox_u32 python_stack;
	ox_u32 owner;    /* the uid whose own process it was at this sample, or OX_NOBODY */
	ox_u64 sessions; /* mask of those that took it */
};
#define OX_SAMPLE_WORDS 13

/* Different targets of one kind. */
#define OX_TARGETS_MAX 1024

/* The value of the filter maps: all targets that name the same. */
struct ox_target {
	ox_u64 start_min_ns; /* pid targets: the process began in [min, max), CLOCK_BOOTTIME */
	ox_u64 start_max_ns;
	ox_u64 sessions; /* mask of those that have such a target */
	ox_u64 children; /* of these, the ones that follow the processes that it starts */
	ox_u32 number;   /* of the first of these targets */
	ox_u32 reserved;
};

/* Counters of one CPU, which alone writes them; the daemon reads them live. A pair of cache
 * lines: none is shared between CPUs. */
struct ox_cpu {
	ox_u64 entries; /* odd while a tick is handled: see sampler_quiesce() */
	ox_u64 samples;
	ox_u64 woken_ns; /* when it ceased to be idle; 0: it has had a tick since */
	ox_u64 timed_ns; /* entry to exit, one sample in 64 */
	ox_u64 timed_n;
	ox_u64 pad[11];
};

/* The pace of one session on one CPU (bpf/pace.h), which alone writes it, and its losses there. A
 * pair of cache lines, of which a tick needs the first. */
struct ox_pace {
	ox_u64 next_ns; /* when its next sample is due; 0: it begins */
	ox_u64 last_ns; /* its last due tick */
	ox_u64 gap_n;   /* the interval achieved: sums over samples, deviation in units of 256 ns */
	ox_s64 gap_sum;
	ox_u64 gap_squares;
	ox_u64 lost[OX_N_KERNEL_LOSSES];
	ox_u64 pad[4];
};

/* The paces of all sessions on one CPU, by slot. */
struct ox_paces {
	struct ox_pace slots[OX_SESSIONS_MAX];
};

/* One arena: where its log goes on, and how much of the index is in use (a mask). */
struct ox_arena {
	ox_u64 cursor;
	ox_u64 slot_mask;
	ox_u64 pad[6];
};

/* The argument of walk_children(), which goes through all children that are followed. */
struct ox_children_walk {
	ox_u64 dropped; /* sessions that follow none of them any more */
	ox_u64 counted; /* sessions of which the children are counted, each once */
};

/* Which filters exist, so that the others cost nothing. */
#define OX_FILTER_PID    1u
#define OX_FILTER_CHILD  2u
#define OX_FILTER_COMM   4u
#define OX_FILTER_CGROUP 8u
#define OX_FILTER_USER   16u
#define OX_FILTER_ALL    32u

_Static_assert(sizeof(struct ox_arena) == 64, "arena");
_Static_assert(sizeof(struct ox_record) == OX_HEADER_WORDS * 8, "record header");
_Static_assert(sizeof(struct ox_sample) == OX_SAMPLE_WORDS * 8, "sample");
_Static_assert(sizeof(struct ox_target) == 40, "target");
_Static_assert(sizeof(struct ox_cpu) == 128, "cpu counters");
_Static_assert(sizeof(struct ox_pace) == 128, "pace");
