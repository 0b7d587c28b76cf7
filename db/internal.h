/* SPDX-License-Identifier: MIT */
/*
 * Shared by the files of the store; no other folder includes it.
 *
 * Invariants:
 * 1. rollup.rolled = R says: sample_hour has every row of sample with t < R and none with t >= R.
 *    It moves in the same transaction as the rows, so a kill cannot part them.
 * 2. session.samples has grown by n with each row that was added to one of its sets, at each
 * commit.
 * 3. A bind that fails leaves NULL, which every column refuses: binds need no check of their own.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"
#include "db/sql.h"
#include "db/store.h"

#define STORE_APPLICATION_ID 0x6f787072 /* "oxpr" */
#define STORE_RESERVE_BYTES  (UINT64_C(16) << 20)
#define STORE_PAGE_BYTES     4096

/* The sets that are being written to, and what the other tables do not say yet of their rows. */
struct store_tail {
	bool is_read;       /* rolled and latest are known */
	bool has_all;       /* sets that are not in the table may have windows to be rolled up */
	int64_t rolled;     /* as in the row */
	int64_t latest;     /* window; those below it are over */
	struct table *sets; /* int64_t, those that have windows to be rolled up; NULL: none yet */
	uint64_t *n;        /* by index: samples to be added to the sessions of the set */
	size_t n_size;
};

#define STORE_BUSY_MSEC 2000 /* how long to wait for a lock of another connection */

struct store {
	sqlite3 *db;
	char *path;
	char *directory;
	sqlite3_stmt *statements[N_SQL];
	struct store_tail tail;
	bool damaged; /* sqlite has reported damage since the file was opened */
	bool reads;   /* store_open_reader() */
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

static inline void statement_reset(sqlite3_stmt **statement)
{
	sqlite3_reset(*statement);
	sqlite3_clear_bindings(*statement);
}
#define _cleanup_statement_ _cleanup_(statement_reset)

/* ---- store_session.c ---- */

/* Counts what was added in the rows of its sessions, and rolls up the windows that are over. */
int store_flush_tail(struct store *store);
/* Forgets what was added: its transaction is rolled back. */
void store_drop_tail(struct store *store);

/* ---- store_hits.c ---- */

/* Binds a range without its owner to ?1, ?2 and ?3 of the statement. */
void store_bind_range(sqlite3_stmt *statement, const struct store_range *range);

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
