/* SPDX-License-Identifier: MIT */
/*
 * The stack store: a record of words goes in, its position in the log comes out, the same position
 * for the same words. Open addressing over an index of 8-byte slots, tag << 32 | position; what a
 * slot points to is complete before the slot is written (compare-and-swap), so a reader on another
 * CPU never sees half a record. Two CPUs that bring the same new record at once both write it, one
 * wins the slot, the other's copy is never referenced.
 *
 * The functions are global (not static) so that the verifier checks each once, on its own.
 */
#pragma once

static __always_inline struct chunk *log_chunk(__u32 which, __u32 position)
{
	__u32 key = which * log_chunks + position / OX_CHUNK_WORDS;

	return bpf_map_lookup_elem(&logs, &key);
}

static __always_inline __u64 *index_slot(__u32 which, __u32 n)
{
	__u32 key = which * slot_blocks + n / OX_SLOT_BLOCK;
	struct slot_block *block = bpf_map_lookup_elem(&indexes, &key);

	return block ? &block->slots[n & (OX_SLOT_BLOCK - 1)] : 0;
}

static __always_inline struct ox_cpu *cpu_get(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&cpus, &cpu);
}

static __always_inline struct scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

/* Returns the hash of n words of the scratch, from a word on. */
__noinline __u64 record_hash(__u32 from, __u32 n)
{
	struct scratch *scratch = scratch_get();
	__u64 hash = hash_seed ^ n;

	if (!scratch)
		return 0;
	for (__u32 i = 0; i < OX_RECORD_WORDS_MAX && i < n; i++) {
		hash = (hash ^ scratch->words[(from + i) & (SCRATCH_WORDS - 1)]) *
		       0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash ^ hash >> 32;
}

/* True if the record at the position has this head and the words of the scratch. */
__noinline int record_equal(__u32 which, __u32 position, __u32 from, __u32 head)
{
	struct chunk *chunk = log_chunk(which & 1, position);
	struct scratch *scratch = scratch_get();
	__u32 n = head & 0xffff;

	if (!chunk || !scratch)
		return 0;
	if ((__u32)chunk->words[position & (OX_CHUNK_WORDS - 1)] != head)
		return 0;
	position += OX_HEADER_WORDS;
	for (__u32 i = 0; i < OX_RECORD_WORDS_MAX && i < n; i++)
		if (chunk->words[(position + i) & (OX_CHUNK_WORDS - 1)] !=
		    scratch->words[(from + i) & (SCRATCH_WORDS - 1)])
			return 0;
	return 1;
}

/* Writes the record to the end of the log. Returns its position + 1, 0 where the log is full. */
__noinline __u32 record_append(__u32 which, __u32 from, __u32 head, __u32 tag)
{
	__u32 n = head & 0xffff, total = n + OX_HEADER_WORDS, position = 0;
	struct scratch *scratch = scratch_get();
	struct chunk *chunk;

	which &= 1;
	if (!scratch || n > OX_RECORD_WORDS_MAX)
		return 0;
	/* A record that would cross the end of a chunk leaves a hole there. */
	for (int try = 0; try < 4; try++) {
		position = __sync_fetch_and_add(&arenas[which].cursor, total);
		if ((position & (OX_CHUNK_WORDS - 1)) + total <= OX_CHUNK_WORDS)
			break;
	}
	if ((position & (OX_CHUNK_WORDS - 1)) + total > OX_CHUNK_WORDS)
		return 0;
	if (position / OX_CHUNK_WORDS >= log_chunks)
		return 0;
	chunk = log_chunk(which, position);
	if (!chunk)
		return 0;
	chunk->words[position & (OX_CHUNK_WORDS - 1)] = (__u64)tag << 32 | head;
	chunk->words[(position + 1) & (OX_CHUNK_WORDS - 1)] = 0;
	chunk->words[(position + 2) & (OX_CHUNK_WORDS - 1)] = bpf_ktime_get_ns();
	for (__u32 i = 0; i < OX_RECORD_WORDS_MAX && i < n; i++)
		chunk->words[(position + OX_HEADER_WORDS + i) & (OX_CHUNK_WORDS - 1)] =
			scratch->words[(from + i) & (SCRATCH_WORDS - 1)];
	return position + 1;
}

/* Counts a loss of the sessions that take the sample in the scratch. */
static __always_inline void sample_lose(__u32 loss)
{
	struct scratch *scratch = scratch_get();
	struct ox_sample *sample;

	if (!scratch)
		return;
	sample = (void *)&scratch->words[SCRATCH_SAMPLE];
	sessions_lose(sample->sessions, loss);
}

/* Finds or writes a record of the sample in the scratch. Returns its position + 1, or 0 where it
 * could not be kept: the losses say why. */
__noinline __u32 record_intern(__u32 which, __u32 from, __u32 head)
{
	__u64 hash = record_hash(from, head & 0xffff);
	__u32 mask = arenas[which & 1].slot_mask, tag = hash >> 32, mine = 0;

	for (__u32 i = 0; i < OX_PROBE_LIMIT; i++) {
		__u64 *slot = index_slot(which, ((__u32)hash + i) & mask), seen;

		if (!slot)
			break;
		seen = *(volatile __u64 *)slot;
		if (!seen) {
			if (!mine)
				mine = record_append(which, from, head, tag);
			if (!mine) {
				sample_lose(OX_LOST_FULL);
				return 0;
			}
			seen = __sync_val_compare_and_swap(slot, 0, (__u64)tag << 32 | mine);
			if (!seen)
				return mine;
		}
		if (seen >> 32 == tag && record_equal(which, (__u32)seen - 1, from, head))
			return (__u32)seen;
	}
	sample_lose(OX_LOST_CROWDED);
	return 0;
}
