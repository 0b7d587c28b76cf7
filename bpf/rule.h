/* SPDX-License-Identifier: MIT */
/*
 * Unwinding tables, as oxprof-symbolizer makes them from .eh_frame, the daemon lays them out, and
 * the kernel side follows them. x86-64: the return address is always at CFA - 8, and what has to be
 * followed besides it are rsp (the CFA itself) and rbp.
 *
 * A table is a sorted list of rows: from this address on (ELF vaddr, below 4 GiB) this rule holds.
 * Rules are few and shared by all tables, so a row is 4 bytes: the low half of its address and the
 * rule's number. The rows of one page (8 KiB of addresses) stand together, the first of them at the
 * page's start; a directory tells where, so that a search is some six steps long.
 *
 * Everything lies in blocks of 32-bit words, numbered through: index / OX_BLOCK_WORDS is the block.
 * Nothing crosses the end of a block. Index 0 says "none".
 */
#pragma once

#include "bpf/python.h"
#include "bpf/sample.h"

enum ox_rule_kind {
	OX_RULE_GAP = 0,   /* no entry in .eh_frame: by frame pointer */
	OX_RULE_END,       /* the outermost frame: its return address is undefined */
	OX_RULE_RSP,       /* CFA = rsp + cfa_offset */
	OX_RULE_RBP,       /* CFA = rbp + cfa_offset */
	OX_RULE_RSP_DEREF, /* CFA = *(rsp + cfa_offset) */
	OX_RULE_RBP_DEREF, /* CFA = *(rbp + cfa_offset) */
	OX_RULE_PLT,       /* CFA = rsp + 8 + ((rip & 15) >= cfa_offset ? 8 : 0) */
	OX_RULE_SIGNAL,    /* the registers are in the struct rt_sigframe at rsp */
	OX_RULE_BAD,       /* a rule that these kinds cannot express */
	/* Hand-written assembler that aligns its stack (libcrypto's SHA, ChaCha ...). */
	OX_RULE_RSP_DEREF_8, /* CFA = *(rsp + cfa_offset) + 8 */
	OX_RULE_RBP_DEREF_8, /* CFA = *(rbp + cfa_offset) + 8 */
	OX_N_RULE_KINDS,
};

/* The place of the caller's rbp. */
enum ox_rbp {
	OX_RBP_SAME = 0, /* still in rbp */
	OX_RBP_CFA,      /* at CFA + rbp_offset */
	OX_RBP_RBP,      /* at rbp + rbp_offset (functions that align their stack) */
};

struct ox_rule {
	ox_u8 kind;
	ox_u8 rbp;
	ox_s16 rbp_offset; /* bytes */
	ox_s32 cfa_offset; /* bytes */
};

/* At most so many different rules in all tables; a table that brings more has OX_RULE_BAD there. */
#define OX_RULES_MAX 16384

#define OX_BLOCK_WORDS 65536u /* 256 KiB */
#define OX_PAGE_SHIFT  13

/* Directory of a table: one for each page of its addresses. */
struct ox_page {
	ox_u32 rows; /* index of the first row; 0: nothing here, OX_RULE_GAP */
	ox_u32 n;
};

/* A row: rule << 16 | low half of the address. */

/* One executable mapping of a process, at a multiple of 8 words. Sorted by start. */
struct ox_range {
	ox_u64 start;
	ox_u64 bias;    /* ELF vaddr = address - bias */
	ox_u32 length;  /* in pages of 4 KiB */
	ox_u32 pages;   /* index of the directory; 0: no table */
	ox_u32 n_pages; /* with no table: OX_RANGE_* */
	ox_u32 first_page;
};
#define OX_RANGE_WORDS 8u
/* The most ranges of one process: they lie in one block. */
#define OX_RANGES_MAX 8192u

/* Why there is no table. */
#define OX_RANGE_NO_FILE 0u /* code that was made at run time: frame pointers are all there is */
#define OX_RANGE_WAITING 1u /* the table is not there yet, or there was no room for it */

_Static_assert(sizeof(struct ox_rule) == 8, "rule");
_Static_assert(sizeof(struct ox_page) == 8, "page");
_Static_assert(sizeof(struct ox_range) == OX_RANGE_WORDS * 4, "range");

/* A process as the kernel side knows it; value of the map `processes`, by pid. */
struct ox_process {
	ox_u64 start_ns; /* CLOCK_BOOTTIME: tells it from another of the same pid; 0: not seen yet
			  */
	ox_u32 exec_id;  /* tells it from what it was before an exec */
	ox_u32 epoch;    /* changes whenever its mappings may have: samples do not mix over it */
	ox_u64 as_of_ns; /* CLOCK_MONOTONIC: the ranges are those of this time; 0: none yet */
	ox_u32 ranges;   /* index of the first; 0: none */
	ox_u32 n_ranges;
	ox_u32 event_state; /* OX_EVENT_STATE_*, 0: none; the daemon's next update clears it */
	ox_u32 number;      /* a number of its own, as long as it is known */
	struct ox_interpreter interpreter;
};

#define OX_EVENT_STATE_SENT 1u /* an event is on its way */
#define OX_EVENT_STATE_OWED 2u /* an event will be sent when the last look is not so near */

/* Processes that are known at one time; beyond that their stacks have no tables. */
#define OX_PROCESSES_MAX 16384

/* Asks the daemon to look at this process at once. */
struct ox_event {
	ox_u64 start_ns;
	ox_u32 pid;
	ox_u32 exec_id;
	ox_u32 reason;
	ox_u32 reserved;
};
#define OX_EVENT_NEW   0u /* sampled, and nothing is known of it */
#define OX_EVENT_CODE  1u /* it runs code outside of the known ranges */
#define OX_EVENT_FAULT 2u /* code was paged in: something may have been mapped there */

/* Epochs that the daemon gives are multiples of this; the kernel side counts on from there. */
#define OX_EPOCH_STEP 65536u

_Static_assert(sizeof(struct ox_process) == 64, "process");
_Static_assert(sizeof(struct ox_event) == 24, "event");
