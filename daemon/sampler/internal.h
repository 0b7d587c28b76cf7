/* SPDX-License-Identifier: MIT */
/* Shared by the files of this folder alone. */
#pragma once

#include <bpf/libbpf.h>

#include "bpf/rule.h"
#include "daemon/sampler/sampler.h"
#include "sampler.skel.h"

struct sampler {
	struct sampler_bpf *bpf;
	struct bpf_link *idle_link; /* both are attached while sampling is enabled */
	struct bpf_link *fault_link;
	struct bpf_link *fork_link; /* both are attached while children are followed */
	struct bpf_link *exit_link;
	int *event_fds; /* by CPU; -1 if it was offline when the timers were opened */
	int *link_fds;
	unsigned n_cpus; /* number of possible CPUs */
	uint64_t interval_ns;

	/* Shared with the kernel. */
	struct ox_cpu *cpus;
	uint64_t *logs;    /* arena 0, arena 1 */
	uint64_t *indexes; /* likewise */
	size_t log_words;  /* words of the log of one arena */
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
