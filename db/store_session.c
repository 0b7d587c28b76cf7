/* SPDX-License-Identifier: MIT */
/*
 * Sessions, the sets of them that took the same samples, and the samples. What was added is kept in
 * the tail until the commit: the sums of the sessions, and which sets have windows to be rolled up.
 */
#include "db/internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/clock.h"

/* Checks what the SQL has as numbers. */
static_assert(OX_WINDOW_USEC == 10000000, "queries and views count in windows of 10 s");

static int no_memory(struct store *store)
{
	return store_fail(store, SQLITE_NOMEM);
}

/* Says what is not there. Returns -ENOENT. */
static int not_there(struct store *store, const char *what, int64_t id)
{
	snprintf(store->error, sizeof(store->error), "%s: no %s %" PRId64, store->path, what, id);
	return -ENOENT;
}

/* ---- the tail ---- */

static int read_rolled(struct store *store, struct store_tail *tail)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_FIND_ROLLED];
	int r = store_step(store, statement);

	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	tail->rolled = sqlite3_column_int64(statement, 0);
	tail->begun = sqlite3_column_int64(statement, 1);
	return 0;
}

/* Reads how far windows are rolled up. Which sets had some that are not, nobody knows any more. */
int store_read_tail(struct store *store)
{
	struct store_tail *tail = &store->tail;
	int r;

	assert(!store->reads);
	if (tail->is_read)
		return 0;
	r = read_rolled(store, tail);
	if (r < 0)
		return r;
	if (!tail->sets)
		tail->sets = table_new();
	if (!tail->sets)
		return no_memory(store);
	tail->latest = tail->rolled;
	tail->has_all = true;
	tail->is_read = true;
	return 0;
}

static int check_set(struct store *store, int64_t set)
{
	sqlite3_stmt *statement = store->statements[SQL_HAS_SET];
	int r;

	sqlite3_bind_int64(statement, 1, set);
	r = store_fetch(store, statement, NULL);
	return r == 0 ? not_there(store, "set", set) : r;
}

/* Finds the set in the tail or takes it in, if there is one. */
static int tail_take(struct store *store, int64_t set, uint32_t *ret_index)
{
	struct store_tail *tail = &store->tail;
	int r;

	if (table_find(tail->sets, &set, sizeof(set), ret_index) == 0)
		return 0;
	r = check_set(store, set);
	if (r < 0)
		return r;
	r = array_reserve(tail->n, tail->n_size, (size_t)table_count(tail->sets) + 1);
	if (r == 0)
		r = table_intern(tail->sets, &set, sizeof(set), ret_index);
	if (r < 0)
		return no_memory(store);
	tail->n[*ret_index] = 0;
	return 0;
}

static int64_t tail_set(const struct store_tail *tail, uint32_t index)
{
	int64_t set;

	memcpy(&set, table_get_key(tail->sets, index, NULL), sizeof(set));
	return set;
}

/* Takes a set out of those that wait, where nothing of it does any more: its windows are rolled up,
 * but for those that came since the last flush. */
static int tail_keep_fresh(struct store *store)
{
	struct store_tail *tail = &store->tail;
	uint32_t n = table_count(tail->sets), kept = 0;
	_cleanup_free_ int64_t *sets = calloc(n + 1, sizeof(*sets));

	if (!sets)
		return no_memory(store);
	for (uint32_t i = 0; i < n; i++)
		if (tail->n[i]) {
			sets[kept] = tail_set(tail, i);
			tail->n[kept++] = tail->n[i];
		}
	table_clear(tail->sets);
	for (uint32_t i = 0; i < kept; i++) {
		uint32_t index;

		if (table_intern(tail->sets, &sets[i], sizeof(sets[i]), &index) < 0)
			return no_memory(store);
		assert(index == i);
	}
	return 0;
}

/* Returns the first window to be rolled up. */
static int64_t roll_from(const struct store_tail *tail)
{
	return tail->rolled > tail->begun ? tail->rolled : tail->begun;
}

static int roll_set(struct store *store, int64_t set)
{
	sqlite3_stmt *statement = store->statements[SQL_ROLL_SET];

	sqlite3_bind_int64(statement, 1, set);
	sqlite3_bind_int64(statement, 2, roll_from(&store->tail));
	sqlite3_bind_int64(statement, 3, store->tail.latest);
	return store_fetch(store, statement, NULL);
}

static int roll_sets(struct store *store)
{
	sqlite3_stmt *all = store->statements[SQL_ROLL_ALL];
	struct store_tail *tail = &store->tail;
	int r = 0;

	if (tail->has_all) {
		sqlite3_bind_int64(all, 1, roll_from(tail));
		sqlite3_bind_int64(all, 2, tail->latest);
		return store_fetch(store, all, NULL);
	}
	for (uint32_t i = 0; i < table_count(tail->sets) && r >= 0; i++)
		r = roll_set(store, tail_set(tail, i));
	return r;
}

/* Rolls up the windows that are over. */
static int tail_roll(struct store *store)
{
	sqlite3_stmt *statement = store->statements[SQL_SET_ROLLED];
	struct store_tail *tail = &store->tail;
	int r;

	assert(tail->rolled <= tail->latest);
	if (tail->latest == tail->rolled)
		return 0;
	r = roll_sets(store);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, tail->latest);
	r = store_fetch(store, statement, NULL);
	if (r < 0)
		return r;
	tail->rolled = tail->latest;
	tail->has_all = false;
	return tail_keep_fresh(store);
}

static int add_set_samples(struct store *store, int64_t set, uint64_t n, uint64_t now_usec)
{
	sqlite3_stmt *statement = store->statements[SQL_ADD_SET_SAMPLES];

	sqlite3_bind_int64(statement, 1, set);
	sqlite3_bind_int64(statement, 2, n);
	sqlite3_bind_int64(statement, 3, now_usec);
	return store_fetch(store, statement, NULL);
}

int store_flush_tail(struct store *store)
{
	struct store_tail *tail = &store->tail;
	uint64_t now_usec = clock_realtime_usec();
	int r = tail->is_read ? tail_roll(store) : 0;

	if (r < 0 || !tail->is_read)
		return r;
	for (uint32_t i = 0; i < table_count(tail->sets); i++) {
		if (!tail->n[i])
			continue;
		r = add_set_samples(store, tail_set(tail, i), tail->n[i], now_usec);
		if (r < 0)
			return r;
		tail->n[i] = 0;
	}
	return 0;
}

void store_drop_tail(struct store *store)
{
	store->tail.is_read = false;
	if (store->tail.sets)
		table_clear(store->tail.sets);
}

/* ---- samples ---- */

static int add_sample(struct store *store, enum sql sql, int64_t set, uint32_t window, int64_t task,
		      int64_t node, uint64_t n)
{
	sqlite3_stmt *statement = store->statements[sql];

	sqlite3_bind_int64(statement, 1, set);
	sqlite3_bind_int64(statement, 2, window);
	sqlite3_bind_int64(statement, 3, task);
	sqlite3_bind_int64(statement, 4, node);
	sqlite3_bind_int64(statement, 5, n);
	return store_fetch(store, statement, NULL);
}

int store_add_sample(struct store *store, int64_t set, uint32_t window, int64_t task, int64_t node,
		     uint64_t n)
{
	uint32_t index;
	int r = store_read_tail(store);

	assert(set > 0 && task > 0 && node >= 0 && n > 0);
	if (r < 0)
		return r;
	r = tail_take(store, set, &index);
	if (r < 0)
		return r;
	r = add_sample(store, SQL_ADD_SAMPLE, set, window, task, node, n);
	if (r < 0)
		return r;
	if (window >= store->tail.begun && window < store->tail.rolled)
		r = add_sample(store, SQL_ADD_HOUR_SAMPLE, set, window, task, node, n);
	if (r < 0)
		return r;
	store->tail.n[index] += n;
	if (window > store->tail.latest)
		store->tail.latest = window;
	store->written = window;
	if (window < store->oldest)
		store->oldest = window;
	return sqlite3_get_autocommit(store->db) ? store_flush_tail(store) : 0;
}

int store_add_loss(struct store *store, int64_t session, uint32_t window, const char *reason,
		   uint64_t n)
{
	sqlite3_stmt *statement = store->statements[SQL_ADD_LOSS];

	sqlite3_bind_int64(statement, 1, session);
	sqlite3_bind_int64(statement, 2, window);
	store_bind_text(statement, 3, reason);
	sqlite3_bind_int64(statement, 4, n);
	return store_fetch(store, statement, NULL);
}

/* ---- sessions ---- */

int store_add_session(struct store *store, const struct store_session *session, int64_t *ret_id)
{
	sqlite3_stmt *statement = store->statements[SQL_ADD_SESSION];

	sqlite3_bind_int64(statement, 1, session->started_usec);
	store_bind_text(statement, 2, session->mode);
	sqlite3_bind_int64(statement, 3, session->interval_ns);
	store_bind_text(statement, 4, session->targets);
	sqlite3_bind_int64(statement, 5, session->owner);
	return store_fetch_id(store, statement, ret_id);
}

int store_set_session_targets(struct store *store, int64_t id, const char *targets)
{
	sqlite3_stmt *statement = store->statements[SQL_SET_SESSION_TARGETS];
	int r;

	sqlite3_bind_int64(statement, 1, id);
	store_bind_text(statement, 2, targets);
	r = store_fetch(store, statement, NULL);
	return r == 0 ? not_there(store, "session", id) : r < 0 ? r : 0;
}

/* Writes so little that it fits into the reserve that store_begin() keeps free. */
int store_end_session(struct store *store, int64_t session, uint64_t ended_usec)
{
	sqlite3_stmt *statement = store->statements[SQL_END_SESSION];
	int r;

	sqlite3_bind_int64(statement, 1, session);
	sqlite3_bind_int64(statement, 2, ended_usec);
	r = store_fetch(store, statement, NULL);
	return r == 0 ? not_there(store, "session", session) : r < 0 ? r : 0;
}

int store_end_left_sessions(struct store *store)
{
	sqlite3_stmt *statement = store->statements[SQL_FIND_LEFT_SESSION];

	for (int n = 0;; n++) {
		int64_t session, ended;
		int r = store_step(store, statement);

		session = sqlite3_column_int64(statement, 0);
		ended = sqlite3_column_int64(statement, 1);
		sqlite3_reset(statement);
		if (r == 0)
			return n;
		if (r > 0)
			r = store_end_session(store, session, ended);
		if (r < 0)
			return r;
	}
}

/* ---- sets of sessions ---- */

static int add_member(struct store *store, int64_t set, int64_t session)
{
	sqlite3_stmt *statement = store->statements[SQL_ADD_MEMBER];
	int r;

	sqlite3_bind_int64(statement, 1, session);
	sqlite3_bind_int64(statement, 2, set);
	r = store_fetch(store, statement, NULL);
	return r == 0 ? not_there(store, "session", session) : r < 0 ? r : 0;
}

static int add_set(struct store *store, const char *text, const int64_t *sessions, size_t n,
		   int64_t *ret_set)
{
	sqlite3_stmt *statement = store->statements[SQL_ADD_SET];
	int64_t set;
	int r;

	store_bind_text(statement, 1, text);
	r = store_fetch_id(store, statement, &set);
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_member(store, set, sessions[i]);
	if (r < 0)
		return r;
	*ret_set = set;
	return 0;
}

int store_add_set(struct store *store, const int64_t *sessions, size_t n, int64_t *ret_set)
{
	sqlite3_stmt *statement = store->statements[SQL_FIND_SET];
	_cleanup_free_ char *text = calloc(n, sizeof("9223372036854775807"));
	char *end = text;
	int r;

	assert(n > 0);
	if (!text)
		return no_memory(store);
	for (size_t i = 0; i < n; i++) {
		assert(sessions[i] > (i ? sessions[i - 1] : 0));
		end += sprintf(end, "%s%" PRId64, i ? " " : "", sessions[i]);
	}
	store_bind_text(statement, 1, text);
	r = store_fetch(store, statement, ret_set);
	if (r == 0)
		r = add_set(store, text, sessions, n, ret_set);
	return r < 0 ? r : store_note(store, KEPT_SET, *ret_set);
}
