/* SPDX-License-Identifier: MIT */
#include "db/internal.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/clock.h"

define_cleanup(struct store *, store_free);
#define _cleanup_store_ _cleanup_(store_free_p)
define_cleanup(sqlite3_stmt *, sqlite3_finalize);

/* Reads the first column of the first row as text, "" where there is none. */
static int ask(struct store *store, const char *sql, char *ret, size_t size)
{
	_cleanup_(sqlite3_finalize_p) sqlite3_stmt *statement = NULL;
	const unsigned char *text;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);

	if (rc != SQLITE_OK)
		return store_fail(store, rc);
	rc = sqlite3_step(statement);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return store_fail(store, rc);
	text = rc == SQLITE_ROW ? sqlite3_column_text(statement, 0) : NULL;
	snprintf(ret, size, "%s", text ? (const char *)text : "");
	return 0;
}

static int ask_number(struct store *store, const char *sql, int64_t *ret)
{
	char text[32];
	int r = ask(store, sql, text, sizeof(text));

	if (r < 0)
		return r;
	*ret = strtoll(text, NULL, 10);
	return 0;
}

/* Returns a result of sqlite. */
static int connection_configure(sqlite3 *db)
{
	static const struct {
		int option, value;
	} options[] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		/* Until the file is known to be ours, nothing is written, not even at the close. */
		{SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
	};
	int keep = 1, rc = sqlite3_busy_timeout(db, STORE_BUSY_MSEC);

	for (size_t i = 0; i < array_length(options) && rc == SQLITE_OK; i++)
		rc = sqlite3_db_config(db, options[i].option, options[i].value, NULL);
	if (rc != SQLITE_OK)
		return rc;
	/* Group readers may not make the side files, so these must outlive us. */
	return sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
}

static int connection_open(struct store *store)
{
	int flags = store->reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	int rc = sqlite3_open_v2(store->path, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = connection_configure(store->db);
	if (rc != SQLITE_OK)
		return store_fail(store, rc);
	sqlite3_extended_result_codes(store->db, 1);
	return store_execute(store, "PRAGMA mmap_size = 0; PRAGMA temp_store = memory;"
				    "PRAGMA cell_size_check = on;"
				    "PRAGMA synchronous = normal;");
}

/* Checks the header again, by sqlite, which also sees what is still in the log. *ret_version is 0
 * where there is nothing yet. */
static int connection_check(struct store *store, int64_t *ret_version)
{
	int64_t id = 0, version = 0, n_objects = 0;
	int r;

	r = ask_number(store, "PRAGMA application_id", &id);
	if (r < 0)
		return r;
	r = ask_number(store, "PRAGMA user_version", &version);
	if (r < 0)
		return r;
	r = ask_number(store, "SELECT count(*) FROM sqlite_schema", &n_objects);
	if (r < 0)
		return r;
	if (id == STORE_APPLICATION_ID ? version < 1 || version > N_SQL_SCHEMA
				       : id || version || n_objects) {
		snprintf(store->error, sizeof(store->error),
			 "%s was made by a newer oxprof or by another program (version %lld); "
			 "update oxprof or move the file away",
			 store->path, (long long)version);
		return -EPROTO;
	}
	*ret_version = version;
	return 0;
}

static int connection_check_damage(struct store *store)
{
	char answer[128];
	int r = ask(store, "PRAGMA quick_check(1)", answer, sizeof(answer));

	if (r < 0 || strcmp(answer, "ok") == 0)
		return r;
	store->damaged = true;
	snprintf(store->error, sizeof(store->error), "%s: the history is damaged (%s)", store->path,
		 answer);
	return -EUCLEAN;
}

static int connection_set_log(struct store *store, bool fresh)
{
	char mode[16];
	int r;

	/* Only an empty file takes this setting, and the log mode makes the file's first page. */
	r = fresh ? store_execute(store, "PRAGMA auto_vacuum = incremental") : 0;
	if (r < 0)
		return r;
	r = ask(store, "PRAGMA journal_mode = wal", mode, sizeof(mode));
	if (r < 0 || strcmp(mode, "wal") == 0)
		return r;
	snprintf(store->error, sizeof(store->error),
		 "%s: this file system does not allow a write-ahead log; choose another one",
		 store->path);
	return -EOPNOTSUPP;
}

int store_keep_limit(struct store *store)
{
	uint64_t pages = store->max_bytes / STORE_PAGE_BYTES;
	char sql[64];

	if (!store->max_bytes)
		return 0;
	if (pages > INT32_MAX)
		return 0;
	snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %u", (uint32_t)(pages ? pages : 1));
	return store_execute(store, sql);
}

/* Sets the limit, of which the log may take a part. */
static int store_limit(struct store *store, uint64_t max_bytes)
{
	char sql[96];
	int r;

	store->max_bytes = max_bytes;
	store->log_bytes = STORE_LOG_BYTES;
	if (max_bytes && max_bytes / 8 < store->log_bytes)
		store->log_bytes = max_bytes / 8;
	snprintf(sql, sizeof(sql),
		 "PRAGMA journal_size_limit = %" PRIu64 "; PRAGMA wal_autocheckpoint = %" PRIu64,
		 store->log_bytes, 1 + store->log_bytes / STORE_PAGE_BYTES);
	r = store_execute(store, sql);
	return r < 0 ? r : store_keep_limit(store);
}

static int migrate_to(struct store *store, int64_t version)
{
	char sql[96];
	int r;

	assert(version >= 1 && version <= N_SQL_SCHEMA);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 STORE_APPLICATION_ID, (int)version);
	r = store_execute(store, "BEGIN IMMEDIATE");
	if (r < 0)
		return r;
	r = store_execute(store, sql_schema[version - 1]);
	if (r < 0)
		return r;
	r = store_execute(store, sql);
	return r < 0 ? r : store_execute(store, "COMMIT");
}

static int store_migrate_step(struct store *store, int64_t version)
{
	int r = migrate_to(store, version);

	if (r < 0)
		store_rollback(store);
	return r;
}

static int store_migrate(struct store *store, int64_t version)
{
	int r;

	if (version == N_SQL_SCHEMA)
		return 0;
	while (version < N_SQL_SCHEMA) {
		r = store_migrate_step(store, ++version);
		if (r < 0)
			return r;
	}
	/* Free pages are left; and an older oxprof shall see the version without touching the
	 * log. */
	return store_execute(store, "PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(truncate)");
}

static int store_prepare(struct store *store)
{
	for (int i = 0; i < N_SQL; i++) {
		int rc = sqlite3_prepare_v3(store->db, sql_queries[i], -1,
					    SQLITE_PREPARE_PERSISTENT, &store->statements[i], NULL);

		if (rc == SQLITE_OK)
			continue;
		/* The version is right, so a table must have been taken away. */
		store_fail(store, rc);
		return (rc & 0xff) == SQLITE_ERROR ? -EUCLEAN : store_fail(store, rc);
	}
	return 0;
}

/* Brings the file to this version. A file that is full is limited only after that. */
static int store_migrate_and_limit(struct store *store, int64_t version, uint64_t max_bytes)
{
	int r = version ? store_migrate(store, version) : store_limit(store, max_bytes);

	if (r < 0)
		return r;
	return version ? store_limit(store, max_bytes) : store_migrate(store, version);
}

static int store_connect(struct store *store, bool check, uint64_t max_bytes)
{
	int64_t version = 0;
	int r = connection_open(store);

	if (r < 0)
		return r;
	r = connection_check(store, &version);
	if (r < 0)
		return r;
	r = check ? connection_check_damage(store) : 0;
	if (r < 0)
		return r;
	r = connection_set_log(store, version == 0);
	if (r < 0)
		return r;
	r = store_migrate_and_limit(store, version, max_bytes);
	if (r < 0)
		return r;
	r = store_prepare(store);
	if (r < 0)
		return r;
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	return store_note_files(store);
}

static int store_try(const char *path, uint64_t max_bytes, struct store **ret, char **ret_why)
{
	_cleanup_store_ struct store *store = calloc(1, sizeof(*store));
	bool check;
	int r;

	if (!store)
		return -ENOMEM;
	r = store_file_resolve(path, &store->path, &store->directory, ret_why);
	if (r < 0)
		return r;
	r = store_file_probe(store->path, &check, ret_why);
	if (r < 0)
		return r;
	r = store_connect(store, check, max_bytes);
	if (r < 0)
		return store_explain(ret_why, r, "%s", store->error);
	*ret = take_ptr(store);
	return 0;
}

/* Sets the damaged file aside and opens a new one. Returns 1 or a negative errno. */
static int store_replace(const char *path, uint64_t max_bytes, struct store **ret, char **ret_aside,
			 char **ret_why)
{
	int r = store_file_set_aside(path, ret_aside, ret_why);

	if (r < 0)
		return r;
	r = store_try(path, max_bytes, ret, ret_why);
	return r < 0 ? r : 1;
}

int store_open(const char *path, uint64_t max_bytes, struct store **ret, char **ret_aside,
	       char **ret_why)
{
	_cleanup_free_ char *why = NULL;
	_cleanup_free_ char *aside = NULL;
	int r = store_try(path, max_bytes, ret, &why);

	assert(path && ret && ret_aside && ret_why);
	if (r == -EUCLEAN)
		r = store_replace(path, max_bytes, ret, &aside, &why);
	if (r < 0) {
		*ret_why = why ? take_ptr(why) : strdup(strerror(-r));
		return r;
	}
	*ret_aside = take_ptr(aside);
	return r;
}

#define STEPS_BETWEEN_LOOKS 10000 /* of sqlite's machine: about a millisecond */

void store_stop_at(struct store *store, uint64_t end_ns)
{
	assert(store->reads);
	store->end_ns = end_ns;
}

bool store_is_stopped(const struct store *store)
{
	if (store->stop && atomic_load(store->stop))
		return true;
	return store->end_ns && clock_monotonic_ns() >= store->end_ns;
}

static int look_at_stop(void *userdata)
{
	return store_is_stopped(userdata);
}

/* Connects a reader: the connection stays with the state that its first read sees. */
static int reader_connect(struct store *store)
{
	int64_t version = 0;
	int r = connection_open(store);

	if (r < 0)
		return r;
	r = store_execute(store, "PRAGMA query_only = on; BEGIN");
	if (r < 0)
		return r;
	r = connection_check(store, &version);
	if (r < 0)
		return r;
	r = store_prepare(store);
	if (r < 0)
		return r;
	sqlite3_progress_handler(store->db, STEPS_BETWEEN_LOOKS, look_at_stop, store);
	return 0;
}

int store_open_reader(const char *path, const atomic_bool *stop, struct store **ret, char **ret_why)
{
	_cleanup_store_ struct store *store = calloc(1, sizeof(*store));
	int r;

	assert(path && stop && ret && ret_why);
	if (!store)
		return -ENOMEM;
	store->reads = true;
	store->stop = stop;
	r = store_file_resolve(path, &store->path, &store->directory, ret_why);
	if (r < 0)
		return r;
	r = reader_connect(store);
	if (r < 0)
		return store_explain(ret_why, r, "%s", store->error);
	*ret = take_ptr(store);
	return 0;
}
