/* SPDX-License-Identifier: MIT */
#include "daemon/export/hits.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"

#define FRESH_MAX ((size_t)1 << 18) /* sorted in some 50 ms */

struct export_hits {
	struct export_hit
		*hits; /* n_sorted ones that are sorted and distinct, then the fresh ones */
	size_t n_sorted;
	size_t n;
	size_t size;
};

struct export_hits *export_hits_new(void)
{
	return calloc(1, sizeof(struct export_hits));
}

struct export_hits *export_hits_free(struct export_hits *hits)
{
	if (hits)
		free(hits->hits);
	free(hits);
	return NULL;
}

static int compare_hits(const void *a, const void *b)
{
	const struct export_hit *left = a, *right = b;

	if (left->node != right->node)
		return left->node < right->node ? -1 : 1;
	if (left->task != right->task)
		return left->task < right->task ? -1 : 1;
	return (left->slot > right->slot) - (left->slot < right->slot);
}

/* Adds up neighbours that are equal. Returns how many hits are left. */
static size_t hits_unite(struct export_hit *hits, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept && !compare_hits(&hits[kept - 1], &hits[i]))
			hits[kept - 1].n += hits[i].n;
		else
			hits[kept++] = hits[i];
	}
	return kept;
}

/* Adds each fresh hit that has an equal known one to that one, and moves the others together.
 * Returns how many these are. Both arrays are sorted. */
static size_t hits_absorb(struct export_hit *known, size_t n_known, struct export_hit *fresh,
			  size_t n_fresh)
{
	size_t kept = 0, at = 0;

	for (size_t i = 0; i < n_fresh; i++) {
		while (at < n_known && compare_hits(&known[at], &fresh[i]) < 0)
			at++;
		if (at < n_known && !compare_hits(&known[at], &fresh[i]))
			known[at].n += fresh[i].n;
		else
			fresh[kept++] = fresh[i];
	}
	return kept;
}

/* Merges the fresh hits into `known`, which has room for both. It is filled from its end, so that
 * no hit is overwritten before it was moved. */
static void hits_merge(struct export_hit *known, size_t n_known, const struct export_hit *fresh,
		       size_t n_fresh)
{
	while (n_fresh > 0) {
		bool take = !n_known || compare_hits(&known[n_known - 1], &fresh[n_fresh - 1]) < 0;

		known[n_known + n_fresh - 1] = take ? fresh[n_fresh - 1] : known[n_known - 1];
		n_fresh -= take;
		n_known -= !take;
	}
}

static int hits_sort(struct export_hits *hits)
{
	_cleanup_free_ struct export_hit *fresh = NULL;
	size_t n = hits->n - hits->n_sorted;

	if (!n)
		return 0;
	fresh = malloc(n * sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	memcpy(fresh, hits->hits + hits->n_sorted, n * sizeof(*fresh));
	qsort(fresh, n, sizeof(*fresh), compare_hits);
	n = hits_unite(fresh, n);
	n = hits_absorb(hits->hits, hits->n_sorted, fresh, n);
	hits_merge(hits->hits, hits->n_sorted, fresh, n);
	hits->n = hits->n_sorted += n;
	assert(hits->n <= hits->size);
	return 0;
}

/* Makes room for one more. Beyond FRESH_MAX the array grows by as much, not by a share of itself
 * as with array_reserve(): no more than that is ever unused. */
static int hits_grow(struct export_hits *hits)
{
	size_t size = hits->size + (hits->size < FRESH_MAX ? hits->size + 1024 : FRESH_MAX);
	struct export_hit *grown;

	if (hits->n < hits->size)
		return 0;
	grown = reallocarray(hits->hits, size, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	hits->hits = grown;
	hits->size = size;
	return 0;
}

int export_hits_add(struct export_hits *hits, const struct export_hit *hit)
{
	int r;

	if (hits->n - hits->n_sorted >= FRESH_MAX) {
		r = hits_sort(hits);
		if (r < 0)
			return r;
	}
	r = hits_grow(hits);
	if (r < 0)
		return r;
	hits->hits[hits->n++] = *hit;
	assert(hits->n <= hits->size && hits->n - hits->n_sorted <= FRESH_MAX);
	return 0;
}

int export_hits_get(struct export_hits *hits, const struct export_hit **ret, size_t *ret_n)
{
	int r = hits_sort(hits);

	if (r < 0)
		return r;
	*ret = hits->hits;
	*ret_n = hits->n;
	return 0;
}
