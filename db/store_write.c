/* SPDX-License-Identifier: MIT */
#include "db/internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "daemon/base/api.h"
#include "daemon/base/clock.h"

/* Checks the two that the SQL has as numbers. */
static_assert(OX_WINDOW_USEC == 10000000, "queries and views count in windows of 10 s");
static_assert(FRAME_NATIVE == 0 && FRAME_KERNEL == 1 && FRAME_PYTHON == 2, "function.kind_name");

/* Runs an INSERT ... RETURNING id, or anything else that gives exactly one number. */
static int fetch_id(struct store *store, sqlite3_stmt *statement, int64_t *ret_id)
{
	int r = store_fetch(store, statement, ret_id);

	return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

/* ---- the session that is written to ---- */

static int tail_take(struct store *store, int64_t session)
{
	sqlite3_stmt *statement = store->statements[SQL_FIND_SESSION];
	int64_t rolled;
	int r;

	assert(!store->reads && session > 0);
	if (store->tail.session == session)
		return 0;
	r = store_flush_tail(store);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, session);
	r = fetch_id(store, statement, &rolled);
	if (r == -ENOENT)
		snprintf(store->error, sizeof(store->error), "%s: no session %lld", store->path,
			 (long long)session);
	if (r < 0)
		return r;
	store->tail = (struct store_tail){
		.session = session,
		.rolled = rolled,
		.latest = rolled,
	};
	return 0;
}

static int roll(struct store *store, int64_t session, int64_t from, int64_t to)
{
	sqlite3_stmt *statement = store->statements[SQL_ROLL_SESSION];

	sqlite3_bind_int64(statement, 1, session);
	sqlite3_bind_int64(statement, 2, from);
	sqlite3_bind_int64(statement, 3, to);
	return store_fetch(store, statement, NULL);
}

int store_flush_tail(struct store *store)
{
	sqlite3_stmt *statement = store->statements[SQL_UPDATE_SESSION];
	struct store_tail *tail = &store->tail;
	int r = 0;

	assert(tail->rolled <= tail->latest);
	if (!tail->session || (!tail->n && tail->latest == tail->rolled))
		return 0;
	if (tail->latest > tail->rolled)
		r = roll(store, tail->session, tail->rolled, tail->latest);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, tail->session);
	sqlite3_bind_int64(statement, 2, tail->n);
	sqlite3_bind_int64(statement, 3, tail->latest);
	sqlite3_bind_int64(statement, 4, clock_realtime_usec());
	r = store_fetch(store, statement, NULL);
	if (r < 0)
		return r;
	tail->rolled = tail->latest;
	tail->n = 0;
	return 0;
}

static int add_sample(struct store *store, enum sql sql, uint32_t window, int64_t task,
		      int64_t node, uint64_t n)
{
	sqlite3_stmt *statement = store->statements[sql];

	sqlite3_bind_int64(statement, 1, store->tail.session);
	sqlite3_bind_int64(statement, 2, window);
	sqlite3_bind_int64(statement, 3, task);
	sqlite3_bind_int64(statement, 4, node);
	sqlite3_bind_int64(statement, 5, n);
	return store_fetch(store, statement, NULL);
}

int store_add_sample(struct store *store, int64_t session, uint32_t window, int64_t task,
		     int64_t node, uint64_t n)
{
	int r = tail_take(store, session);

	assert(task > 0 && node >= 0);
	if (r < 0)
		return r;
	r = add_sample(store, SQL_ADD_SAMPLE, window, task, node, n);
	if (r < 0)
		return r;
	if (window < store->tail.rolled)
		r = add_sample(store, SQL_ADD_HOUR_SAMPLE, window, task, node, n);
	if (r < 0)
		return r;
	store->tail.n += n;
	if (window > store->tail.latest)
		store->tail.latest = window;
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
	return fetch_id(store, statement, ret_id);
}

/* Ends a session: all its windows are over now, the last one too. */
static int session_end(struct store *store, int64_t session, uint64_t ended_usec)
{
	sqlite3_stmt *last = store->statements[SQL_FIND_LAST_WINDOW];
	sqlite3_stmt *end = store->statements[SQL_END_SESSION];
	int64_t window = -1;
	int r = tail_take(store, session);

	if (r < 0)
		return r;
	sqlite3_bind_int64(last, 1, session);
	r = fetch_id(store, last, &window);
	if (r < 0)
		return r;
	if (window >= store->tail.latest)
		store->tail.latest = window + 1;
	r = store_flush_tail(store);
	if (r < 0)
		return r;
	sqlite3_bind_int64(end, 1, session);
	sqlite3_bind_int64(end, 2, ended_usec);
	return store_fetch(store, end, NULL);
}

/* Writes so little that it fits into the reserve that store_begin() keeps free. */
int store_end_session(struct store *store, int64_t session, uint64_t ended_usec)
{
	bool alone = sqlite3_get_autocommit(store->db);
	int r = alone ? store_execute(store, "BEGIN IMMEDIATE") : 0;

	if (r < 0)
		return r;
	r = session_end(store, session, ended_usec);
	if (!alone)
		return r;
	if (r == 0)
		return store_commit(store);
	store_rollback(store);
	return r;
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

/* ---- processes and stacks ---- */

static int process_fill(struct store *store, int64_t id, const struct store_process *process)
{
	sqlite3_stmt *statement = store->statements[SQL_FILL_PROCESS];

	sqlite3_bind_int64(statement, 1, id);
	store_bind_text(statement, 2, process->comm);
	store_bind_text(statement, 3, process->exe);
	store_bind_text(statement, 4, process->cmdline);
	store_bind_text(statement, 5, process->user);
	store_bind_text(statement, 6, process->unit);
	store_bind_text(statement, 7, process->cgroup);
	return store_fetch(store, statement, NULL);
}

static int process_add(struct store *store, const struct store_process *process, int64_t *ret_id)
{
	sqlite3_stmt *statement = store->statements[SQL_ADD_PROCESS];

	sqlite3_bind_int64(statement, 1, process->pid);
	sqlite3_bind_int64(statement, 2, process->started_usec);
	sqlite3_bind_int64(statement, 3, process->exec_id);
	sqlite3_bind_int64(statement, 4, process->uid);
	store_bind_text(statement, 5, process->comm);
	store_bind_text(statement, 6, process->exe);
	store_bind_text(statement, 7, process->cmdline);
	store_bind_text(statement, 8, process->user);
	store_bind_text(statement, 9, process->unit);
	store_bind_text(statement, 10, process->cgroup);
	return fetch_id(store, statement, ret_id);
}

int store_add_process(struct store *store, const struct store_process *process, int64_t *ret_id)
{
	sqlite3_stmt *statement = store->statements[SQL_FIND_PROCESS];
	int64_t id;
	int r;

	sqlite3_bind_int64(statement, 1, process->pid);
	sqlite3_bind_int64(statement, 2, process->started_usec);
	sqlite3_bind_int64(statement, 3, process->exec_id);
	r = store_fetch(store, statement, &id);
	if (r < 0)
		return r;
	if (r == 0)
		return process_add(store, process, ret_id);
	r = process_fill(store, id, process);
	if (r < 0)
		return r;
	*ret_id = id;
	return 0;
}

/* Finds a row or adds it: the same values do both. */
static int find_or_add(struct store *store, enum sql find, enum sql add,
		       void (*bind)(sqlite3_stmt *statement, const void *row), const void *row,
		       int64_t *ret_id)
{
	int r;

	bind(store->statements[find], row);
	r = store_fetch(store, store->statements[find], ret_id);
	if (r != 0)
		return r < 0 ? r : 0;
	bind(store->statements[add], row);
	return fetch_id(store, store->statements[add], ret_id);
}

static void bind_task(sqlite3_stmt *statement, const void *row)
{
	const struct store_task *task = row;

	sqlite3_bind_int64(statement, 1, task->process_id);
	sqlite3_bind_int64(statement, 2, task->tid);
	store_bind_text(statement, 3, task->comm);
}

int store_add_task(struct store *store, int64_t process, uint32_t tid, const char *comm,
		   int64_t *ret_id)
{
	struct store_task task = {.process_id = process, .tid = tid, .comm = comm};

	return find_or_add(store, SQL_FIND_TASK, SQL_ADD_TASK, bind_task, &task, ret_id);
}

static void bind_function(sqlite3_stmt *statement, const void *row)
{
	const struct frame *frame = row;

	store_bind_text(statement, 1, frame->function);
	store_bind_text(statement, 2, frame->module);
	store_bind_text(statement, 3, frame->file);
	sqlite3_bind_int64(statement, 4, frame->kind);
}

struct frame_row {
	int64_t function;
	const struct frame *frame;
};

static void bind_frame(sqlite3_stmt *statement, const void *row)
{
	const struct frame_row *frame = row;

	sqlite3_bind_int64(statement, 1, frame->function);
	sqlite3_bind_int64(statement, 2, frame->frame->line);
	store_bind_text(statement, 3, frame->frame->build_id);
	sqlite3_bind_int64(statement, 4, frame->frame->offset);
}

int store_add_frame(struct store *store, const struct frame *frame, int64_t *ret_id)
{
	struct frame_row row = {.frame = frame};
	int r = find_or_add(store, SQL_FIND_FUNCTION, SQL_ADD_FUNCTION, bind_function, frame,
			    &row.function);

	if (r < 0)
		return r;
	return find_or_add(store, SQL_FIND_FRAME, SQL_ADD_FRAME, bind_frame, &row, ret_id);
}

int store_rename_frame(struct store *store, int64_t id, const struct frame *frame)
{
	sqlite3_stmt *statement = store->statements[SQL_RENAME_FRAME];
	int64_t function;
	int r = find_or_add(store, SQL_FIND_FUNCTION, SQL_ADD_FUNCTION, bind_function, frame,
			    &function);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_int64(statement, 2, function);
	sqlite3_bind_int64(statement, 3, frame->line);
	return store_fetch(store, statement, NULL);
}

struct node_row {
	int64_t parent;
	int64_t frame;
};

static void bind_node(sqlite3_stmt *statement, const void *row)
{
	const struct node_row *node = row;

	sqlite3_bind_int64(statement, 1, node->parent);
	sqlite3_bind_int64(statement, 2, node->frame);
}

int store_add_node(struct store *store, int64_t parent, int64_t frame, int64_t *ret_id)
{
	struct node_row row = {.parent = parent, .frame = frame};

	assert(parent >= 0 && frame > 0);
	return find_or_add(store, SQL_FIND_NODE, SQL_ADD_NODE, bind_node, &row, ret_id);
}

/* ---- transactions ---- */

int store_begin(struct store *store)
{
	struct statvfs fs;

	assert(!store->reads);
	if (statvfs(store->directory, &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize < STORE_RESERVE_BYTES) {
		snprintf(store->error, sizeof(store->error),
			 "%s: no room for more history: less than %u MiB are free on the disk",
			 store->path, (unsigned int)(STORE_RESERVE_BYTES >> 20));
		return -ENOSPC;
	}
	return store_execute(store, "BEGIN IMMEDIATE");
}

static int flush_and_commit(struct store *store)
{
	int r = store_flush_tail(store);

	return r < 0 ? r : store_execute(store, "COMMIT");
}

int store_commit(struct store *store)
{
	int r;

	if (sqlite3_get_autocommit(store->db)) {
		snprintf(store->error, sizeof(store->error), "%s: nothing to commit", store->path);
		return -EINVAL;
	}
	r = flush_and_commit(store);
	if (r < 0)
		store_rollback(store);
	return r;
}

void store_rollback(struct store *store)
{
	store->tail = (struct store_tail){};
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}
