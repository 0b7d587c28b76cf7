/* SPDX-License-Identifier: MIT */
/* Goes on with another database, since the one in use was deleted, moved or replaced. Rows are
 * found or added there as they are written; the sessions that run have their rows already. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/recorder/internal.h"

/* Returns the new number of a session; 0: it has none. */
static int64_t find_move(const struct recorder_move *moves, size_t n, int64_t from)
{
	for (size_t i = 0; i < n; i++)
		if (moves[i].from == from)
			return moves[i].to;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Makes the key of a set in the other store. A set that is not there gets one that no other has, so
 * that indexes stay. Returns its length. */
static size_t move_key(const struct recorder *recorder, uint32_t index,
		       const struct recorder_move *moves, size_t n, int64_t ret[])
{
	size_t bytes;
	const int64_t *ids = table_get_key(recorder->sets.table, index, &bytes);

	for (size_t i = 0; i < bytes / sizeof(*ids); i++) {
		ret[i] = find_move(moves, n, ids[i]);
		if (!ret[i]) {
			ret[0] = -1 - (int64_t)index;
			return sizeof(*ids);
		}
	}
	qsort(ret, bytes / sizeof(*ids), sizeof(*ids), compare_ids);
	return bytes;
}

static int move_sets(struct recorder *recorder, const struct recorder_move *moves, size_t n)
{
	struct table *moved = table_new();
	int64_t ids[OX_SESSIONS_MAX];
	int r = moved ? 0 : -ENOMEM;

	for (uint32_t i = 0; r >= 0 && i < table_count(recorder->sets.table); i++) {
		uint32_t index;

		r = table_intern(moved, ids, move_key(recorder, i, moves, n, ids), &index);
		assert(r < 0 || index == i);
	}
	if (r < 0) {
		table_free(moved);
		return r;
	}
	table_free(recorder->sets.table);
	recorder->sets.table = moved;
	recorder->set_mask = 0;
	return 0;
}

int recorder_move(struct recorder *recorder, struct store *store, const struct recorder_move *moves,
		  size_t n)
{
	int r = move_sets(recorder, moves, n);

	if (r < 0)
		return r;
	recorder->store = store;
	for (unsigned i = 0; i < OX_SESSIONS_MAX; i++) {
		struct recorder_session *session = recorder->slots[i];
		int64_t to = session ? find_move(moves, n, session->totals.session) : 0;

		if (to)
			session->totals.session = to;
	}
	recorder_forget_rows(recorder);
	return 0;
}
