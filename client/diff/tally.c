/* SPDX-License-Identifier: MIT */
#include "client/diff/tally.h"

#include <assert.h>
#include <errno.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

#define SLOTS_MAX 64

/* Counts by function; those behind the end are 0. */
struct counts {
	uint64_t *at;
	size_t size;
};

struct tally_slot {
	uint64_t start_usec;
	uint64_t usec;
	struct counts total;
};

struct tally {
	struct graph_names *names;
	uint64_t hits;
	struct counts self;
	struct counts total;
	struct tally_slot *slots; /* by the numbers of the profile, 0: unknown time; finished: those
			       that are left */
	size_t slots_size;
	size_t n_slots;
	struct graph_memo functions;
	uint32_t *seen_by; /* the last hit in which a function was seen */
	size_t seen_size;
	uint32_t hit;
};

static int counts_add(struct counts *counts, uint32_t function, uint64_t n)
{
	int r = array_reserve(counts->at, counts->size, (size_t)function + 1);

	if (r < 0)
		return r;
	counts->at[function] += n;
	return 0;
}

static uint64_t counts_get(const struct counts *counts, uint32_t function)
{
	return function < counts->size ? counts->at[function] : 0;
}

static int counts_move(struct counts *from, struct counts *to)
{
	int r = array_reserve(to->at, to->size, from->size);

	if (r < 0)
		return r;
	for (size_t i = 0; i < from->size; i++)
		to->at[i] += from->at[i];
	free(from->at);
	*from = (struct counts){0};
	return 0;
}

struct tally *tally_new(struct graph_names *names)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (tally)
		tally->names = graph_names_ref(names);
	return tally;
}

struct tally *tally_free(struct tally *tally)
{
	if (tally) {
		for (size_t i = 0; i < tally->slots_size; i++)
			free(tally->slots[i].total.at);
		free(tally->slots);
		free(tally->self.at);
		free(tally->total.at);
		graph_memo_done(&tally->functions);
		free(tally->seen_by);
		graph_names_unref(tally->names);
		free(tally);
	}
	return NULL;
}

/* Notes that this hit has the function. Returns 1 if that is new, 0 or -ENOMEM. */
static int mark_seen(struct tally *tally, uint32_t function)
{
	int r = array_reserve(tally->seen_by, tally->seen_size, (size_t)function + 1);

	if (r < 0 || tally->seen_by[function] == tally->hit)
		return r;
	tally->seen_by[function] = tally->hit;
	return 1;
}

static int count_frame(struct tally *tally, uint32_t function, const struct profile_hit *hit)
{
	int r = mark_seen(tally, function);

	if (r <= 0)
		return r;
	r = counts_add(&tally->total, function, hit->n);
	return r < 0 ? r : counts_add(&tally->slots[hit->slot].total, function, hit->n);
}

static int count_node(struct tally *tally, const struct profile *profile, uint32_t node,
		      const struct profile_hit *hit)
{
	const struct profile_frame *frame = profile_frame(profile, profile_frame_of(profile, node));
	uint32_t function;
	int r = graph_names_find(tally->names, &tally->functions, profile, frame, &function);

	if (r < 0)
		return r;
	if (node == hit->node) {
		r = counts_add(&tally->self, function, hit->n);
		if (r < 0)
			return r;
	}
	return count_frame(tally, function, hit);
}

int tally_add(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct tally *tally = userdata;
	int r = array_reserve(tally->slots, tally->slots_size, (size_t)hit->slot + 1);

	/* Nothing is added after tally_finish(). */
	assert(tally->n_slots == 0);
	if (r < 0 || !hit->node)
		return r;
	tally->hits += hit->n;
	/* After 2^32 hits an old mark would look like a new one. */
	if (++tally->hit == 0 && tally->seen_size > 0)
		memset(tally->seen_by, 0, tally->seen_size * sizeof(*tally->seen_by));
	tally->hit += tally->hit == 0;
	for (uint32_t node = hit->node; node; node = profile_parent(profile, node)) {
		r = count_node(tally, profile, node, hit);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_slots(const void *a, const void *b)
{
	const struct tally_slot *left = a, *right = b;

	return (left->start_usec > right->start_usec) - (left->start_usec < right->start_usec);
}

/* Sets the times of the slots and sorts them. Slot 0, whose samples have no known time, gets the
 * observed time that is in no other slot. */
static int date_slots(struct tally *tally, const struct profile *profile)
{
	uint64_t observed_usec = profile_summary(profile)->observed_usec, known_usec = 0;
	int r;

	tally->n_slots = (size_t)profile_count_slots(profile) + 1;
	r = array_reserve(tally->slots, tally->slots_size, tally->n_slots);
	if (r < 0)
		return r;
	for (size_t i = 1; i < tally->n_slots; i++) {
		const struct profile_slot *slot = profile_slot(profile, (uint32_t)i);

		tally->slots[i].start_usec = slot->start_usec;
		tally->slots[i].usec = slot->usec;
		known_usec += slot->usec;
	}
	if (observed_usec > known_usec)
		tally->slots[0].usec = observed_usec - known_usec;
	qsort(tally->slots, tally->n_slots, sizeof(*tally->slots), compare_slots);
	return 0;
}

/* Splits time without samples into slots about as long as others: it must not be one that is as
 * long as all of them. */
static int split_quiet(struct tally *tally, uint64_t step_usec)
{
	uint64_t usec = tally->slots[0].usec;
	size_t n = step_usec ? (size_t)(usec / step_usec) : 0, at = tally->n_slots;
	int r;

	if (tally->slots[0].total.size > 0 || n < 2)
		return 0;
	n = n > SLOTS_MAX ? SLOTS_MAX : n;
	r = array_reserve(tally->slots, tally->slots_size, at + n - 1);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n - 1; i++)
		tally->slots[at + i].usec = usec / n;
	tally->slots[0].usec = usec - usec / n * (n - 1);
	tally->n_slots = at + n - 1;
	return 0;
}

static int merge_slots(struct tally *tally, uint64_t least_usec)
{
	size_t last = 0;
	int r;

	for (size_t i = 1; i < tally->n_slots; i++) {
		struct tally_slot *slot = &tally->slots[i];

		if (tally->slots[last].usec >= least_usec) {
			if (++last == i)
				continue;
			free(tally->slots[last].total.at);
			tally->slots[last] = *slot;
			slot->total = (struct counts){0};
			continue;
		}
		tally->slots[last].usec += slot->usec;
		r = counts_move(&slot->total, &tally->slots[last].total);
		if (r < 0)
			return r;
	}
	tally->n_slots = last + 1;
	/* The last slot has none behind it to be merged with. */
	if (last == 0 || tally->slots[last].usec >= least_usec)
		return 0;
	tally->n_slots--;
	tally->slots[last - 1].usec += tally->slots[last].usec;
	return counts_move(&tally->slots[last].total, &tally->slots[last - 1].total);
}

int tally_finish(struct tally *tally, const struct profile *profile, uint64_t step_usec)
{
	uint64_t all_usec = 0, least_usec;
	int r;

	assert(tally->n_slots == 0);
	r = date_slots(tally, profile);
	if (r < 0)
		return r;
	r = split_quiet(tally, step_usec);
	if (r < 0)
		return r;
	for (size_t i = 0; i < tally->n_slots; i++)
		all_usec += tally->slots[i].usec;
	least_usec = all_usec / SLOTS_MAX + 1;
	if (least_usec < step_usec / 2)
		least_usec = step_usec / 2;
	r = merge_slots(tally, least_usec);
	if (r < 0)
		return r;
	if (tally->slots[0].usec == 0)
		tally->slots[0].usec = 1;
	return 0;
}

uint64_t tally_hits(const struct tally *tally)
{
	return tally->hits;
}

uint64_t tally_self(const struct tally *tally, uint32_t function)
{
	return counts_get(&tally->self, function);
}

uint64_t tally_total(const struct tally *tally, uint32_t function)
{
	return counts_get(&tally->total, function);
}

size_t tally_count_slots(const struct tally *tally)
{
	return tally->n_slots;
}

uint64_t tally_slot_usec(const struct tally *tally, size_t slot)
{
	assert(slot < tally->n_slots);
	return tally->slots[slot].usec;
}

uint64_t tally_slot_total(const struct tally *tally, size_t slot, uint32_t function)
{
	assert(slot < tally->n_slots);
	return counts_get(&tally->slots[slot].total, function);
}
