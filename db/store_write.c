/* SPDX-License-Identifier: MIT */
#include "db/internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

/* Checks what the SQL has as numbers. */
static_assert(FRAME_NATIVE == 0 && FRAME_KERNEL == 1 && FRAME_PYTHON == 2, "function.kind_name");

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
	sqlite3_bind_int64(statement, 5, store_owner_number(process->owner));
	store_bind_text(statement, 6, process->comm);
	store_bind_text(statement, 7, process->exe);
	store_bind_text(statement, 8, process->cmdline);
	store_bind_text(statement, 9, process->user);
	store_bind_text(statement, 10, process->unit);
	store_bind_text(statement, 11, process->cgroup);
	return store_fetch_id(store, statement, ret_id);
}

int store_add_process(struct store *store, const struct store_process *process, int64_t *ret_id)
{
	sqlite3_stmt *statement = store->statements[SQL_FIND_PROCESS];
	int64_t id;
	int r;

	sqlite3_bind_int64(statement, 1, process->pid);
	sqlite3_bind_int64(statement, 2, process->started_usec);
	sqlite3_bind_int64(statement, 3, process->exec_id);
	sqlite3_bind_int64(statement, 4, process->uid);
	sqlite3_bind_int64(statement, 5, store_owner_number(process->owner));
	r = store_fetch(store, statement, &id);
	if (r < 0)
		return r;
	r = r ? process_fill(store, id, process) : process_add(store, process, &id);
	if (r < 0)
		return r;
	*ret_id = id;
	return store_note(store, KEPT_PROCESS, id);
}

/* How a row of a table is found or added: the same values do both. */
struct finder {
	enum store_kept kept;
	enum sql find, add;
	void (*bind)(sqlite3_stmt *statement, const void *row);
};

static int find_or_add(struct store *store, const struct finder *finder, const void *row,
		       int64_t *ret_id)
{
	int r;

	finder->bind(store->statements[finder->find], row);
	r = store_fetch(store, store->statements[finder->find], ret_id);
	if (r == 0) {
		finder->bind(store->statements[finder->add], row);
		r = store_fetch_id(store, store->statements[finder->add], ret_id);
	}
	return r < 0 ? r : store_note(store, finder->kept, *ret_id);
}

static void bind_task(sqlite3_stmt *statement, const void *row)
{
	const struct store_task *task = row;

	sqlite3_bind_int64(statement, 1, task->process_id);
	sqlite3_bind_int64(statement, 2, task->tid);
	store_bind_text(statement, 3, task->comm);
}

static const struct finder task_finder = {KEPT_TASK, SQL_FIND_TASK, SQL_ADD_TASK, bind_task};

int store_add_task(struct store *store, int64_t process, uint32_t tid, const char *comm,
		   int64_t *ret_id)
{
	struct store_task task = {.process_id = process, .tid = tid, .comm = comm};

	return find_or_add(store, &task_finder, &task, ret_id);
}

static void bind_function(sqlite3_stmt *statement, const void *row)
{
	const struct frame *frame = row;

	store_bind_text(statement, 1, frame->function);
	store_bind_text(statement, 2, frame->module);
	store_bind_text(statement, 3, frame->file);
	sqlite3_bind_int64(statement, 4, frame->kind);
}

static const struct finder function_finder = {KEPT_FUNCTION, SQL_FIND_FUNCTION, SQL_ADD_FUNCTION,
					      bind_function};

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

static const struct finder frame_finder = {KEPT_FRAME, SQL_FIND_FRAME, SQL_ADD_FRAME, bind_frame};

int store_add_frame(struct store *store, const struct frame *frame, int64_t *ret_id)
{
	struct frame_row row = {.frame = frame};
	int r = find_or_add(store, &function_finder, frame, &row.function);

	if (r < 0)
		return r;
	return find_or_add(store, &frame_finder, &row, ret_id);
}

int store_rename_frame(struct store *store, int64_t id, const struct frame *frame)
{
	sqlite3_stmt *statement = store->statements[SQL_RENAME_FRAME];
	int64_t function;
	int r = find_or_add(store, &function_finder, frame, &function);

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

static const struct finder node_finder = {KEPT_NODE, SQL_FIND_NODE, SQL_ADD_NODE, bind_node};

int store_add_node(struct store *store, int64_t parent, int64_t frame, int64_t *ret_id)
{
	struct node_row row = {.parent = parent, .frame = frame};

	assert(parent >= 0 && frame > 0);
	return find_or_add(store, &node_finder, &row, ret_id);
}

/* ---- transactions ---- */

int store_begin(struct store *store)
{
	struct statvfs fs;
	int r;

	assert(!store->reads);
	r = store_check_file(store);
	if (r < 0)
		return r;
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
	store_drop_tail(store);
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

int store_begin_step(struct store *store)
{
	int r = store_check_file(store);

	assert(!store->reads && sqlite3_get_autocommit(store->db));
	if (r < 0)
		return r;
	sqlite3_busy_timeout(store->db, 0);
	r = store_execute(store, "BEGIN IMMEDIATE");
	sqlite3_busy_timeout(store->db, STORE_BUSY_MSEC);
	return r;
}

int store_end_step(struct store *store, int r)
{
	int committed = r < 0 ? 0 : store_execute(store, "COMMIT");

	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return committed < 0 ? committed : r;
}
