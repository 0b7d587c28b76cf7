/* SPDX-License-Identifier: MIT */
/* A file that goes away under its store, and what is begun then. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "tests/support/store_world.h"

TestSuite(store_reopen, .init = store_world_set_up, .fini = store_world_tear_down);

struct carried {
	unsigned n;
	int64_t from[4], to[4];
};

static void on_carried(void *userdata, int64_t from_id, int64_t to_id)
{
	struct carried *carried = userdata;

	cr_assert_lt(carried->n, 4);
	carried->from[carried->n] = from_id;
	carried->to[carried->n++] = to_id;
}

static int reopen(struct store **store, struct carried *ret)
{
	_cleanup_free_ char *aside = NULL, *why = NULL;
	int r;

	*ret = (struct carried){};
	r = store_reopen(store, on_carried, ret, &aside, &why);
	cr_assert_eq(r < 0, why != NULL);
	cr_assert_eq(r > 0, aside != NULL);
	return r;
}

static const char *beside(const char *suffix)
{
	static char name[2][320];
	static unsigned n;

	snprintf(name[++n % 2], sizeof(name[0]), "%s%s", store_world.path, suffix);
	return name[n % 2];
}

/* Adds three sessions, of which the second one has ended. */
static void add_sessions(struct store *store)
{
	store_world_fill(store);
	cr_assert_eq(store_end_session(store, store_world_add_session(store, START), START + 1), 0);
	store_world_add_session_of(store, START + 7, 1001);
}

Test(store_reopen, a_deleted_file_is_noticed_and_begun_anew)
{
	struct store *store = store_world_open();
	struct carried carried;

	add_sessions(store);
	cr_assert_eq(store_begin(store), 0);
	store_rollback(store);
	cr_assert_eq(unlink(store_world.path), 0);
	cr_assert_eq(store_begin(store), -ESTALE);
	cr_expect_not_null(strstr(store_error(store), "deleted, moved or replaced"));
	cr_assert_eq(reopen(&store, &carried), 0);
	cr_expect_eq(carried.n, 2);
	cr_expect(carried.from[0] == 1 && carried.to[0] == 1);
	cr_expect(carried.from[1] == 3 && carried.to[1] == 3);
	assert_answer("SELECT id, mode, interval_ns, targets, owner, samples, ended FROM sessions",
		      "1|cpu|10101010|pid:42 comm:nginx|1000|0|NULL\n"
		      "3|cpu|10101010|pid:42 comm:nginx|1001|0|NULL");
	/* Ids go on, and rows are found anew. */
	cr_expect_eq(store_world_add_session(store, START), 4);
	store_world_fill(store);
	assert_answer("PRAGMA integrity_check", "ok");
	store_free(store);
}

Test(store_reopen, a_moved_file_is_whole_where_it_is)
{
	struct store *store = store_world_open();
	struct carried carried;

	add_sessions(store);
	cr_assert_eq(rename(store_world.path, beside(".moved")), 0);
	cr_assert_eq(store_begin(store), -ESTALE);
	cr_assert_eq(reopen(&store, &carried), 0);
	assert_answer("SELECT count(*) FROM sample", "0");
	store_free(store);
	for (int i = 0; i < 3; i++) {
		static const char *const suffixes[] = {"", "-wal", "-shm"};

		cr_assert_eq(unlink(beside(suffixes[i])), 0);
	}
	cr_assert_eq(rename(beside(".moved"), store_world.path), 0);
	assert_answer("PRAGMA integrity_check", "ok");
	assert_answer("SELECT sum(n) FROM sample", "11");
}

/* The log of the old file must not be taken for that of the new one. */
Test(store_reopen, what_took_its_place_is_used)
{
	struct store *store = store_world_open();
	struct carried carried;

	add_sessions(store);
	store_free(store);
	cr_assert_eq(rename(store_world.path, beside(".other")), 0);
	unlink(beside("-wal"));
	store = store_world_open();
	store_world_add_session(store, START);     /* 1, the same */
	store_world_add_session(store, START + 1); /* 2 */
	cr_assert_eq(store_world_add_session_of(store, START + 70, 12),
		     3); /* is another one there */
	store_world_fill(store);
	cr_assert_eq(rename(beside(".other"), store_world.path), 0);
	cr_assert_eq(store_begin(store), -ESTALE);
	cr_assert_eq(reopen(&store, &carried), 0);
	cr_expect_eq(carried.n, 4);
	cr_expect(carried.from[0] == 1 && carried.to[0] == 1);
	cr_expect(carried.from[1] == 2 && carried.to[1] == 4);
	cr_expect(carried.from[2] == 3 && carried.to[2] == 5);
	cr_expect(carried.from[3] == 4 && carried.to[3] == 6);
	assert_answer("PRAGMA integrity_check", "ok");
	assert_answer("SELECT id, samples, ended IS NULL FROM sessions WHERE id <= 3",
		      "1|11|1\n2|0|0\n3|0|0");
	store_free(store);
}

/* A reader keeps the log from being written to the file it belongs to. */
Test(store_reopen, a_log_that_is_being_read_is_left_to_nobody)
{
	struct store *store = store_world_open();
	struct carried carried;
	sqlite3 *db;

	store_free(store);
	cr_assert_eq(rename(store_world.path, beside(".other")), 0);
	unlink(beside("-wal"));
	store = store_world_open();
	cr_assert_eq(sqlite3_open(store_world.path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM sample", NULL, NULL, NULL),
		     SQLITE_OK);
	store_world_fill(store);
	cr_assert_eq(rename(beside(".other"), store_world.path), 0);
	cr_assert_eq(store_begin(store), -ESTALE);
	cr_assert_eq(reopen(&store, &carried), 0);
	assert_answer("SELECT count(*) FROM sample", "0");
	store_world_fill(store);
	assert_answer("SELECT sum(n) FROM sample", "11");
	assert_answer("PRAGMA integrity_check", "ok");
	store_free(store);
	sqlite3_close(db);
}

Test(store_reopen, a_log_that_was_deleted_is_written_before)
{
	static const char *const suffixes[] = {"-wal", "-shm"};

	for (size_t i = 0; i < array_length(suffixes); i++) {
		struct store *store = store_world_open();
		_cleanup_free_ char *before = NULL;
		struct carried carried;

		store_world_fill(store);
		before = store_world_ask(SQLITE_OPEN_READONLY, "SELECT sum(n) FROM sample");
		cr_assert_eq(unlink(beside(suffixes[i])), 0);
		cr_assert_eq(store_begin(store), -ESTALE, "%s", suffixes[i]);
		cr_assert_eq(reopen(&store, &carried), 0);
		assert_answer("SELECT sum(n) FROM sample", before);
		assert_answer("PRAGMA integrity_check", "ok");
		cr_assert_eq(store_begin(store), 0);
		store_rollback(store);
		store_free(store);
	}
}

Test(store_reopen, without_a_directory_nothing_changes)
{
	struct store *store = store_world_open(), *kept = store;
	char moved[300];
	struct carried carried;

	add_sessions(store);
	snprintf(moved, sizeof(moved), "%s.moved", store_world.directory);
	cr_assert_eq(rename(store_world.directory, moved), 0);
	cr_assert_eq(store_begin(store), -ESTALE);
	cr_assert_eq(reopen(&store, &carried), -ENOENT);
	cr_expect_eq(store, kept);
	/* They were only away for a moment. */
	cr_assert_eq(rename(moved, store_world.directory), 0);
	cr_assert_eq(store_begin(store), 0);
	store_rollback(store);
	store_free(store);
	assert_answer("SELECT sum(n) FROM sample", "11");
}

Test(store_reopen, a_damaged_file_is_set_aside)
{
	struct store *store = store_world_open();
	struct carried carried;
	sqlite3 *db;

	add_sessions(store);
	store_free(store);
	store = store_world_open();
	cr_assert_eq(sqlite3_open(store_world.path, &db), SQLITE_OK);
	cr_assert_eq(
		sqlite3_exec(db,
			     "PRAGMA writable_schema = on; UPDATE sqlite_schema SET rootpage = "
			     "99999 WHERE name = 'sample'; PRAGMA schema_version = 99;"
			     "PRAGMA wal_checkpoint(truncate)",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	cr_assert_eq(store_begin(store), 0);
	{
		int64_t session = 1, set = 0;
		int r = store_add_set(store, &session, 1, &set);

		r = r < 0 ? r : store_add_sample(store, set, 176000000, 1, 1, 1);
		cr_assert_eq(r, -EUCLEAN, "%d %s", r, store_error(store));
	}
	store_rollback(store);
	cr_assert_eq(reopen(&store, &carried), 1);
	assert_answer("PRAGMA integrity_check", "ok");
	store_free(store);
}
