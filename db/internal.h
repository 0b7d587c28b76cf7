/* SPDX-License-Identifier: MIT */
/*
 * What the files of the store share; nobody else includes it.
 *
 * Invariants:
 * 1. session.rolled = R says: sample_hour has every row of sample with t < R and none with t >= R.
 *    It moves in the same transaction as the rows, so a kill cannot part them.
 * 2. session.samples is the sum of n over its rows of sample, at each commit.
 * 3. A bind that fails leaves NULL, which every column refuses: binds need no check of their own.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>

#include "daemon/base/cleanup.h"
#include "db/sql.h"
#include "db/store.h"

#define STORE_APPLICATION_ID 0x6f787072 /* "oxpr" */
#define STORE_RESERVE_BYTES  (UINT64_C(16) << 20)
#define STORE_PAGE_BYTES     4096

/* The session that is being written to; what its row does not say yet. session 0: none. */
struct store_tail {
	int64_t session;
	int64_t rolled; /* as in the row */
	int64_t latest; /* window; those below it are over */
	uint64_t n;     /* samples to be added to the row */
};

#define STORE_BUSY_MSEC 2000 /* how long it is waited for a lock of somebody else */

struct store {
	sqlite3 *db;
	char *path;
	char *directory;
	sqlite3_stmt *statements[N_SQL];
	struct store_tail tail;
	bool damaged; /* sqlite said so since it was opened */
	bool reads;   /* store_open_reader() */
	char error[512];
};

/* ---- store.c ---- */

/* Keeps the sentence for store_error() and returns the negative errno for sqlite's result. */
int store_fail(struct store *store, int rc);
int store_execute(struct store *store, const char *sql);
/* 1: a row, 0: done, or a negative errno. */
int store_step(struct store *store, sqlite3_stmt *statement);
/* Runs it to its end. 1: ret has the first column of the first row, 0: no row. ret may be NULL. */
int store_fetch(struct store *store, sqlite3_stmt *statement, int64_t *ret);
void store_bind_text(sqlite3_stmt *statement, int position, const char *text);

static inline void statement_reset(sqlite3_stmt **statement)
{
	sqlite3_reset(*statement);
	sqlite3_clear_bindings(*statement);
}
#define _cleanup_statement_ _cleanup_(statement_reset)

/* ---- store_write.c ---- */

/* Writes the tail into its session's row and rolls up the windows that are over. */
int store_flush_tail(struct store *store);

/* ---- store_hits.c ---- */

/* ?1, ?2 and ?3 of the statement. */
void store_bind_range(sqlite3_stmt *statement, const struct store_range *range);

/* ---- store_file.c: the file before sqlite sees it; these explain a failure in *ret_why ---- */

/* Formats *ret_why and returns r. */
int store_explain(char **ret_why, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The absolute path, with the directory's links followed, and the directory: it exists, is writable
 * and on a filesystem of this machine alone. */
int store_file_resolve(const char *path, char **ret_path, char **ret_directory, char **ret_why);
/* Makes the file where there is none; reads its header where there is one. -EUCLEAN: not a database
 * any more, -EPROTO: not ours. ret_check: it is worth reading all of it for damage. */
int store_file_probe(const char *path, bool *ret_check, char **ret_why);
/* The next probe says -EUCLEAN, however large the file is. */
void store_file_mark_damaged(const char *path);
/* Renames it and its side files to a name that was free. */
int store_file_set_aside(const char *path, char **ret_aside, char **ret_why);
