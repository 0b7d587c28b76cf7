/* SPDX-License-Identifier: MIT */
/* Sessions side by side: sets of them, one grid of windows, owners. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "tests/support/store_world.h"

TestSuite(store_session, .init = store_world_set_up, .fini = store_world_tear_down);

#define FIRST  (START / OX_WINDOW_USEC)
#define NOBODY UINT32_MAX

static int64_t add_set(struct store *store, const int64_t *sessions, size_t n)
{
	int64_t set = 0;

	cr_assert_eq(store_add_set(store, sessions, n, &set), 0, "%s", store_error(store));
	return set;
}

#define SET(...) \
	add_set(store, (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / 8)

static void add(struct store *store, int64_t set, uint32_t window, int64_t task, int64_t node,
		uint64_t n)
{
	cr_assert_eq(store_add_sample(store, set, window, task, node, n), 0, "%s",
		     store_error(store));
}

static int64_t add_task_of(struct store *store, uint32_t pid, uint32_t uid, uint32_t owner)
{
	struct store_process process = {.pid = pid,
					.uid = uid,
					.owner = owner,
					.comm = "app",
					.exe = "",
					.cmdline = "",
					.user = "",
					.unit = "",
					.cgroup = ""};
	int64_t id, task;

	cr_assert_eq(store_add_process(store, &process, &id), 0);
	cr_assert_eq(store_add_task(store, id, pid, "app", &task), 0);
	return task;
}

/* ---- sets ---- */

/* A sample that several sessions took is one row, and counts in each. */
Test(store_session, a_hit_of_several_sessions_is_stored_once)
{
	struct store *store = store_world_open();
	int64_t ids[3], node;

	for (int i = 0; i < 3; i++)
		ids[i] = store_world_add_session(store, START);
	cr_assert_eq(store_begin(store), 0);
	node = store_world_add_node(store, 0, "main");
	for (int i = 0; i < 2; i++) {
		add(store, SET(ids[0]), FIRST, store_world_add_task(store, 42, 0), node, 1);
		add(store, SET(ids[0], ids[1]), FIRST, 1, node, 10);
		add(store, SET(ids[1], ids[2]), FIRST + 1, 1, node, 100);
		add(store, SET(ids[0], ids[1], ids[2]), FIRST + i, 1, node, 1000);
	}
	cr_assert_eq(store_commit(store), 0);
	assert_answer("SELECT sessions FROM session_set", "1\n1 2\n2 3\n1 2 3");
	assert_answer("SELECT id, samples FROM sessions", "1|2022\n2|2220\n3|2200");
	assert_answer("SELECT sum(n) FROM sample", "2222");
	assert_answer("SELECT time, session, hits, sessions FROM stacks ORDER BY time, hits",
		      "2025-10-09T08:53:20Z|1|2|1\n2025-10-09T08:53:20Z|1|20|1 2\n"
		      "2025-10-09T08:53:20Z|1|1000|1 2 3\n2025-10-09T08:53:30Z|2|200|2 3\n"
		      "2025-10-09T08:53:30Z|1|1000|1 2 3");
	assert_answer("SELECT sum(total_hits) FROM history", "2222");
	assert_answer("SELECT session, total_hits, sessions FROM history WHERE session = 2",
		      "2|200|2 3");
	assert_answer("SELECT total_hits FROM functions", "2222");
	store_free(store);
}

Test(store_session, a_set_is_of_sessions_that_are_there)
{
	struct store *store = store_world_open();
	int64_t session = store_world_add_session(store, START), set = 0;

	cr_assert_eq(store_begin(store), 0);
	cr_assert_eq(store_add_set(store, (int64_t[]){session, 77}, 2, &set), -ENOENT);
	cr_expect_not_null(strstr(store_error(store), "no session 77"), "%s", store_error(store));
	store_rollback(store);
	assert_answer("SELECT count(*) FROM session_set", "0");
	cr_assert_eq(store_add_sample(store, 5, FIRST, 1, 1, 1), -ENOENT);
	cr_expect_not_null(strstr(store_error(store), "no set 5"), "%s", store_error(store));
	store_free(store);
}

Test(store_session, targets_of_a_session_may_change)
{
	struct store *store = store_world_open();
	int64_t session = store_world_add_session(store, START);

	cr_assert_eq(store_set_session_targets(store, session, "pid:42 all"), 0);
	assert_answer("SELECT targets FROM sessions", "pid:42 all");
	cr_assert_eq(store_set_session_targets(store, 9, "all"), -ENOENT);
	cr_expect_not_null(strstr(store_error(store), "no session 9"), "%s", store_error(store));
	store_free(store);
}

Test(store_session, the_last_session_is_one_that_runs)
{
	struct store *store = store_world_open();
	int64_t ids[4], last = 0;

	cr_assert_eq(store_find_last_session(store, 1000, &last), 0);
	for (uint32_t i = 0; i < 4; i++)
		ids[i] = store_world_add_session_of(store, START, i == 3 ? 33 : 1000);
	cr_assert_eq(store_find_last_session(store, 1000, &last), 1);
	cr_expect_eq(last, ids[2]);
	cr_assert_eq(store_end_session(store, ids[2], START + 1), 0);
	cr_assert_eq(store_find_last_session(store, 1000, &last), 1);
	cr_expect_eq(last, ids[1], "which runs");
	for (int i = 0; i < 2; i++)
		cr_assert_eq(store_end_session(store, ids[i], START + 1), 0);
	cr_assert_eq(store_find_last_session(store, 1000, &last), 1);
	cr_expect_eq(last, ids[2]);
	cr_assert_eq(store_find_last_session(store, 34, &last), 0);
	store_free(store);
}

/* ---- owners ---- */

static int on_task(void *userdata, const struct store_task *task)
{
	char *text = userdata;

	sprintf(text + strlen(text), "%u:%u/%d ", task->process.pid, task->process.uid,
		(int)task->process.owner);
	return 0;
}

/* A process that changes its ids, or stops being dumpable, is another owner's row. */
Test(store_session, a_process_has_a_row_for_each_owner)
{
	struct store *store = store_world_open();
	char text[128] = "";

	for (int i = 0; i < 2; i++) {
		add_task_of(store, 42, 1000, 1000);
		add_task_of(store, 42, 1000, NOBODY);
		add_task_of(store, 42, 0, NOBODY);
	}
	cr_assert_eq(store_foreach_task(store, 1, on_task, text), 0);
	cr_expect_str_eq(text, "42:1000/1000 42:1000/-1 42:0/-1 ");
	assert_answer("SELECT owner FROM processes ORDER BY 1", "NULL\nNULL\n1000");
	store_free(store);
}

static int on_loss(void *userdata, const char *reason, uint64_t n)
{
	char *text = userdata;

	sprintf(text + strlen(text), "%s %llu ", reason, (unsigned long long)n);
	return 0;
}

static void expect_losses(struct store *store, struct store_range range, const char *losses)
{
	char text[128] = "";

	cr_assert_eq(store_foreach_loss(store, &range, on_loss, text), 0);
	cr_expect_str_eq(text, losses, "%s, not %s", text, losses);
}

Test(store_session, losses_are_those_of_the_owners_sessions)
{
	struct store *store = store_world_open();

	for (uint32_t i = 0; i < 3; i++) {
		int64_t id = store_world_add_session_of(store, START, i ? 33 : 1000);

		cr_assert_eq(store_add_loss(store, id, FIRST + i, "late", 1 + 9 * i), 0);
	}
	expect_losses(store, (struct store_range){STORE_WORLD_ALL}, "late 30 ");
	expect_losses(store, (struct store_range){0, UINT64_MAX, 0, 33}, "late 29 ");
	expect_losses(store, (struct store_range){0, UINT64_MAX, 2, 33}, "late 10 ");
	expect_losses(store, (struct store_range){0, UINT64_MAX, 1, 33}, "");
	expect_losses(store, (struct store_range){0, START + OX_WINDOW_USEC + 1, 0, 33},
		      "late 10 ");
	store_free(store);
}

/* ---- one grid, whatever the clock does ---- */

/* Roll-ups are whole after a transaction that was given up: what was committed before it stays to
 * be rolled up. */
Test(store_session, a_rollback_leaves_no_window_behind)
{
	struct store *store = store_world_open();
	int64_t first = store_world_add_session(store, START),
		second = store_world_add_session(store, START);

	add(store, SET(first), FIRST, 1, 0, 1);
	cr_assert_eq(store_begin(store), 0);
	add(store, SET(second), FIRST, 1, 0, 2);
	store_rollback(store);
	add(store, SET(second), FIRST + 1, 1, 0, 4);
	add(store, SET(second), FIRST + 2, 1, 0, 8);
	assert_answer("SELECT sum(n) FROM sample_hour", "5");
	assert_answer("SELECT id, samples FROM sessions", "1|1\n2|12");
	store_free(store);
}

/* Sessions that nobody ended end with their last window, even where it is another one's, too. */
Test(store_session, left_sessions_end_with_their_sets)
{
	struct store *store = store_world_open();
	int64_t first = store_world_add_session(store, START),
		second = store_world_add_session(store, START + 3000000);

	add(store, SET(first), FIRST + 3, 1, 0, 1);
	add(store, SET(first, second), FIRST + 1, 1, 0, 1);
	store_world_add_session(store, START + 7000000);
	cr_assert_eq(store_end_left_sessions(store), 3);
	assert_answer("SELECT ended - 1760000000000000 FROM session",
		      "40000000\n20000000\n7000000");
	store_free(store);
}

static void expect_cover(struct store *store, struct store_range range, uint64_t since,
			 uint64_t until)
{
	uint64_t cover[2] = {1, 1};

	cr_assert_eq(store_find_cover(store, &range, &cover[0], &cover[1]), 0);
	cr_expect_eq(cover[0], since, "%llu", (unsigned long long)cover[0]);
	cr_expect_eq(cover[1], until, "%llu", (unsigned long long)cover[1]);
}

/* A row of several sessions was taken while all of them ran. */
Test(store_session, a_cover_ends_with_the_sessions)
{
	struct store *store = store_world_open();
	int64_t first = store_world_add_session(store, START + 2000000),
		second = store_world_add_session(store, START + 3000000);

	expect_cover(store, (struct store_range){STORE_WORLD_ALL}, 0, 0);
	add(store, SET(first, second), FIRST, add_task_of(store, 1, 1000, 1000), 0, 1);
	expect_cover(store, (struct store_range){0, UINT64_MAX, first, UINT32_MAX}, START + 3000000,
		     START + 10000000);
	expect_cover(store, (struct store_range){0, UINT64_MAX, first, 1000}, START + 3000000,
		     START + 10000000);
	cr_assert_eq(store_end_session(store, first, START + 8000000), 0);
	cr_assert_eq(store_end_session(store, second, START + 7000000), 0);
	expect_cover(store, (struct store_range){0, UINT64_MAX, 0, 1000}, START + 3000000,
		     START + 7000000);
	expect_cover(store, (struct store_range){0, UINT64_MAX, second, UINT32_MAX},
		     START + 3000000, START + 7000000);
	expect_cover(store, (struct store_range){0, UINT64_MAX, 0, 33}, 0, 0);
	store_free(store);
}

/* ---- against sums by hand ---- */

#define N_SESSIONS 4
#define N_TASKS    3

struct hits {
	uint64_t n[N_TASKS + 1][8];
};

static int on_hit(void *userdata, int64_t task, int64_t node, uint64_t n)
{
	struct hits *hits = userdata;

	cr_assert_eq(hits->n[task][node], 0, "each pair comes once");
	hits->n[task][node] += n;
	return 0;
}

static void bind_range(sqlite3_stmt *statement, const struct store_range *range)
{
	uint64_t most = (uint64_t)1 << 62;

	sqlite3_bind_int64(statement, 1, (int64_t)range->since_usec);
	sqlite3_bind_int64(statement, 2,
			   (int64_t)(range->until_usec < most ? range->until_usec : most));
	sqlite3_bind_int64(statement, 3, range->session);
	sqlite3_bind_int64(statement, 4, range->owner == UINT32_MAX ? -1 : (int64_t)range->owner);
}

#define ROWS                                                                                   \
	" FROM sample WHERE t * 10000000 < ?2 AND (t + 1) * 10000000 > ?1 AND (?3 = 0 OR"      \
	" session_set IN (SELECT session_set FROM member WHERE session = ?3)) AND (?4 = -1 OR" \
	" ?5 = 0 OR task IN (SELECT task.id FROM task JOIN process ON process.id = process"    \
	" WHERE owner = ?4))"
#define MEMBERS \
	" FROM member JOIN session ON id = session WHERE member.session_set = sample.session_set"

static void assert_hits(sqlite3 *db, const struct store_range *range, const struct hits *hits)
{
	sqlite3_stmt *statement;
	uint64_t n = 0;

	cr_assert_eq(sqlite3_prepare_v2(db, "SELECT task, node, sum(n)" ROWS " GROUP BY 1, 2", -1,
					&statement, NULL),
		     SQLITE_OK, "%s", sqlite3_errmsg(db));
	bind_range(statement, range);
	sqlite3_bind_int64(statement, 5, 0); /* hits are not chosen by owner */
	while (sqlite3_step(statement) == SQLITE_ROW) {
		int task = sqlite3_column_int(statement, 0),
		    node = sqlite3_column_int(statement, 1);

		cr_assert_eq(hits->n[task][node], (uint64_t)sqlite3_column_int64(statement, 2));
		n += hits->n[task][node];
	}
	sqlite3_finalize(statement);
	for (int i = 0; i <= N_TASKS; i++)
		for (int node = 0; node < 8; node++)
			n -= hits->n[i][node];
	cr_assert_eq(n, 0, "no more than that");
}

/* Expects the time from the first row's window to the last one's, cut where a session of the row's
 * set begins or ends in them. */
static void assert_cover(sqlite3 *db, const struct store_range *range, const uint64_t cover[2])
{
	static const char sql[] =
		"SELECT min(max(t * 10000000, coalesce((SELECT max(started)" MEMBERS
		" AND started / 10000000 = t), 0))), max(min((t + 1) * 10000000,"
		" coalesce((SELECT min(ended)" MEMBERS
		" AND ended / 10000000 = t), 1 << 62)))" ROWS;
	sqlite3_stmt *statement;

	cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK, "%s",
		     sqlite3_errmsg(db));
	bind_range(statement, range);
	sqlite3_bind_int64(statement, 5, 1);
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(cover[i], (uint64_t)sqlite3_column_int64(statement, i),
			     "%d: %llu, by hand %llu; %llu-%llu, session %lld, owner %u", i,
			     (unsigned long long)cover[i],
			     (unsigned long long)sqlite3_column_int64(statement, i),
			     (unsigned long long)range->since_usec,
			     (unsigned long long)range->until_usec, (long long)range->session,
			     range->owner);
	sqlite3_finalize(statement);
}

static void assert_range(struct store *store, sqlite3 *db, const struct store_range *range)
{
	struct hits hits = {};
	uint64_t cover[2];

	cr_assert_eq(store_foreach_hits(store, range, on_hit, &hits, &cover[0], &cover[1]), 0, "%s",
		     store_error(store));
	assert_hits(db, range, &hits);
	assert_cover(db, range, cover);
}

static void assert_ranges(struct store *store)
{
	static const uint32_t owners[] = {UINT32_MAX, 1000, 33, 7};
	const uint64_t span = 1200 * OX_WINDOW_USEC, from = START - 500 * OX_WINDOW_USEC;
	sqlite3 *db = NULL;

	cr_assert_eq(sqlite3_open_v2(store_world.path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	for (int i = 0; i < 400; i++) {
		struct store_range range = {
			.since_usec = i % 7 ? from + (uint64_t)random() * 1000 % span : 0,
			.session = random() % (N_SESSIONS + 1),
			.owner = owners[i % array_length(owners)],
		};

		range.until_usec =
			i % 5 ? range.since_usec + (uint64_t)random() * 1000 % span : UINT64_MAX;
		assert_range(store, db, &range);
	}
	sqlite3_close(db);
}

/* Adds rows of any sets to windows near one; now and then the clock is set. Owners come rarely, so
 * that there are hours without them. */
static void add_random_rows(struct store *store, const int64_t *sets, size_t n_sets)
{
	uint32_t window = FIRST;

	for (int i = 0; i < 300; i++) {
		cr_assert_eq(store_begin(store), 0);
		for (int k = random() % 3; k >= 0; k--)
			add(store, sets[random() % n_sets], window - random() % 2,
			    random() % 40 ? 3 : 1 + random() % 2, random() % 8, 1 + random() % 5);
		if (random() % 9) {
			cr_assert_eq(store_commit(store), 0);
		} else {
			store_rollback(store);
		}
		window += random() % 3;
		if (random() % 50 == 0)
			window = FIRST - 400 + random() % 1000;
	}
}

Test(store_session, hits_and_covers_are_what_the_rows_say)
{
	struct store *store = store_world_open();
	int64_t ids[N_SESSIONS], sets[6];

	srandom(7);
	for (int i = 0; i < N_SESSIONS; i++)
		ids[i] = store_world_add_session(store, START + (uint64_t)i * 123456789);
	add_task_of(store, 1, 1000, 1000);
	add_task_of(store, 2, 33, 33);
	add_task_of(store, 3, 1000, NOBODY);
	sets[0] = SET(ids[0]);
	sets[1] = SET(ids[1]);
	sets[2] = SET(ids[0], ids[1]);
	sets[3] = SET(ids[1], ids[3]);
	sets[4] = SET(ids[0], ids[1], ids[2], ids[3]);
	sets[5] = SET(ids[2]);
	add_random_rows(store, sets, 4);
	assert_ranges(store);
	store_free(store);
	store = store_world_open();
	add_random_rows(store, sets, array_length(sets));
	for (int i = 0; i < 3; i++)
		cr_assert_eq(store_end_session(store, ids[i],
					       START + (uint64_t)(random() % 4000) * 1000000),
			     0);
	assert_ranges(store);
	assert_answer("SELECT count(*) FROM session WHERE samples <> (SELECT sum(n) FROM sample"
		      " JOIN member USING (session_set) WHERE member.session = session.id)",
		      "0");
	assert_answer("SELECT sum(n) = (SELECT sum(n) FROM sample WHERE t < rolled)"
		      " FROM sample_hour, rollup",
		      "1");
	store_free(store);
}
