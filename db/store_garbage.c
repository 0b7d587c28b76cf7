/* SPDX-License-Identifier: MIT */
/*
 * Finds and deletes rows that nothing refers to any more. A reader finds them, while the store goes
 * on writing; so from before the reader's snapshot on the store notes each row that it finds or
 * adds, and these are not deleted. A row that is neither in the snapshot's references nor noted is
 * referred to by nobody, and nobody knows its id.
 */
#include "db/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "daemon/base/clock.h"

struct store_garbage {
	struct id_set sets[N_STORE_KEPT];
};

/* Referring rows come before those that they refer to: what is deleted in this order leaves no
 * reference to nothing behind, whenever it ends. */
static const struct sweep {
	enum sql list;
	enum store_kept kept;
	unsigned n_refers; /* columns behind the id */
	enum store_kept refers[2];
	enum sql drop;
} sweeps[] = {
	{SQL_SWEEP_SETS, KEPT_SET, 0, {}, SQL_DROP_SET},
	{SQL_SWEEP_TASKS, KEPT_TASK, 1, {KEPT_PROCESS}, SQL_DROP_TASK},
	{SQL_SWEEP_PROCESSES, KEPT_PROCESS, 0, {}, SQL_DROP_PROCESS},
	{SQL_SWEEP_NODES, KEPT_NODE, 2, {KEPT_NODE, KEPT_FRAME}, SQL_DROP_NODE},
	{SQL_SWEEP_FRAMES, KEPT_FRAME, 1, {KEPT_FUNCTION}, SQL_DROP_FRAME},
	{SQL_SWEEP_FUNCTIONS, KEPT_FUNCTION, 0, {}, SQL_DROP_FUNCTION},
};

static void marks_done(struct id_set (*marks)[N_STORE_KEPT])
{
	for (size_t i = 0; i < N_STORE_KEPT; i++)
		id_set_done(&(*marks)[i]);
}

struct store_garbage *store_garbage_free(struct store_garbage *garbage)
{
	if (garbage)
		marks_done(&garbage->sets);
	free(garbage);
	return NULL;
}

define_cleanup(struct store_garbage *, store_garbage_free);

/* ---- finding ---- */

/* Marks the rows in the columns of the statement's row from `first` on. */
static int mark_columns(struct store *store, struct id_set marks[], sqlite3_stmt *row, int first,
			const enum store_kept refers[], unsigned n)
{
	int r = 0;

	for (unsigned i = 0; i < n && r == 0; i++)
		r = store_mark(store, &marks[refers[i]], sqlite3_column_int64(row, first + (int)i));
	return r;
}

/* Marks what samples refer to. */
static int mark_samples(struct store *store, struct id_set marks[])
{
	static const enum store_kept refers[] = {KEPT_SET, KEPT_TASK, KEPT_NODE};
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_LIST_REFERRED];
	int r;

	while ((r = store_step(store, statement)) > 0) {
		r = mark_columns(store, marks, statement, 0, refers, array_length(refers));
		if (r < 0)
			return r;
	}
	return r;
}

/* Takes the rows of a table that are not marked as garbage, and marks what the others refer to. */
static int sweep_table(struct store *store, const struct sweep *sweep, struct id_set marks[],
		       struct id_set *garbage)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[sweep->list];
	int r;

	while ((r = store_step(store, statement)) > 0) {
		int64_t id = sqlite3_column_int64(statement, 0);

		r = id_set_has(&marks[sweep->kept], id)
			    ? mark_columns(store, marks, statement, 1, sweep->refers,
					   sweep->n_refers)
			    : store_mark(store, garbage, id);
		if (r < 0)
			return r;
	}
	return r;
}

int store_find_garbage(struct store *reader, struct store_garbage **ret)
{
	_cleanup_(store_garbage_free_p) struct store_garbage *garbage = calloc(1, sizeof(*garbage));
	_cleanup_(marks_done) struct id_set marks[N_STORE_KEPT] = {};
	int r;

	assert(reader->reads);
	if (!garbage)
		return store_fail(reader, SQLITE_NOMEM);
	r = mark_samples(reader, marks);
	for (size_t i = 0; i < array_length(sweeps) && r == 0; i++)
		r = sweep_table(reader, &sweeps[i], marks, &garbage->sets[sweeps[i].kept]);
	if (r < 0)
		return r;
	*ret = take_ptr(garbage);
	return 0;
}

/* ---- deleting ---- */

int store_begin_garbage(struct store *store)
{
	assert(!store->reads && !store->noted && sqlite3_get_autocommit(store->db));
	store->noted = calloc(N_STORE_KEPT, sizeof(*store->noted));
	return store->noted ? 0 : store_fail(store, SQLITE_NOMEM);
}

static int drop_row(struct store *store, enum sql sql, int64_t id)
{
	sqlite3_bind_int64(store->statements[sql], 1, id);
	return store_fetch(store, store->statements[sql], NULL);
}

static int drop_one(struct store *store, const struct sweep *sweep, int64_t id)
{
	int r = 0;

	if (id_set_has(&store->noted[sweep->kept], id))
		return 0;
	if (sweep->kept == KEPT_SET)
		r = drop_row(store, SQL_DROP_MEMBERS, id);
	return r < 0 ? r : drop_row(store, sweep->drop, id);
}

static int drop_some(struct store *store, struct store_garbage *garbage, uint64_t end_ns)
{
	for (size_t i = 0; i < array_length(sweeps); i++) {
		int64_t id;

		while ((id = id_set_take_last(&garbage->sets[sweeps[i].kept]))) {
			int r = drop_one(store, &sweeps[i], id);

			if (r < 0)
				return r;
			if (clock_monotonic_ns() >= end_ns)
				return 1;
		}
	}
	return 0;
}

int store_garbage_step(struct store *store, struct store_garbage *garbage, uint64_t budget_usec)
{
	uint64_t end_ns = clock_monotonic_ns() + budget_usec * 1000;
	int r;

	assert(store->noted);
	r = store_begin_step(store);
	return r < 0 ? r : store_end_step(store, drop_some(store, garbage, end_ns));
}
