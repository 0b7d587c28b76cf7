/* SPDX-License-Identifier: MIT */
#include "db/internal.h"

#include <assert.h>

/* Returns a text that lives until the next step. */
static const char *column_text(sqlite3_stmt *statement, int column)
{
	const unsigned char *text = sqlite3_column_text(statement, column);

	return text ? (const char *)text : "";
}

static int call_session(sqlite3_stmt *statement, store_session_fn fn, void *userdata)
{
	struct store_session session = {
		.id = sqlite3_column_int64(statement, 0),
		.started_usec = sqlite3_column_int64(statement, 1),
		.ended_usec = sqlite3_column_int64(statement, 2),
		.mode = column_text(statement, 3),
		.interval_ns = sqlite3_column_int64(statement, 4),
		.targets = column_text(statement, 5),
		.owner = sqlite3_column_int64(statement, 6),
		.samples = sqlite3_column_int64(statement, 7),
	};

	return fn(userdata, &session);
}

int store_has_session(struct store *store, int64_t id)
{
	sqlite3_stmt *statement = store->statements[SQL_FIND_SESSION];

	sqlite3_bind_int64(statement, 1, id);
	return store_fetch(store, statement, NULL);
}

int store_find_last_session(struct store *store, uint32_t owner, int64_t *ret_id)
{
	sqlite3_stmt *statement = store->statements[SQL_FIND_LAST_SESSION];

	sqlite3_bind_int64(statement, 1, owner);
	return store_fetch(store, statement, ret_id);
}

int store_foreach_session(struct store *store, const struct store_range *range, store_session_fn fn,
			  void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_LIST_SESSIONS];
	int r = store_flush_tail(store);

	assert(fn);
	if (r < 0)
		return r;
	store_bind_range(statement, range);
	sqlite3_bind_int64(statement, 4, store_owner_number(range->owner));
	while ((r = store_step(store, statement)) > 0) {
		r = call_session(statement, fn, userdata);
		if (r < 0)
			return r;
	}
	return r;
}

int store_foreach_running(struct store *store, store_session_fn fn, void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_LIST_RUNNING];
	int r;

	while ((r = store_step(store, statement)) > 0) {
		r = call_session(statement, fn, userdata);
		if (r < 0)
			return r;
	}
	return r;
}

static int foreach_loss(struct store *store, sqlite3_stmt *bound, store_loss_fn fn, void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *statement = bound;
	int r;

	assert(fn);
	while ((r = store_step(store, statement)) > 0) {
		r = fn(userdata, column_text(statement, 0), sqlite3_column_int64(statement, 1));
		if (r < 0)
			return r;
	}
	return r;
}

int store_foreach_loss(struct store *store, const struct store_range *range, store_loss_fn fn,
		       void *userdata)
{
	sqlite3_stmt *statement = store->statements[SQL_LIST_LOSSES];

	store_bind_range(statement, range);
	sqlite3_bind_int64(statement, 4, store_owner_number(range->owner));
	return foreach_loss(store, statement, fn, userdata);
}

int store_foreach_session_loss(struct store *store, int64_t session, store_loss_fn fn,
			       void *userdata)
{
	sqlite3_stmt *statement = store->statements[SQL_LIST_SESSION_LOSSES];

	sqlite3_bind_int64(statement, 1, session);
	return foreach_loss(store, statement, fn, userdata);
}

int store_foreach_node(struct store *store, int64_t from_id, store_node_fn fn, void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_LIST_NODES];
	int r;

	sqlite3_bind_int64(statement, 1, from_id);
	while ((r = store_step(store, statement)) > 0) {
		r = fn(userdata, sqlite3_column_int64(statement, 0),
		       sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 2));
		if (r < 0)
			return r;
	}
	return r;
}

static struct frame column_frame(sqlite3_stmt *statement)
{
	return (struct frame){
		.kind = sqlite3_column_int(statement, 1),
		.function = column_text(statement, 2),
		.module = column_text(statement, 3),
		.file = column_text(statement, 4),
		.build_id = column_text(statement, 5),
		.line = sqlite3_column_int64(statement, 6),
		.offset = sqlite3_column_int64(statement, 7),
	};
}

int store_foreach_frame(struct store *store, int64_t from_id, store_frame_fn fn, void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_LIST_FRAMES];
	int r;

	sqlite3_bind_int64(statement, 1, from_id);
	while ((r = store_step(store, statement)) > 0) {
		struct frame frame = column_frame(statement);

		r = fn(userdata, sqlite3_column_int64(statement, 0), &frame);
		if (r < 0)
			return r;
	}
	return r;
}

static int call_unnamed(sqlite3_stmt *statement, store_frame_fn fn, void *userdata)
{
	struct frame frame = {
		.kind = FRAME_NATIVE,
		.function = "",
		.module = column_text(statement, 1),
		.file = column_text(statement, 2),
		.build_id = column_text(statement, 3),
		.offset = sqlite3_column_int64(statement, 4),
	};

	return fn(userdata, sqlite3_column_int64(statement, 0), &frame);
}

int store_foreach_unnamed(struct store *store, int64_t from, int64_t to, store_frame_fn fn,
			  void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_LIST_UNNAMED];
	int r;

	sqlite3_bind_int64(statement, 1, from);
	sqlite3_bind_int64(statement, 2, to);
	while ((r = store_step(store, statement)) > 0) {
		r = call_unnamed(statement, fn, userdata);
		if (r < 0)
			return r;
	}
	return r;
}

int store_find_last_node(struct store *store, int64_t *ret_id)
{
	int r = store_fetch(store, store->statements[SQL_FIND_LAST_NODE], ret_id);

	return r < 0 ? r : 0;
}

int store_read_frame(struct store *store, int64_t id, store_read_frame_fn fn, void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_READ_FRAME];
	struct frame frame;
	int r;

	sqlite3_bind_int64(statement, 1, id);
	r = store_step(store, statement);
	if (r <= 0)
		return r;
	frame = column_frame(statement);
	r = fn(userdata, sqlite3_column_int64(statement, 8), &frame);
	return r < 0 ? r : 1;
}

int store_find_last_frame(struct store *store, int64_t *ret_id)
{
	int r = store_fetch(store, store->statements[SQL_FIND_LAST_FRAME], ret_id);

	return r < 0 ? r : 0;
}

static int call_task(sqlite3_stmt *statement, store_task_fn fn, void *userdata)
{
	struct store_task task = {
		.id = sqlite3_column_int64(statement, 0),
		.process_id = sqlite3_column_int64(statement, 1),
		.tid = sqlite3_column_int64(statement, 2),
		.comm = column_text(statement, 3),
		.process =
			{
				.pid = sqlite3_column_int64(statement, 4),
				.started_usec = sqlite3_column_int64(statement, 5),
				.exec_id = sqlite3_column_int64(statement, 6),
				.uid = sqlite3_column_int64(statement, 7),
				.owner = (uint32_t)sqlite3_column_int64(statement, 8),
				.comm = column_text(statement, 9),
				.exe = column_text(statement, 10),
				.cmdline = column_text(statement, 11),
				.user = column_text(statement, 12),
				.unit = column_text(statement, 13),
				.cgroup = column_text(statement, 14),
			},
	};

	return fn(userdata, &task);
}

int store_foreach_task(struct store *store, int64_t from_id, store_task_fn fn, void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_LIST_TASKS];
	int r;

	assert(fn);
	sqlite3_bind_int64(statement, 1, from_id);
	while ((r = store_step(store, statement)) > 0) {
		r = call_task(statement, fn, userdata);
		if (r < 0)
			return r;
	}
	return r;
}

int store_read_task(struct store *store, int64_t id, store_task_fn fn, void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *statement = store->statements[SQL_READ_TASK];
	int r;

	sqlite3_bind_int64(statement, 1, id);
	r = store_step(store, statement);
	if (r <= 0)
		return r;
	r = call_task(statement, fn, userdata);
	return r < 0 ? r : 1;
}
