/* SPDX-License-Identifier: MIT */
/*
 * The two arenas from the daemon's side. Invariants:
 * 1. The kernel writes only to arenas[active]; a CPU whose ox_cpu.entries is odd may still write to
 *    the one that was active when it began.
 * 2. An arena that is not active and that no CPU is in has no writer: it is read and cleared
 * without any lock or system call.
 * 3. A slot is written once between two clears, after the record that it points to is whole.
 */
#include <assert.h>
#include <sched.h>
#include <string.h>

#include "daemon/sampler/blocks.h"
#include "daemon/sampler/internal.h"

/* A sample makes up to four records; half the slots stay free, so that probes are short. */
#define SLOTS_PER_SAMPLE 8

/* Computes how many slots of the index the period needs: a power of two. */
static uint64_t count_slots(const struct sampler *sampler)
{
	uint64_t period_ns = sampler->bpf->bss->period_ns, n = OX_SLOT_BLOCK, wanted;

	if (!period_ns)
		return n;
	wanted = sampler->n_cpus * UINT64_C(1000000000) / period_ns * SLOTS_PER_SAMPLE;
	while (n < wanted && n < sampler->index_slots)
		n *= 2;
	return n;
}

void sampler_clear_arena(struct sampler *sampler, unsigned which)
{
	struct ox_arena *arena = &sampler->bpf->bss->arenas[which];

	assert(which < 2);
	memset(sampler->indexes + which * sampler->index_slots, 0, (arena->slot_mask + 1) * 8);
	arena->cursor = 0;
	arena->slot_mask = count_slots(sampler) - 1;
}

/* Slots that were not in use yet are zero. A record that is not found any more is written once
 * more, and each of the two has its own count. */
void sampler_grow_arenas(struct sampler *sampler)
{
	uint64_t mask = count_slots(sampler) - 1;

	for (unsigned which = 0; which < 2; which++)
		if (sampler->bpf->bss->arenas[which].slot_mask < mask)
			__atomic_store_n(&sampler->bpf->bss->arenas[which].slot_mask, mask,
					 __ATOMIC_SEQ_CST);
}

/* Returns the record at a position, 1 + a word offset; NULL if there is none. Positions come from
 * the kernel's own program, yet nothing is read outside of the log. */
static const struct ox_record *record_at(const struct sampler *sampler, unsigned which,
					 uint32_t position)
{
	const uint64_t *log = sampler->logs + which * sampler->log_words;
	const struct ox_record *record;

	assert(which < 2);
	if (!position || position - 1 + OX_HEADER_WORDS > sampler->log_words)
		return NULL;
	record = (const void *)&log[position - 1];
	if (position - 1 + OX_HEADER_WORDS + (record->kind_flags_n & 0xffff) > sampler->log_words)
		return NULL;
	return record;
}

static unsigned record_kind(const struct ox_record *record)
{
	return record->kind_flags_n >> 24;
}

/* Returns the words of a stack, and in *ret_flags how it ends; NULL if there is none of that
 * kind. */
static const uint64_t *read_stack(const struct sampler *sampler, unsigned which, uint32_t position,
				  enum ox_record_kind kind, uint32_t *ret_n, unsigned *ret_flags)
{
	const struct ox_record *record = record_at(sampler, which, position);

	*ret_n = *ret_flags = 0;
	if (!record || record_kind(record) != kind)
		return NULL;
	*ret_n = record->kind_flags_n & 0xffff;
	*ret_flags = record->kind_flags_n >> 16 & 0xff;
	return (const uint64_t *)(record + 1);
}

static int drain_record(const struct sampler *sampler, unsigned which,
			const struct ox_record *record, sampler_fn fn, void *userdata)
{
	const struct ox_sample *id = (const void *)(record + 1);
	struct sampler_sample sample = {
		.id = id,
		.count = record->count,
		.first_ns = record->first_ns,
	};
	unsigned flags;

	sample.kernel = read_stack(sampler, which, id->kernel_stack, OX_RECORD_STACK,
				   &sample.n_kernel, &flags);
	sample.kernel_cut = flags == OX_STOP_CUT;
	sample.user =
		read_stack(sampler, which, id->user_stack, OX_RECORD_STACK, &sample.n_user, &flags);
	sample.end = flags < OX_N_STOPS ? flags : OX_STOP_BROKEN;
	sample.python = read_stack(sampler, which, id->python_stack, OX_RECORD_PYTHON,
				   &sample.n_python, &flags);
	sample.python_end = flags <= OX_PYTHON_BROKEN ? flags : OX_PYTHON_BROKEN;
	return fn(userdata, &sample);
}

void sampler_quiesce(struct sampler *sampler)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned cpu = 0; cpu < sampler->n_cpus; cpu++) {
		const uint64_t *entries = &sampler->cpus[cpu].entries;
		uint64_t seen = __atomic_load_n(entries, __ATOMIC_SEQ_CST);

		/* A tick takes microseconds, unless a virtual CPU is descheduled in the middle of
		 * it. */
		while (seen & 1 && __atomic_load_n(entries, __ATOMIC_SEQ_CST) == seen)
			sched_yield();
	}
}

void sampler_swap(struct sampler *sampler)
{
	uint32_t *active = &sampler->bpf->bss->active;

	__atomic_store_n(active, !*active, __ATOMIC_SEQ_CST);
	sampler_quiesce(sampler);
}

static int arena_fill(const struct sampler *sampler, unsigned which)
{
	uint64_t full = sampler->bpf->bss->arenas[which].cursor * 100 / sampler->log_words;

	return full > 100 ? 100 : (int)full;
}

int sampler_fill(const struct sampler *sampler)
{
	return arena_fill(sampler, sampler->bpf->bss->active & 1);
}

int sampler_foreach(const struct sampler *sampler, sampler_fn fn, void *userdata)
{
	unsigned which = !sampler->bpf->bss->active;
	const uint64_t *slots = sampler->indexes + which * sampler->index_slots;
	uint64_t n_slots = sampler->bpf->bss->arenas[which].slot_mask + 1;
	int failed = 0;

	assert(fn);
	for (uint64_t i = 0; i < n_slots; i++) {
		const struct ox_record *record =
			slots[i] ? record_at(sampler, which, (uint32_t)slots[i]) : NULL;

		if (record && record_kind(record) == OX_RECORD_SAMPLE && record->count) {
			int r = drain_record(sampler, which, record, fn, userdata);

			if (r < 0 && !failed)
				failed = r;
		}
	}
	return failed ?: arena_fill(sampler, which);
}

void sampler_clear(struct sampler *sampler)
{
	sampler_clear_arena(sampler, !sampler->bpf->bss->active);
}
