/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of the store; no other folder includes it.
 *
 * Invariants:
 * 1. rollup.begun = B and rollup.rolled = R say: of the windows from B on sample_hour has every row
 * of sample with t < R and none with t >= R; what it has of hours below B is not read. It moves in
 * the same transaction as the rows, so a kill cannot part them.
 * 2. session.samples has grown by n with each row that was added to one of its sets, at each
 * commit.
 * 3. A bind that fails leaves NULL, which every column refuses: binds need no check of their own.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "db/id_set.h"
#include "db/sql.h"
#include "db/store.h"

#define STORE_APPLICATION_ID 0x6f787072 /* "oxpr" */
#define STORE_RESERVE_BYTES  (UINT64_C(16) << 20)
#define STORE_PAGE_BYTES     4096
#define STORE_LOG_BYTES      (UINT64_C(4) << 20)

/* The sets that are being written to, and what the other tables do not say yet of their rows. */
struct store_tail {
	bool is_read;       /* rolled and latest are known */
	bool has_all;       /* sets that are not in the table may have windows to be rolled up */
	int64_t rolled;     /* as in the row */
	int64_t begun;      /* likewise */
	int64_t latest;     /* window; those below it are over */
	struct table *sets; /* int64_t, those that have windows to be rolled up; NULL: none yet */
	uint64_t *n;        /* by index: samples to be added to the sessions of the set */
	size_t n_size;
};

#define STORE_BUSY_MSEC 2000 /* how long to wait for a lock of another connection */

/* Tables whose rows are deleted when nothing refers to them any more. */
enum store_kept {
	KEPT_SET,
	KEPT_TASK,
	KEPT_PROCESS,
	KEPT_NODE,
	KEPT_FRAME,
	KEPT_FUNCTION,
	N_STORE_KEPT,
};

/* Which file is open: a path may come to lead to another one. */
struct store_file {
	dev_t device;
	ino_t inode;
};
enum { STORE_FILE_DATABASE, STORE_FILE_LOG, STORE_FILE_INDEX, N_STORE_FILES };

struct store {
	sqlite3 *db;
	char *path;
	char *directory;
	struct store_file files[N_STORE_FILES];
	sqlite3_stmt *statements[N_SQL];
	struct store_tail tail;
	uint64_t max_bytes;      /* 0: no limit */
	uint64_t log_bytes;      /* of the log, as long as nobody reads for long */
	int64_t written;         /* the window that was written to last; 0: none yet */
	int64_t oldest;          /* window; 0: not known */
	struct id_set *noted;    /* of N_STORE_KEPT tables, the rows that are in use; NULL: nothing
				  * is being deleted (store_begin_garbage()) */
	bool damaged;            /* sqlite has reported damage since the file was opened */
	bool reads;              /* store_open_reader() */
	const atomic_bool *stop; /* of a reader */
	uint64_t end_ns;         /* of a reader; 0: it has all time */
	char error[512];
};

/* ---- store.c ---- */

/* Keeps the sentence for store_error() and returns the negative errno for sqlite's result. */
int store_fail(struct store *store, int rc);
int store_execute(struct store *store, const char *sql);
/* Steps a statement. Returns 1 for a row, 0 at the end, or a negative errno. */
int store_step(struct store *store, sqlite3_stmt *statement);
/* Runs a statement to its end. *ret is the first column of the first row; ret may be NULL. Returns
 * 1, 0 where there is no row, or a negative errno. */
int store_fetch(struct store *store, sqlite3_stmt *statement, int64_t *ret);
/* Runs an INSERT ... RETURNING id, or anything else that gives exactly one number. Returns 0,
 * -ENOENT where it gives none, or another negative errno. */
int store_fetch_id(struct store *store, sqlite3_stmt *statement, int64_t *ret_id);
void store_bind_text(sqlite3_stmt *statement, int position, const char *text);
/* Returns the number that stands for an owner in the tables: -1 for UINT32_MAX. */
int64_t store_owner_number(uint32_t owner);

/* Adds the id of a row to a set; 0 is that of none. */
int store_mark(struct store *store, struct id_set *set, int64_t id);
/* Says that somebody knows the id of a row. */
int store_note(struct store *store, enum store_kept kept, int64_t id);

static inline void statement_reset(sqlite3_stmt **statement)
{
	sqlite3_reset(*statement);
	sqlite3_clear_bindings(*statement);
}
#define _cleanup_statement_ _cleanup_(statement_reset)

/* ---- store_open.c ---- */

/* Sets the limit of sqlite, which is not below what the file has at that time. */
int store_keep_limit(struct store *store);

/* ---- store_write.c ---- */

/* Begins a transaction that deletes; it waits for nobody, and needs no reserve on the disk. */
int store_begin_step(struct store *store);
/* Commits what was done with the result r, and rolls back where that was a failure. Returns r, or
 * the failure of the commit. */
int store_end_step(struct store *store, int r);

/* ---- store_session.c ---- */

/* Reads how far windows are rolled up, where that is not known. */
int store_read_tail(struct store *store);

/* Counts what was added in the rows of its sessions, and rolls up the windows that are over. */
int store_flush_tail(struct store *store);
/* Forgets what was added: its transaction is rolled back. */
void store_drop_tail(struct store *store);

/* ---- store_hits.c ---- */

/* Binds a range without its owner to ?1, ?2 and ?3 of the statement. */
void store_bind_range(sqlite3_stmt *statement, const struct store_range *range);

/* ---- store_read.c ---- */

/* Calls fn for the sessions that have not ended. */
int store_foreach_running(struct store *store, store_session_fn fn, void *userdata);

/* ---- store_identity.c ---- */

/* Notes which files are open. */
int store_note_files(struct store *store);
bool store_is_moved(const struct store *store); /* the database itself */
/* Removes the log and its index where the database was moved away and these were left. */
void store_remove_side_files(const struct store *store);

/* ---- store_file.c: the file before sqlite sees it; these explain a failure in *ret_why ---- */

/* Formats *ret_why and returns r. */
int store_explain(char **ret_why, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Finds the absolute path, with the directory's links followed, and the directory: it exists, is
 * writable and on a filesystem of this machine alone. */
int store_file_resolve(const char *path, char **ret_path, char **ret_directory, char **ret_why);
/* Makes the file where there is none; reads its header where there is one. *ret_check says that the
 * file is worth reading whole for damage. Returns 0, -EUCLEAN where it is not a database any more,
 * -EPROTO where it is not ours, or another negative errno. */
int store_file_probe(const char *path, bool *ret_check, char **ret_why);
/* Makes the next probe return -EUCLEAN, however large the file is. */
void store_file_mark_damaged(const char *path);
/* Renames it and its side files to a name that was free. */
int store_file_set_aside(const char *path, char **ret_aside, char **ret_why);
