/* SPDX-License-Identifier: MIT */
/*
 * The few kernel structs that the programs read, with only the fields they read. The loader finds
 * the real offsets in the running kernel's BTF (CO-RE), so this needs no vmlinux.h.
 */
#pragma once

#define PF_KTHREAD    0x00200000
#define PF_FORKNOEXEC 0x00000040 /* forked, and no exec since */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct mm_struct;

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t suid;
	kgid_t sgid;
	kuid_t euid;
	kgid_t egid;
	kuid_t fsuid;
	kgid_t fsgid;
};

/* Whether the memory is dumpable is one of its flags, in a single word up to 6.17. */
struct mm_struct___word {
	unsigned long flags;
};

/* In 6.18 and later they are several words. */
typedef struct {
	unsigned long __mm_flags[1];
} mm_flags_t;

struct mm_struct___words {
	mm_flags_t flags;
};

/* In 7.2 it is in a struct of its own, which exec makes for all threads. Older kernels have no such
 * struct, and for one that is missing libbpf asks for the types of all modules, which it may not:
 * so where that has it is in `dumpable_offset`. */
struct task_exec_state;

struct task_struct___exec {
	struct task_exec_state *exec_state;
};

struct ns_common {
	__u32 inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	__u32 level;
	struct upid numbers[1];
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
};

struct thread_struct {
	unsigned long fsbase;
};

struct sched_entity {
	__u64 sum_exec_runtime; /* ns on a CPU */
};

struct task_struct {
	__u32 flags;
	struct sched_entity se;
	int pid;
	int tgid;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct pid *thread_pid;
	__u64 start_boottime;
	__u64 self_exec_id;
	struct mm_struct *mm;
	const struct cred *cred;
	char comm[16];
	struct signal_struct *signal;
	struct thread_struct thread;
};

/* The kernel's names; <asm/ptrace.h> has other ones for user space. */
struct pt_regs___kernel {
	unsigned long r15; /* from here to di: 15 registers */
	unsigned long bp;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long cs;
	unsigned long sp;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct kallsym_iter {
	unsigned long value;
	char module_name[1];
	char name[1];
	char type;
};

struct bpf_iter__ksym {
	struct bpf_iter_meta *meta;
	struct kallsym_iter *ksym;
};

#pragma clang attribute pop
