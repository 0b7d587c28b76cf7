/* SPDX-License-Identifier: MIT */
/*
 * Memory that the daemon writes and the kernel side reads: unwinding tables and the ranges of
 * processes (bpf/rule.h). Words are numbered through all blocks; blocks are added as they are
 * needed, within the budget that was set at load.
 *
 * The kernel side may still read the words that a process pointed to until sampler_quiesce() has
 * returned: so first remove the pointer, then quiesce, then free.
 */
#pragma once

#include "bpf/rule.h"
#include "daemon/sampler/sampler.h"

/* Allocates 1 to OX_BLOCK_WORDS words that lie side by side, not cleared. *ret_index is never 0.
 * Returns 0; -ENOSPC if the budget is used up; -ENOMEM. */
int sampler_blocks_alloc(struct sampler *sampler, uint32_t n_words, uint32_t *ret_index);
void sampler_blocks_free_block(struct sampler *sampler, uint32_t index, uint32_t n_words);
/* Returns the words at an index, to be written to. */
uint32_t *sampler_blocks_at(struct sampler *sampler, uint32_t index);
/* Returns the bytes that all blocks take in the kernel, and the bytes that they may take. */
uint64_t sampler_blocks_bytes(const struct sampler *sampler);
uint64_t sampler_blocks_used(const struct sampler *sampler);
uint64_t sampler_blocks_budget(const struct sampler *sampler);

/* Returns the rules, OX_RULES_MAX of them, to be written to. */
struct ox_rule *sampler_rules(struct sampler *sampler);

/* Gets or sets what the kernel side knows of a process. Returns 0, or -ENOENT if it knows nothing
 * of the process (any more). */
int sampler_get_process(struct sampler *sampler, uint32_t pid, struct ox_process *ret);
int sampler_set_process(struct sampler *sampler, uint32_t pid, const struct ox_process *process);
/* Adds a process before the kernel side has seen it, with start_ns 0. Returns 0, -EEXIST or
 * -E2BIG. */
int sampler_add_process(struct sampler *sampler, uint32_t pid, const struct ox_process *process);
void sampler_drop_process(struct sampler *sampler, uint32_t pid);
/* Drops all processes. */
void sampler_drop_processes(struct sampler *sampler);

/* Waits until no CPU is in a sample that began before the call. */
void sampler_quiesce(struct sampler *sampler);
