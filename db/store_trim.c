/* SPDX-License-Identifier: MIT */
/*
 * Deletes the oldest windows. First the oldest window of each set, and of each session's losses, is
 * looked up; from then on the oldest of all goes, some rows at a time. An hour is no longer summed
 * up when its first window goes, so that invariant 1 holds after each step. A session keeps its
 * sums.
 */
#include "db/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/array.h"
#include "daemon/base/clock.h"

#define ROWS_AT_ONCE 64  /* some tenths of a millisecond */
#define LIST_AT_ONCE 256 /* likewise */

/* A set, or the losses of a session, and the oldest window of it. */
struct oldest {
	int64_t t;
	int64_t id;
	bool is_loss;
};

struct store_trim {
	struct store *store;
	struct oldest *heap; /* when all are listed: the oldest of all is the first one */
	size_t n, size;
	enum { TRIM_LIST_SETS, TRIM_LIST_LOSSES, TRIM_DELETE } phase;
	int64_t listed;         /* the last id */
	int64_t oldest, newest; /* windows, when all were listed */
	int64_t last;           /* the window of which rows were deleted last; 0: none */
};

struct store_trim *store_trim_new(struct store *store)
{
	struct store_trim *trim = calloc(1, sizeof(*trim));

	if (trim)
		trim->store = store;
	return trim;
}

struct store_trim *store_trim_free(struct store_trim *trim)
{
	if (trim)
		free(trim->heap);
	free(trim);
	return NULL;
}

/* ---- the heap ---- */

static void swap(struct oldest *a, struct oldest *b)
{
	struct oldest kept = *a;

	*a = *b;
	*b = kept;
}

/* Moves the entry down to below none that is younger. */
static void heap_sink(struct store_trim *trim, size_t at)
{
	for (;;) {
		size_t left = 2 * at + 1, first = at;

		for (size_t child = left; child < left + 2 && child < trim->n; child++)
			if (trim->heap[child].t < trim->heap[first].t)
				first = child;
		if (first == at)
			return;
		swap(&trim->heap[at], &trim->heap[first]);
		at = first;
	}
}

static void heap_make(struct store_trim *trim)
{
	for (size_t i = trim->n / 2; i-- > 0;)
		heap_sink(trim, i);
}

/* Gives the first entry its next window; -1: it has none. */
static void heap_advance(struct store_trim *trim, int64_t t)
{
	assert(trim->n > 0);
	if (t < 0)
		trim->heap[0] = trim->heap[--trim->n];
	else
		trim->heap[0].t = t;
	heap_sink(trim, 0);
}

/* ---- listing ---- */

static int add_listed(struct store_trim *trim, sqlite3_stmt *statement, bool is_loss)
{
	trim->listed = sqlite3_column_int64(statement, 0);
	if (sqlite3_column_type(statement, 1) == SQLITE_NULL)
		return 0;
	if (array_reserve(trim->heap, trim->size, trim->n + 1) < 0)
		return store_fail(trim->store, SQLITE_NOMEM);
	trim->heap[trim->n++] = (struct oldest){
		.t = sqlite3_column_int64(statement, 1), .id = trim->listed, .is_loss = is_loss};
	return 0;
}

/* Lists some more, and goes over to the next phase behind the last one. */
static int list_some(struct store_trim *trim)
{
	bool is_loss = trim->phase == TRIM_LIST_LOSSES;
	_cleanup_statement_ sqlite3_stmt *statement =
		trim->store->statements[is_loss ? SQL_LIST_OLDEST_LOSSES : SQL_LIST_OLDEST_SAMPLES];
	int r, n;

	sqlite3_bind_int64(statement, 1, trim->listed);
	sqlite3_bind_int64(statement, 2, LIST_AT_ONCE);
	for (n = 0; (r = store_step(trim->store, statement)) > 0; n++) {
		r = add_listed(trim, statement, is_loss);
		if (r < 0)
			return r;
	}
	if (r < 0 || n == LIST_AT_ONCE)
		return r;
	trim->listed = 0;
	trim->phase++;
	if (trim->phase == TRIM_DELETE) {
		heap_make(trim);
		trim->oldest = trim->n ? trim->heap[0].t : 0;
		trim->newest = trim->store->tail.latest;
	}
	return 0;
}

/* ---- deleting ---- */

/* Says that windows up to the end of this one's hour are in no hour any more. */
static int leave_hour(struct store *store, int64_t t)
{
	sqlite3_stmt *statement = store->statements[SQL_SET_BEGUN];
	int64_t begun = (t / STORE_HOUR_WINDOWS + 1) * STORE_HOUR_WINDOWS;
	int r;

	if (begun <= store->tail.begun)
		return 0;
	sqlite3_bind_int64(statement, 1, begun);
	r = store_fetch(store, statement, NULL);
	if (r < 0)
		return r;
	store->tail.begun = begun;
	return 0;
}

/* Deletes some rows of a window, or of its hour. Returns how many there were, or a negative errno.
 */
static int take_rows(struct store *store, enum sql sql, const struct oldest *from)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[sql];
	int r, n;

	sqlite3_bind_int64(statement, 1, from->id);
	sqlite3_bind_int64(statement, 2, from->t);
	sqlite3_bind_int64(statement, 3, ROWS_AT_ONCE);
	for (n = 0; (r = store_step(store, statement)) > 0;)
		n++;
	return r < 0 ? r : n;
}

/* Deletes some rows of a window, after those of its hour. Returns 1 where there may be more, 0
 * where there are none, or a negative errno. */
static int take_samples(struct store *store, const struct oldest *from)
{
	int r = leave_hour(store, from->t);

	if (r < 0)
		return r;
	r = take_rows(store, SQL_TAKE_HOURS, from);
	if (r == 0) {
		r = take_rows(store, SQL_TAKE_SAMPLES, from);
		return r < ROWS_AT_ONCE ? r < 0 ? r : 0 : 1;
	}
	return r < 0 ? r : 1;
}

static int add_lost(struct store *store, int64_t session, sqlite3_stmt *row)
{
	sqlite3_stmt *statement = store->statements[SQL_ADD_LOST];

	sqlite3_bind_int64(statement, 1, session);
	sqlite3_bind_value(statement, 2, sqlite3_column_value(row, 0));
	sqlite3_bind_int64(statement, 3, sqlite3_column_int64(row, 1));
	return store_fetch(store, statement, NULL);
}

/* Deletes the losses of a window, of which there are not many. Returns 0 or a negative errno. */
static int take_losses(struct store *store, const struct oldest *from)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_TAKE_LOSSES];
	int r;

	sqlite3_bind_int64(statement, 1, from->id);
	sqlite3_bind_int64(statement, 2, from->t);
	while ((r = store_step(store, statement)) > 0) {
		r = add_lost(store, from->id, statement);
		if (r < 0)
			return r;
	}
	return r;
}

static int find_next(struct store *store, const struct oldest *of, int64_t *ret_t)
{
	sqlite3_stmt *statement =
		store->statements[of->is_loss ? SQL_FIND_OLDEST_LOSS : SQL_FIND_OLDEST_SAMPLE];

	sqlite3_bind_int64(statement, 1, of->id);
	sqlite3_bind_int64(statement, 2, of->t);
	return store_fetch_id(store, statement, ret_t);
}

/* Deletes some rows of the oldest window. The window that is being written stays: its samples would
 * go as they come, and nobody would know. */
static int delete_some(struct store_trim *trim)
{
	struct store *store = trim->store;
	const struct oldest oldest = trim->heap[0];
	int64_t next = -1;
	int r = 0;

	if (oldest.t != store->written) {
		trim->last = oldest.t;
		r = oldest.is_loss ? take_losses(store, &oldest) : take_samples(store, &oldest);
	}
	if (r != 0)
		return r < 0 ? r : 0;
	r = find_next(store, &oldest, &next);
	if (r < 0)
		return r;
	heap_advance(trim, next);
	return 0;
}

/* True if a window is gone and no row of the next one. */
static bool is_between(const struct store_trim *trim)
{
	return trim->phase == TRIM_DELETE && trim->last && trim->n && trim->heap[0].t > trim->last;
}

bool store_trim_is_whole(const struct store_trim *trim)
{
	return trim->phase != TRIM_DELETE || !trim->n || trim->heap[0].t > trim->last;
}

/* Does one thing after the other until the time is over, or a window is gone. */
static int step(struct store_trim *trim, uint64_t end_ns)
{
	int r = store_read_tail(trim->store);

	while (r >= 0 && (trim->phase != TRIM_DELETE || trim->n > 0)) {
		r = trim->phase == TRIM_DELETE ? delete_some(trim) : list_some(trim);
		if (r >= 0 && (clock_monotonic_ns() >= end_ns || is_between(trim)))
			return 1;
	}
	return r < 0 ? r : 0;
}

int store_trim_step(struct store_trim *trim, uint64_t budget_usec)
{
	uint64_t end_ns = clock_monotonic_ns() + budget_usec * 1000;
	int r = store_begin_step(trim->store);

	if (r < 0)
		return r;
	r = store_end_step(trim->store, step(trim, end_ns));
	if (r < 0)
		store_drop_tail(trim->store); /* what it has was rolled back */
	if (r >= 0 && trim->phase == TRIM_DELETE)
		trim->store->oldest = trim->n ? trim->heap[0].t : 0;
	return r;
}

unsigned store_trim_percent(const struct store_trim *trim)
{
	int64_t span = trim->newest + 1 - trim->oldest;
	int64_t now = trim->n ? trim->heap[0].t : trim->newest + 1;

	if (trim->phase != TRIM_DELETE || span <= 0)
		return 0;
	return now < trim->newest ? (unsigned)((now - trim->oldest) * 100 / span) : 100;
}
