/* SPDX-License-Identifier: MIT */
/* Samples added up by task and node: the query that has to be fast over millions of rows. */
#include "db/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Far enough for every clock, and near enough for sums with it. */
#define USEC_MAX (INT64_C(1) << 62)

struct hit {
	int64_t task; /* 0: the slot is free, ids begin with 1 */
	int64_t node;
	uint64_t n;
};

/* Open addressing, a power of two, never more than half full. */
struct hit_table {
	struct hit *slots;
	size_t size;
	size_t n;
};

static void hits_done(struct hit_table *hits)
{
	free(hits->slots);
}

static struct hit *hits_find(const struct hit_table *hits, int64_t task, int64_t node)
{
	/* Ids are given by the database, nobody outside can aim them at one chain. */
	uint64_t hash = ((uint64_t)node * 0x9e3779b97f4a7c15) ^ ((uint64_t)task << 32 | task);
	size_t at;

	assert(hits->n < hits->size && !(hits->size & (hits->size - 1)));
	hash *= 0xff51afd7ed558ccd;
	for (at = hash >> 32; hits->slots[at & (hits->size - 1)].task; at++) {
		struct hit *slot = &hits->slots[at & (hits->size - 1)];

		if (slot->task == task && slot->node == node)
			return slot;
	}
	return &hits->slots[at & (hits->size - 1)];
}

static int hits_grow(struct hit_table *hits)
{
	struct hit_table larger = {.size = hits->size ? hits->size * 2 : 4096, .n = hits->n};

	larger.slots = calloc(larger.size, sizeof(larger.slots[0]));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < hits->size; i++)
		if (hits->slots[i].task)
			*hits_find(&larger, hits->slots[i].task, hits->slots[i].node) =
				hits->slots[i];
	free(hits->slots);
	*hits = larger;
	return 0;
}

static int hits_add(struct hit_table *hits, int64_t task, int64_t node, uint64_t n)
{
	struct hit *slot;
	int r;

	if (hits->n * 2 >= hits->size) {
		r = hits_grow(hits);
		if (r < 0)
			return r;
	}
	slot = hits_find(hits, task, node);
	if (!slot->task) {
		*slot = (struct hit){.task = task, .node = node};
		hits->n++;
	}
	slot->n += n;
	return 0;
}

static int on_row(void *userdata, const struct store_slot_hits *row)
{
	return hits_add(userdata, row->task, row->node, row->n);
}

static int64_t usec_limit(uint64_t usec)
{
	return usec < (uint64_t)USEC_MAX ? (int64_t)usec : USEC_MAX;
}

void store_bind_range(sqlite3_stmt *statement, const struct store_range *range)
{
	sqlite3_bind_int64(statement, 1, usec_limit(range->since_usec));
	sqlite3_bind_int64(statement, 2, usec_limit(range->until_usec));
	sqlite3_bind_int64(statement, 3, range->session);
}

int store_find_cover(struct store *store, const struct store_range *range, uint64_t *ret_since,
		     uint64_t *ret_until)
{
	bool all = range->owner == UINT32_MAX;
	_cleanup_statement_ sqlite3_stmt *statement =
		store->statements[all ? SQL_FIND_COVER : SQL_FIND_OWNER_COVER];
	int r;

	store_bind_range(statement, range);
	if (!all)
		sqlite3_bind_int64(statement, 4, range->owner);
	r = store_step(store, statement);
	if (r < 0)
		return r;
	/* A column is NULL where there is no row, which reads as 0. */
	*ret_since = sqlite3_column_int64(statement, 0);
	*ret_until = sqlite3_column_int64(statement, 1);
	return 0;
}

int store_foreach_hits(struct store *store, const struct store_range *range, store_hits_fn fn,
		       void *userdata, uint64_t *ret_since_usec, uint64_t *ret_until_usec)
{
	_cleanup_(hits_done) struct hit_table hits = {};
	int r = store_foreach_slot_hits(store, range, STORE_ALL_WINDOWS, on_row, &hits);

	assert(fn && ret_since_usec && ret_until_usec);
	if (r == -ENOMEM)
		return store_fail(store, SQLITE_NOMEM);
	if (r < 0)
		return r;
	for (size_t i = 0; i < hits.size; i++) {
		const struct hit *hit = &hits.slots[i];

		r = hit->task ? fn(userdata, hit->task, hit->node, hit->n) : 0;
		if (r < 0)
			return r;
	}
	return store_find_cover(store, range, ret_since_usec, ret_until_usec);
}

int store_foreach_slot_hits(struct store *store, const struct store_range *range, uint64_t windows,
			    store_slot_hits_fn fn, void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_LIST_SLOT_HITS];
	int r;

	assert(fn && windows > 0);
	store_bind_range(statement, range);
	sqlite3_bind_int64(statement, 4, windows);
	while ((r = store_step(store, statement)) > 0) {
		struct store_slot_hits hits = {
			.slot = sqlite3_column_int64(statement, 0),
			.task = sqlite3_column_int64(statement, 1),
			.node = sqlite3_column_int64(statement, 2),
			.n = sqlite3_column_int64(statement, 3),
		};

		r = fn(userdata, &hits);
		if (r < 0)
			return r;
	}
	return r;
}
