/* SPDX-License-Identifier: MIT */
/* The processes whose ranges the kernel side has, and what a range says of its table. */
#include <assert.h>
#include <stdlib.h>

#include "daemon/unwinder/internal.h"

struct unwound **unwound_slot(const struct unwinder *unwinder, uint32_t pid)
{
	struct unwound *const *slot = &unwinder->unwound[pid % UNWOUND_BUCKETS];

	while (*slot && (*slot)->pid != pid)
		slot = &(*slot)->next;
	return (struct unwound **)slot;
}

struct unwound *unwound_get(struct unwinder *unwinder, uint32_t pid)
{
	struct unwound **slot = unwound_slot(unwinder, pid);

	if (!*slot) {
		*slot = calloc(1, sizeof(**slot));
		if (*slot)
			(*slot)->pid = pid;
	}
	return *slot;
}

void unwound_remove(struct unwound **slot)
{
	struct unwound *unwound = *slot;

	assert(unwound);
	*slot = unwound->next;
	free(unwound->files);
	free(unwound);
}

void unwinder_forget_processes(struct unwinder *unwinder)
{
	for (size_t i = 0; i < UNWOUND_BUCKETS; i++)
		while (unwinder->unwound[i])
			unwound_remove(&unwinder->unwound[i]);
}

void range_set_table(struct ox_range *range, const struct unwind_file *file)
{
	const struct unwind_table *table = file ? file->table : NULL;

	if (!table) {
		__atomic_store_n(&range->pages, 0, __ATOMIC_RELEASE);
		range->n_pages =
			file && file->state != TABLE_NONE ? OX_RANGE_WAITING : OX_RANGE_NO_FILE;
		return;
	}
	/* The kernel side may be reading: so the word that says that there is a table comes
	 * last. */
	range->first_page = table->pack.first_page;
	range->n_pages = table->pack.n_pages;
	__atomic_store_n(&range->pages, table->pages, __ATOMIC_RELEASE);
}

static struct ox_range *unwound_ranges(const struct unwinder *unwinder,
				       const struct unwound *unwound)
{
	return (struct ox_range *)sampler_blocks_at(unwinder->sampler, unwound->ranges);
}

void unwinder_set_ranges(struct unwinder *unwinder, uint32_t number)
{
	assert(number < unwinder->states_size);
	for (size_t i = 0; i < UNWOUND_BUCKETS; i++)
		for (struct unwound *at = unwinder->unwound[i]; at; at = at->next)
			for (uint32_t k = 0; k < at->n_ranges; k++)
				if (at->files[k] == number)
					range_set_table(&unwound_ranges(unwinder, at)[k],
							&unwinder->states[number]);
}

uint64_t unwinder_file_used_ns(const struct unwinder *unwinder, uint32_t number)
{
	uint64_t used_ns = 0;

	for (size_t i = 0; i < UNWOUND_BUCKETS; i++)
		for (const struct unwound *at = unwinder->unwound[i]; at; at = at->next)
			for (uint32_t k = 0; k < at->n_ranges && at->used_ns > used_ns; k++)
				if (at->files[k] == number)
					used_ns = at->used_ns;
	return used_ns;
}

void unwinder_ask_again(struct unwinder *unwinder, uint32_t number)
{
	for (size_t i = 0; i < UNWOUND_BUCKETS; i++)
		for (struct unwound *at = unwinder->unwound[i]; at; at = at->next)
			for (uint32_t k = 0; k < at->n_ranges; k++)
				at->asks_again |= at->files[k] == number;
}
