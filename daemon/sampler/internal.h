/* SPDX-License-Identifier: MIT */
/* Shared by the files of this folder alone. */
#pragma once

#include <bpf/libbpf.h>

#include "bpf/rule.h"
#include "daemon/sampler/sampler.h"
#include "sampler.skel.h"

/* The sessions of a user that may see only what is the user's own. */
struct sampler_owner {
	uint32_t uid;
	uint64_t sessions;
};

struct sampler {
	struct sampler_bpf *bpf;
	struct bpf_link *idle_link; /* both are attached while sampling is enabled */
	struct bpf_link *fault_link;
	struct bpf_link *fork_link; /* both are attached while children are followed */
	struct bpf_link *exit_link;
	int *event_fds; /* by CPU; -1 if it was offline when the timers were opened */
	int *link_fds;
	uint64_t *seen_entries; /* by CPU: ox_cpu.entries at the last check */
	bool *online;           /* by CPU: scratch of those who look */
	unsigned n_cpus;        /* number of possible CPUs */

	/* The plan that is applied: targets in order of their keys, each key once. */
	struct sampler_target *targets;
	size_t n_targets;
	struct sampler_owner owners[OX_SESSIONS_MAX];
	unsigned n_owners;

	/* Shared with the kernel. */
	struct ox_cpu *cpus;
	struct ox_paces *paces; /* likewise by CPU */
	uint64_t *logs;         /* arena 0, arena 1 */
	uint64_t *indexes;      /* likewise */
	size_t log_words;       /* words of the log of one arena */
	size_t index_slots;

	struct ox_rule *rules; /* shared with the kernel */
	struct sampler_block **blocks;
	uint32_t n_blocks, blocks_max;
	uint64_t grains_used;
	struct ring_buffer *events;
	struct event_reader *event_reader; /* set while events are read */
	struct ring_buffer *parts;
	struct part_reader *part_reader; /* likewise */
};

int sampler_blocks_init(struct sampler *sampler, uint64_t budget_bytes); /* before load */
void sampler_blocks_done(struct sampler *sampler);
int sampler_events_init(struct sampler *sampler);
void sampler_set_layouts(struct sampler *sampler); /* before load */
int sampler_definitions_init(struct sampler *sampler);
void sampler_clear_map(int fd);
void sampler_clear_arena(struct sampler *sampler, unsigned which);
/* Gives the arenas the room in their indexes that the period needs, while they are in use. */
void sampler_grow_arenas(struct sampler *sampler);

/* ---- filter.c ---- */

/* Targets that name the same are one, in order of their keys. Returns -E2BIG if there are too many
 * of one kind. */
int sampler_merge_targets(const struct sampler *sampler, struct sampler_target *targets, size_t n,
			  size_t *ret_n);
/* Changes the filters by their difference to those before. Takes the targets over, which
 * sampler_merge_targets() made. */
int sampler_set_targets(struct sampler *sampler, struct sampler_target *targets, size_t n,
			bool children);
int sampler_follow_children(struct sampler *sampler, bool follow);
/* Returns how many children were counted. */
uint32_t sampler_walk_children(const struct sampler *sampler, const struct ox_children_walk *walk);

/* ---- timers.c ---- */

bool sampler_is_enabled(const struct sampler *sampler);
/* Sets the timers' period. */
int sampler_set_period(struct sampler *sampler, uint64_t period_ns);
