/* SPDX-License-Identifier: MIT */
#include "db/internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int error_number(struct store *store, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_READONLY:
		return EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return EACCES;
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
		return EINVAL;
	case SQLITE_TOOBIG:
		return E2BIG;
	case SQLITE_INTERRUPT:
		return ECANCELED;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		switch (store->db ? sqlite3_system_errno(store->db) : 0) {
		case ENOSPC:
		case EDQUOT:
			return ENOSPC;
		case EACCES:
		case EPERM:
			return EACCES;
		case EROFS:
			return EROFS;
		}
	}
	return EIO;
}

static const char *error_hint(int number)
{
	switch (number) {
	case ENOSPC:
		return "no room for more history: the disk or the configured size is full";
	case EROFS:
		return "the history can only be read";
	case EUCLEAN:
		return "the history is damaged";
	case EBUSY:
		return "another program keeps the history locked";
	}
	return "the history cannot be used";
}

int store_fail(struct store *store, int rc)
{
	int number = error_number(store, rc);

	assert(rc != SQLITE_OK && rc != SQLITE_ROW && rc != SQLITE_DONE);
	if (number == EUCLEAN)
		store->damaged = true;
	snprintf(store->error, sizeof(store->error), "%s: %s (%s)", store->path, error_hint(number),
		 store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(rc));
	return -number;
}

const char *store_error(const struct store *store)
{
	return store->error;
}

int store_step(struct store *store, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : store_fail(store, rc);
}

int store_fetch(struct store *store, sqlite3_stmt *statement, int64_t *ret)
{
	_cleanup_statement_ sqlite3_stmt *done = statement;
	int64_t value = 0;
	int found, r;

	for (found = 0; (r = store_step(store, done)) > 0; found = 1)
		if (!found)
			value = sqlite3_column_int64(done, 0);
	if (r < 0)
		return r;
	if (found && ret)
		*ret = value;
	return found;
}

int store_fetch_id(struct store *store, sqlite3_stmt *statement, int64_t *ret_id)
{
	int r = store_fetch(store, statement, ret_id);

	return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

int64_t store_owner_number(uint32_t owner)
{
	return owner == UINT32_MAX ? -1 : (int64_t)owner;
}

void store_bind_text(sqlite3_stmt *statement, int position, const char *text)
{
	sqlite3_bind_text(statement, position, text, -1, SQLITE_STATIC);
}

int store_execute(struct store *store, const char *sql)
{
	int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_fail(store, rc);
}

int store_mark(struct store *store, struct id_set *set, int64_t id)
{
	/* 0 is no row: the parent of a root, the node of a sample without a stack. */
	return id > 0 && id_set_add(set, id) < 0 ? store_fail(store, SQLITE_NOMEM) : 0;
}

int store_note(struct store *store, enum store_kept kept, int64_t id)
{
	return store->noted ? store_mark(store, &store->noted[kept], id) : 0;
}

void store_end_garbage(struct store *store)
{
	for (size_t i = 0; store->noted && i < N_STORE_KEPT; i++)
		id_set_done(&store->noted[i]);
	free(take_ptr(store->noted));
}

struct store *store_free(struct store *store)
{
	bool is_moved;

	if (!store)
		return NULL;
	for (int i = 0; i < N_SQL; i++)
		sqlite3_finalize(store->statements[i]);
	is_moved = store->files[STORE_FILE_DATABASE].inode && store_is_moved(store);
	if (is_moved && !store->damaged)
		store_cut_log(store); /* sqlite itself leaves a file that was moved as it is */
	if (store->damaged && !store->reads) {
		sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		if (!is_moved)
			store_file_mark_damaged(store->path);
	}
	sqlite3_close(store->db);
	if (is_moved)
		store_remove_side_files(store);
	store_end_garbage(store);
	table_free(store->tail.sets);
	free(store->tail.n);
	free(store->directory);
	free(store->path);
	free(store);
	return NULL;
}

static uint64_t file_bytes(const char *path, const char *suffix)
{
	_cleanup_free_ char *name = NULL;
	struct stat st;

	if (asprintf(&name, "%s%s", path, suffix) < 0) {
		name = NULL;
		return 0;
	}
	return stat(name, &st) == 0 ? (uint64_t)st.st_size : 0;
}

uint64_t store_bytes(const struct store *store)
{
	return file_bytes(store->path, "") + store_log_bytes(store);
}

uint64_t store_log_bytes(const struct store *store)
{
	return file_bytes(store->path, "-wal");
}

void store_cut_log(struct store *store)
{
	sqlite3_busy_timeout(store->db, 0);
	(void)store_execute(store, "PRAGMA wal_checkpoint(truncate)");
	sqlite3_busy_timeout(store->db, STORE_BUSY_MSEC);
}
