/* SPDX-License-Identifier: MIT */
/* A store in a directory of its own and a small world in it, for the tests of the store. */
#pragma once

#include <criterion/criterion.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "db/store.h"

#define START UINT64_C(1760000000000000) /* 2025-10-09 08:53:20 UTC */

static char directory[256];
static char path[300];

static inline void set_up(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/test_store.XXXXXX", base ? base : P_tmpdir);
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/oxprof.db", directory);
}

static inline void tear_down(void)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	rmdir(directory);
}

static inline struct store *open_limited(uint64_t max_bytes)
{
	struct store *store = NULL;
	char *aside = NULL, *why = NULL;
	int r = store_open(path, max_bytes, &store, &aside, &why);

	cr_assert_eq(r, 0, "%s", why ? why : aside);
	return store;
}

static inline struct store *open_store(void)
{
	return open_limited(0);
}

/* The errno of a store_open() that must fail, with a sentence that names the path or its part. */
static inline int open_fails(const char *where, const char *what)
{
	struct store *store = NULL;
	_cleanup_free_ char *aside = NULL;
	_cleanup_free_ char *why = NULL;
	int r = store_open(where, 0, &store, &aside, &why);

	cr_assert_lt(r, 0);
	cr_assert_null(store);
	cr_assert_not_null(why);
	cr_assert_null(strchr(why, '\n'));
	cr_assert_not_null(strstr(why, what), "%s", why);
	return r;
}

/* Another connection, as a member of the group has it. It ends before the store does. */
static inline char *ask_with(int flags, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	char *answer = NULL;

	cr_assert_eq(sqlite3_open_v2(path, &db, flags, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK, "%s",
		     sqlite3_errmsg(db));
	for (int row = 0; sqlite3_step(statement) == SQLITE_ROW; row++) {
		for (int i = 0; i < sqlite3_column_count(statement); i++) {
			const char *text = (const char *)sqlite3_column_text(statement, i);
			char *longer;

			cr_assert_geq(asprintf(&longer, "%s%s%s", answer ? answer : "",
					       i     ? "|"
					       : row ? "\n"
						     : "",
					       text ? text : "NULL"),
				      0);
			free(answer);
			answer = longer;
		}
	}
	cr_assert_eq(sqlite3_finalize(statement), SQLITE_OK, "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
	return answer ? answer : strdup("");
}

static inline void assert_answer(const char *sql, const char *expected)
{
	_cleanup_free_ char *answer = ask_with(SQLITE_OPEN_READONLY, sql);

	cr_assert_str_eq(answer, expected, "%s\n%s\nexpected\n%s", sql, answer, expected);
}

static inline void execute(const char *sql)
{
	sqlite3 *db = NULL;

	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* ---- a small world ---- */

static inline int64_t add_session(struct store *store, uint64_t started_usec)
{
	struct store_session session = {
		.started_usec = started_usec,
		.mode = "cpu",
		.interval_ns = 10101010,
		.targets = "pid:42 comm:nginx",
		.owner = 1000,
	};
	int64_t id = 0;

	cr_assert_eq(store_add_session(store, &session, &id), 0, "%s", store_error(store));
	return id;
}

static inline int64_t add_task(struct store *store, uint32_t pid, uint32_t uid)
{
	struct store_process process = {
		.pid = pid,
		.started_usec = START - 500000,
		.exec_id = 1,
		.uid = uid,
		.comm = "app",
		.exe = "",
		.cmdline = "",
		.user = "",
		.unit = "",
		.cgroup = "",
	};
	int64_t id = 0, task = 0;

	cr_assert_eq(store_add_process(store, &process, &id), 0);
	cr_assert_eq(store_add_task(store, id, pid, "app", &task), 0);
	return task;
}

static inline int64_t add_frame(struct store *store, const char *function, enum frame_kind kind)
{
	struct frame frame = {
		.kind = kind,
		.function = function,
		.module = kind == FRAME_KERNEL ? "kernel" : "app",
		.file = kind == FRAME_KERNEL ? "" : "/srv/app",
		.build_id = "00ff",
		.line = 7,
		.offset = UINT64_MAX - 1,
	};
	int64_t id = 0;

	cr_assert_eq(store_add_frame(store, &frame, &id), 0);
	return id;
}

static inline int64_t add_node(struct store *store, int64_t parent, const char *function)
{
	int64_t id = 0;

	cr_assert_eq(store_add_node(store, parent, add_frame(store, function, FRAME_NATIVE), &id),
		     0);
	return id;
}

static inline void add_sample(struct store *store, int64_t session, uint32_t window, int64_t task,
			      int64_t node, uint64_t n)
{
	cr_assert_eq(store_add_sample(store, session, window, task, node, n), 0, "%s",
		     store_error(store));
}

/* main > work > main (again) > leaf, and a sample without a stack. */
static inline int64_t add_world(struct store *store)
{
	int64_t session, task, main_node, work, again, leaf;

	cr_assert_eq(store_begin(store), 0);
	session = add_session(store, START);
	task = add_task(store, 42, 1000);
	main_node = add_node(store, 0, "main");
	work = add_node(store, main_node, "work");
	again = add_node(store, work, "main");
	cr_assert_eq(store_add_node(store, again, add_frame(store, "leaf", FRAME_KERNEL), &leaf),
		     0);
	add_sample(store, session, 0, task, leaf, 5);
	add_sample(store, session, 0, task, work, 2);
	add_sample(store, session, 1, task, again, 3);
	add_sample(store, session, 1, task, 0, 1);
	cr_assert_eq(store_add_loss(store, session, 1, "late", 4), 0);
	cr_assert_eq(store_add_loss(store, session, 1, "late", 2), 0);
	cr_assert_eq(store_add_loss(store, session, 0, "full", 1), 0);
	cr_assert_eq(store_commit(store), 0, "%s", store_error(store));
	return session;
}
