/* SPDX-License-Identifier: MIT */
/*
 * Bounds what the programs of one user may bring that is new: each new stack, name and process is a
 * row that stays. A program chooses its names and its stacks, and may make up new ones without end.
 * So each user has an account of each kind, which fills up again with time; it is large enough for
 * a machine that is seen for the first time. All accounts together have a bound too, since somebody
 * may have thousands of uids (subuid(5)). Root's programs are not bounded.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum budget_kind {
	BUDGET_TASKS,  /* new processes, and new names of threads */
	BUDGET_NODES,  /* new nodes of stacks */
	BUDGET_FRAMES, /* new functions, lines, addresses */
	BUDGET_BYTES,  /* of new names, of functions and of processes */
	BUDGET_N_KINDS
};

struct budget;

/* Returns NULL where there is no memory. */
struct budget *budget_new(void);
struct budget *budget_free(struct budget *budget);
/* Takes n from the user's account. Returns false, and takes nothing, where there is less. now_ns:
 * CLOCK_MONOTONIC. */
bool budget_take(struct budget *budget, uint32_t uid, enum budget_kind kind, uint64_t n,
		 uint64_t now_ns);
