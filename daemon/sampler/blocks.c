/* SPDX-License-Identifier: MIT */
#include "daemon/sampler/blocks.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "daemon/base/cleanup.h"
#include "daemon/sampler/internal.h"

/* Allocations are multiples of this, the size of a range, which must not lie across its own
 * size. */
#define GRAIN_WORDS OX_RANGE_WORDS
#define GRAINS      (OX_BLOCK_WORDS / GRAIN_WORDS)
#define GRAIN_BYTES (GRAIN_WORDS * 4)
#define BLOCK_BYTES (OX_BLOCK_WORDS * 4)
/* A new block waits some 10 ms for all CPUs; several at once do not wait longer. */
#define BLOCKS_AT_ONCE 4

struct sampler_block {
	uint32_t *words; /* shared with the kernel */
	uint32_t n_used; /* number of grains in use */
	uint8_t used[GRAINS];
};

static uint32_t count_grains(uint32_t n_words)
{
	return (n_words + GRAIN_WORDS - 1) / GRAIN_WORDS;
}

/* Finds n free grains in a row. Returns the first one, or GRAINS if there are not so many. */
static uint32_t block_find_room(const struct sampler_block *block, uint32_t n)
{
	uint32_t first = 0;

	if (GRAINS - block->n_used < n)
		return GRAINS;
	for (uint32_t i = 0; i < GRAINS; i++) {
		if (block->used[i])
			first = i + 1;
		else if (i + 1 - first == n)
			return first;
	}
	return GRAINS;
}

static int block_new(int *ret_fd, struct sampler_block **ret)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "unwind_block",
						sizeof(uint32_t), BLOCK_BYTES, 1, &opts);
	struct sampler_block *block = calloc(1, sizeof(*block));
	void *words = fd < 0 ? MAP_FAILED
			     : mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (!block || words == MAP_FAILED) {
		free(block);
		return -ENOMEM;
	}
	block->words = words;
	*ret = block;
	*ret_fd = take_fd(&fd);
	return 0;
}

static void block_free(struct sampler_block *block)
{
	munmap(block->words, BLOCK_BYTES);
	free(block);
}

/* Adds at least one block. The kernel's map holds it; the descriptor is not needed further. */
static int blocks_grow(struct sampler *sampler)
{
	uint32_t keys[BLOCKS_AT_ONCE], n = 0, first = sampler->n_blocks;
	int fds[BLOCKS_AT_ONCE], r = 0;

	while (n < BLOCKS_AT_ONCE && first + n < sampler->blocks_max && r == 0) {
		r = block_new(&fds[n], &sampler->blocks[first + n]);
		if (r == 0) {
			keys[n] = first + n;
			n++;
		}
	}
	if (n == 0)
		return r < 0 ? r : -ENOSPC;
	r = bpf_map_update_batch(bpf_map__fd(sampler->bpf->maps.blocks), keys, fds, &n, NULL);
	for (uint32_t i = 0; i < n; i++)
		close(fds[i]);
	sampler->n_blocks += n;
	/* Index 0 means "none", so the first grain is never given out. */
	if (first == 0 && n > 0) {
		sampler->blocks[0]->used[0] = 1;
		sampler->blocks[0]->n_used = 1;
	}
	return n > 0 ? 0 : r;
}

int sampler_blocks_alloc(struct sampler *sampler, uint32_t n_words, uint32_t *ret_index)
{
	uint32_t n = count_grains(n_words);

	assert(n_words > 0 && n_words <= OX_BLOCK_WORDS);
	for (uint32_t i = 0;; i++) {
		struct sampler_block *block;
		uint32_t first;

		if (i == sampler->n_blocks) {
			int r = blocks_grow(sampler);

			if (r < 0)
				return r;
		}
		block = sampler->blocks[i];
		first = block_find_room(block, n);
		if (first == GRAINS)
			continue;
		memset(block->used + first, 1, n);
		block->n_used += n;
		sampler->grains_used += n;
		*ret_index = i * OX_BLOCK_WORDS + first * GRAIN_WORDS;
		return 0;
	}
}

void sampler_blocks_free_block(struct sampler *sampler, uint32_t index, uint32_t n_words)
{
	uint32_t n = count_grains(n_words);
	struct sampler_block *block;

	assert(index > 0 && index % GRAIN_WORDS == 0 && index / OX_BLOCK_WORDS < sampler->n_blocks);
	block = sampler->blocks[index / OX_BLOCK_WORDS];
	assert(block->used[index % OX_BLOCK_WORDS / GRAIN_WORDS] && block->n_used >= n);
	memset(block->used + index % OX_BLOCK_WORDS / GRAIN_WORDS, 0, n);
	block->n_used -= n;
	sampler->grains_used -= n;
}

uint32_t *sampler_blocks_at(struct sampler *sampler, uint32_t index)
{
	assert(index / OX_BLOCK_WORDS < sampler->n_blocks);
	return sampler->blocks[index / OX_BLOCK_WORDS]->words + index % OX_BLOCK_WORDS;
}

uint64_t sampler_blocks_bytes(const struct sampler *sampler)
{
	return sampler->n_blocks * (uint64_t)BLOCK_BYTES;
}

uint64_t sampler_blocks_used(const struct sampler *sampler)
{
	return sampler->grains_used * GRAIN_BYTES;
}

uint64_t sampler_blocks_budget(const struct sampler *sampler)
{
	return sampler->blocks_max * (uint64_t)BLOCK_BYTES;
}

int sampler_blocks_init(struct sampler *sampler, uint64_t budget_bytes)
{
	sampler->blocks_max = budget_bytes / BLOCK_BYTES ?: 1;
	sampler->blocks = calloc(sampler->blocks_max, sizeof(struct sampler_block *));
	if (!sampler->blocks)
		return -ENOMEM;
	return bpf_map__set_max_entries(sampler->bpf->maps.blocks, sampler->blocks_max);
}

void sampler_blocks_done(struct sampler *sampler)
{
	for (uint32_t i = 0; i < sampler->n_blocks; i++)
		block_free(sampler->blocks[i]);
	free(sampler->blocks);
}

struct ox_rule *sampler_rules(struct sampler *sampler)
{
	return sampler->rules;
}

/* ---- processes ---- */

int sampler_get_process(struct sampler *sampler, uint32_t pid, struct ox_process *ret)
{
	return bpf_map_lookup_elem(bpf_map__fd(sampler->bpf->maps.processes), &pid, ret);
}

int sampler_set_process(struct sampler *sampler, uint32_t pid, const struct ox_process *process)
{
	return bpf_map_update_elem(bpf_map__fd(sampler->bpf->maps.processes), &pid, process,
				   BPF_EXIST);
}

int sampler_add_process(struct sampler *sampler, uint32_t pid, const struct ox_process *process)
{
	return bpf_map_update_elem(bpf_map__fd(sampler->bpf->maps.processes), &pid, process,
				   BPF_NOEXIST);
}

void sampler_drop_process(struct sampler *sampler, uint32_t pid)
{
	(void)bpf_map_delete_elem(bpf_map__fd(sampler->bpf->maps.processes), &pid);
}

void sampler_drop_processes(struct sampler *sampler)
{
	sampler_clear_map(bpf_map__fd(sampler->bpf->maps.processes));
}
