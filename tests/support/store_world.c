/* SPDX-License-Identifier: MIT */
#include "tests/support/store_world.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"

struct store_world store_world;

/* When a session began, by its id. */
static uint64_t started_usecs[64];

void store_world_set_up(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(store_world.directory, sizeof(store_world.directory), "%s/test_store.XXXXXX",
		 base ? base : P_tmpdir);
	cr_assert_not_null(mkdtemp(store_world.directory));
	snprintf(store_world.path, sizeof(store_world.path), "%s/oxprof.db", store_world.directory);
}

void store_world_tear_down(void)
{
	_cleanup_closedir_ DIR *dir = opendir(store_world.directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	rmdir(store_world.directory);
}

struct store *store_world_open_limited(uint64_t max_bytes)
{
	struct store *store = NULL;
	char *aside = NULL, *why = NULL;
	int r = store_open(store_world.path, max_bytes, &store, &aside, &why);

	cr_assert_eq(r, 0, "%s", why ? why : aside);
	return store;
}

struct store *store_world_open(void)
{
	return store_world_open_limited(0);
}

int store_world_open_fails(const char *where, const char *what)
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

char *store_world_ask(int flags, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	char *answer = NULL;

	cr_assert_eq(sqlite3_open_v2(store_world.path, &db, flags, NULL), SQLITE_OK);
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

void assert_answer(const char *sql, const char *expected)
{
	_cleanup_free_ char *answer = store_world_ask(SQLITE_OPEN_READONLY, sql);

	cr_assert_str_eq(answer, expected, "%s\n%s\nexpected\n%s", sql, answer, expected);
}

void store_world_execute(const char *sql)
{
	sqlite3 *db = NULL;

	cr_assert_eq(sqlite3_open(store_world.path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* ---- a small world ---- */

int64_t store_world_add_session(struct store *store, uint64_t started_usec)
{
	return store_world_add_session_of(store, started_usec, 1000);
}

int64_t store_world_add_session_of(struct store *store, uint64_t started_usec, uint32_t owner)
{
	struct store_session session = {
		.started_usec = started_usec,
		.mode = "cpu",
		.interval_ns = 10101010,
		.targets = "pid:42 comm:nginx",
		.owner = owner,
	};
	int64_t id = 0;

	cr_assert_eq(store_add_session(store, &session, &id), 0, "%s", store_error(store));
	cr_assert_lt(id, (int64_t)array_length(started_usecs));
	started_usecs[id] = started_usec;
	return id;
}

int64_t store_world_add_task(struct store *store, uint32_t pid, uint32_t uid)
{
	struct store_process process = {
		.pid = pid,
		.started_usec = START - 500000,
		.exec_id = 1,
		.uid = uid,
		.owner = uid,
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

int64_t store_world_add_frame(struct store *store, const char *function, enum frame_kind kind)
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

int64_t store_world_add_node(struct store *store, int64_t parent, const char *function)
{
	int64_t id = 0;

	cr_assert_eq(store_add_node(store, parent,
				    store_world_add_frame(store, function, FRAME_NATIVE), &id),
		     0);
	return id;
}

uint32_t store_world_window(int64_t session, uint32_t window)
{
	return started_usecs[session] / OX_WINDOW_USEC + window;
}

void store_world_add_sample(struct store *store, int64_t session, uint32_t window, int64_t task,
			    int64_t node, uint64_t n)
{
	int64_t set = 0;

	cr_assert_eq(store_add_set(store, &session, 1, &set), 0, "%s", store_error(store));
	cr_assert_eq(
		store_add_sample(store, set, store_world_window(session, window), task, node, n), 0,
		"%s", store_error(store));
}

int64_t store_world_fill(struct store *store)
{
	int64_t session, task, main_node, work, again, leaf;

	cr_assert_eq(store_begin(store), 0);
	session = store_world_add_session(store, START);
	task = store_world_add_task(store, 42, 1000);
	main_node = store_world_add_node(store, 0, "main");
	work = store_world_add_node(store, main_node, "work");
	again = store_world_add_node(store, work, "main");
	cr_assert_eq(store_add_node(store, again,
				    store_world_add_frame(store, "leaf", FRAME_KERNEL), &leaf),
		     0);
	store_world_add_sample(store, session, 0, task, leaf, 5);
	store_world_add_sample(store, session, 0, task, work, 2);
	store_world_add_sample(store, session, 1, task, again, 3);
	store_world_add_sample(store, session, 1, task, 0, 1);
	cr_assert_eq(store_add_loss(store, session, store_world_window(session, 1), "late", 4), 0);
	cr_assert_eq(store_add_loss(store, session, store_world_window(session, 1), "late", 2), 0);
	cr_assert_eq(store_add_loss(store, session, store_world_window(session, 0), "full", 1), 0);
	cr_assert_eq(store_commit(store), 0, "%s", store_error(store));
	return session;
}
