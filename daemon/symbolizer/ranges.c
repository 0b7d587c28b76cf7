/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/ranges.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

struct value_range {
	uint64_t start;
	uint64_t end;
	uint32_t value;
	uint32_t order; /* the larger one was added later */
};

/* The value that holds from start on, up to the next piece. */
struct piece {
	uint64_t start;
	uint32_t value;
};

struct ranges {
	struct value_range *added;
	size_t n_added;
	size_t added_size;
	struct piece *pieces; /* sorted */
	size_t n_pieces;
	size_t pieces_size;
};

/* The ranges that cover the current address, the latest on top; one that has ended is removed when
 * it comes to the top. */
struct heap {
	const struct value_range **entries;
	size_t n;
};

struct ranges *ranges_new(void)
{
	return calloc(1, sizeof(struct ranges));
}

struct ranges *ranges_free(struct ranges *ranges)
{
	if (!ranges)
		return NULL;
	free(ranges->added);
	free(ranges->pieces);
	free(ranges);
	return NULL;
}

int ranges_add(struct ranges *ranges, uint64_t start, uint64_t size, uint32_t value)
{
	int r;

	assert(ranges->n_pieces == 0);
	if (size == 0 || start > UINT64_MAX - size)
		return 0;
	if (ranges->n_added >= RANGES_MAX)
		return -E2BIG;
	r = array_reserve(ranges->added, ranges->added_size, ranges->n_added + 1);
	if (r < 0)
		return r;
	ranges->added[ranges->n_added] =
		(struct value_range){start, start + size, value, ranges->n_added};
	ranges->n_added++;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct value_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void heap_push(struct heap *heap, const struct value_range *range)
{
	size_t at = heap->n++;

	for (; at > 0 && heap->entries[(at - 1) / 2]->order < range->order; at = (at - 1) / 2)
		heap->entries[at] = heap->entries[(at - 1) / 2];
	heap->entries[at] = range;
}

static void heap_pop(struct heap *heap)
{
	const struct value_range *last;
	size_t at = 0;

	assert(heap->n > 0);
	last = heap->entries[--heap->n];
	for (size_t child; (child = 2 * at + 1) < heap->n; at = child) {
		if (child + 1 < heap->n &&
		    heap->entries[child + 1]->order > heap->entries[child]->order)
			child++;
		if (heap->entries[child]->order <= last->order)
			break;
		heap->entries[at] = heap->entries[child];
	}
	heap->entries[at] = last;
}

static int add_piece(struct ranges *ranges, uint64_t start, uint32_t value)
{
	struct piece *last = ranges->n_pieces ? &ranges->pieces[ranges->n_pieces - 1] : NULL;
	int r;

	if (last ? last->value == value : value == RANGES_NONE)
		return 0;
	r = array_reserve(ranges->pieces, ranges->pieces_size, ranges->n_pieces + 1);
	if (r < 0)
		return r;
	ranges->pieces[ranges->n_pieces++] = (struct piece){start, value};
	return 0;
}

/* Makes the pieces, going from border to border: only there can another range come to hold. */
static int lay_out(struct ranges *ranges, struct heap *heap)
{
	uint64_t at = 0;
	size_t next = 0;
	int r = 0;

	while (r == 0) {
		while (next < ranges->n_added && ranges->added[next].start <= at)
			heap_push(heap, &ranges->added[next++]);
		while (heap->n > 0 && heap->entries[0]->end <= at)
			heap_pop(heap);
		r = add_piece(ranges, at, heap->n ? heap->entries[0]->value : RANGES_NONE);
		if (heap->n == 0 && next == ranges->n_added)
			break;
		at = heap->n ? heap->entries[0]->end : UINT64_MAX;
		if (next < ranges->n_added && ranges->added[next].start < at)
			at = ranges->added[next].start;
	}
	return r;
}

int ranges_sort(struct ranges *ranges)
{
	_cleanup_free_ const struct value_range **entries =
		calloc(ranges->n_added + 1, sizeof(*entries));
	struct heap heap = {.entries = entries};
	int r;

	assert(ranges->n_pieces == 0);
	if (!entries)
		return -ENOMEM;
	if (ranges->n_added > 0)
		qsort(ranges->added, ranges->n_added, sizeof(*ranges->added), compare_ranges);
	r = lay_out(ranges, &heap);
	free(ranges->added);
	ranges->added = NULL;
	ranges->n_added = ranges->added_size = 0;
	return r;
}

uint32_t ranges_find(const struct ranges *ranges, uint64_t address)
{
	size_t n = array_upper_bound(ranges->pieces, ranges->n_pieces, .start, address);

	assert(ranges->n_added == 0);
	return n > 0 ? ranges->pieces[n - 1].value : RANGES_NONE;
}

size_t ranges_bytes(const struct ranges *ranges)
{
	return sizeof(*ranges) + ranges->added_size * sizeof(*ranges->added) +
	       ranges->pieces_size * sizeof(*ranges->pieces);
}
