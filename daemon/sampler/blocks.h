/* SPDX-License-Identifier: MIT */
/*
 * Memory that the daemon writes and the kernel side reads: unwinding tables and the ranges of
 * processes (bpf/rule.h). Words are numbered through all blocks; blocks are added as they are
 * needed, within the budget that was set at load.
 *
 * The kernel side may be reading what a process pointed to until sampler_quiesce() has returned:
 * take it out first, then quiesce, then free.
 */
#pragma once

#include "bpf/rule.h"
#include "daemon/sampler/sampler.h"

/* 1 to OX_BLOCK_WORDS words that lie side by side, not cleared. 0, -ENOSPC the budget is used up,
 * -ENOMEM. Never index 0. */
int sampler_blocks_alloc(struct sampler *sampler, uint32_t n_words, uint32_t *ret_index);
void sampler_blocks_free_block(struct sampler *sampler, uint32_t index, uint32_t n_words);
/* The words at an index, to be written to. */
uint32_t *sampler_blocks_at(struct sampler *sampler, uint32_t index);
uint64_t sampler_blocks_bytes(const struct sampler *sampler); /* held in the kernel */
uint64_t sampler_blocks_used(const struct sampler *sampler);  /* taken of these */
uint64_t sampler_blocks_budget(const struct sampler *sampler);

/* OX_RULES_MAX of them. */
struct ox_rule *sampler_rules(struct sampler *sampler);

/* What the kernel side knows of a process. 0, -ENOENT: it knows nothing of it (any more). */
int sampler_get_process(struct sampler *sampler, uint32_t pid, struct ox_process *ret);
int sampler_set_process(struct sampler *sampler, uint32_t pid, const struct ox_process *process);
/* Before it is seen there: start_ns 0. -EEXIST, -E2BIG. */
int sampler_add_process(struct sampler *sampler, uint32_t pid, const struct ox_process *process);
void sampler_drop_process(struct sampler *sampler, uint32_t pid);
void sampler_drop_processes(struct sampler *sampler); /* all */

/* Returns when no CPU is in a sample that began before. */
void sampler_quiesce(struct sampler *sampler);
