/* SPDX-License-Identifier: MIT */
/* The oldest windows go, step by step, and what is left stays right after each of them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "tests/support/store_world.h"

TestSuite(store_trim, .init = store_world_set_up, .fini = store_world_tear_down);

/* Hours have what the windows have that are rolled up and not begun to be deleted. */
static void assert_hours_are_right(void)
{
	assert_answer("SELECT count(*) FROM ("
		      "SELECT session_set, t / 360 AS hour, task, node, kind, sum(n) FROM sample, "
		      "rollup WHERE t >= begun AND t < rolled GROUP BY 1, 2, 3, 4, 5 "
		      "EXCEPT SELECT session_set, hour, task, node, kind, n FROM sample_hour)",
		      "0");
	assert_answer("SELECT (SELECT sum(n) FROM sample, rollup WHERE t >= begun AND t < rolled) "
		      "IS (SELECT sum(n) FROM sample_hour, rollup WHERE hour >= begun / 360)",
		      "1");
	/* Views answer from the windows there. */
	assert_answer("SELECT coalesce((SELECT sum(self_hits) FROM functions "
		      "WHERE function = 'main'), 0) = "
		      "coalesce((SELECT sum(n) FROM sample WHERE node = 1), 0)",
		      "1");
}

/* Deletes until the windows below this one are gone. */
static int trim_until(struct store *store, struct store_trim *trim, uint64_t window)
{
	uint64_t oldest_usec = 0;
	int r;

	do {
		r = store_trim_step(trim, 0);
		cr_assert_geq(r, 0, "%s", store_error(store));
		assert_hours_are_right();
	} while (r > 0 && (store_find_oldest(store, &oldest_usec) == 0 ||
			   oldest_usec < window * OX_WINDOW_USEC));
	return r;
}

/* Adds samples of many stacks in each of the windows from `from` to below `to`. */
static void fill_windows(struct store *store, int64_t session, uint32_t from, uint32_t to)
{
	int64_t task, node;

	cr_assert_eq(store_begin(store), 0);
	task = store_world_add_task(store, 42, 1000);
	node = store_world_add_node(store, 0, "main");
	for (uint32_t window = from; window < to; window++) {
		for (int64_t i = 0; i < 150; i++)
			store_world_add_sample(store, session, window, task, node + i, 2);
		cr_assert_eq(store_add_loss(store, session, store_world_window(session, window),
					    "late", 3),
			     0);
	}
	cr_assert_eq(store_commit(store), 0);
}

Test(store_trim, the_oldest_windows_of_all_go_first_and_sums_stay)
{
	struct store *store = store_world_open();
	int64_t old = store_world_add_session(store, START);
	int64_t young = store_world_add_session(store, START + 5 * OX_WINDOW_USEC);
	uint64_t first = START / OX_WINDOW_USEC, oldest_usec = 0;
	struct store_trim *trim;

	cr_expect_eq(store_find_oldest(store, &oldest_usec), 0);
	fill_windows(store, old, 0, 12);
	fill_windows(store, young, 0, 4);
	cr_expect_eq(store_find_oldest(store, &oldest_usec), 1);
	cr_expect_eq(oldest_usec, first * OX_WINDOW_USEC);
	trim = store_trim_new(store);
	cr_expect_eq(trim_until(store, trim, first + 7), 1);
	cr_expect_eq(store_find_oldest(store, &oldest_usec), 1);
	cr_expect_eq(oldest_usec, (first + 7) * OX_WINDOW_USEC);
	assert_answer("SELECT session_set, min(t) - 176000000, max(t) - 176000000, sum(n) "
		      "FROM sample GROUP BY 1",
		      "1|7|11|1500\n2|7|8|600");
	assert_answer("SELECT session, min(t) - 176000000 FROM loss GROUP BY 1", "1|7\n2|7");
	assert_answer("SELECT id, samples, lost FROM sessions", "1|3600|36\n2|1200|12");
	assert_answer("SELECT sum(count) FROM losses", "21");
	store_trim_free(trim);
	store_free(store);
}

struct sum {
	uint64_t n, of_hours;
};

static int add_hits(void *userdata, int64_t task, int64_t node, uint64_t n)
{
	((struct sum *)userdata)->n += n;
	return 0;
}

static int add_slot_hits(void *userdata, const struct store_slot_hits *hits)
{
	((struct sum *)userdata)->of_hours += hits->n;
	return 0;
}

Test(store_trim, questions_about_what_is_left_are_answered)
{
	struct store *store = store_world_open();
	uint32_t first = START / OX_WINDOW_USEC, to_hour = 360 - first % 360;
	int64_t session = store_world_add_session(store, START);
	struct store_range all = {STORE_WORLD_ALL},
			   owned = {.until_usec = UINT64_MAX, .owner = 1000};
	struct store_trim *trim;

	fill_windows(store, session, to_hour - 5, to_hour + 6);
	fill_windows(store, session, to_hour + 360, to_hour + 361);
	trim = store_trim_new(store);
	for (uint32_t left = 12; left-- > 1;) {
		uint64_t since = 0, until = 0, owned_since = 0, owned_until = 0, oldest = 0;
		struct sum sum = {0};

		cr_assert_eq(store_foreach_hits(store, &all, add_hits, &sum, &since, &until), 0);
		cr_assert_eq(store_foreach_slot_hits(store, &all, STORE_HOUR_WINDOWS, add_slot_hits,
						     &sum),
			     0);
		cr_expect_eq(sum.n, (left + 1) * 300);
		cr_expect_eq(sum.of_hours, sum.n);
		cr_assert_eq(store_find_cover(store, &owned, &owned_since, &owned_until), 0);
		cr_expect_eq(owned_since, since);
		cr_expect_eq(owned_until, until);
		cr_expect_eq(until, (uint64_t)(first + to_hour + 361) * OX_WINDOW_USEC);
		store_find_oldest(store, &oldest);
		cr_expect_eq(since, oldest);
		trim_until(store, trim, oldest / OX_WINDOW_USEC + 1);
	}
	store_trim_free(trim);
	store_free(store);
}

static int add_loss(void *userdata, const char *reason, uint64_t n)
{
	*(uint64_t *)userdata += n;
	return 0;
}

Test(store_trim, a_sessions_losses_are_those_that_are_gone_too)
{
	struct store *store = store_world_open();
	int64_t session = store_world_add_session(store, START);
	struct store_range all = {STORE_WORLD_ALL};
	uint64_t of_session = 0, of_range = 0;
	struct store_trim *trim;

	fill_windows(store, session, 0, 3);
	trim = store_trim_new(store);
	trim_until(store, trim, START / OX_WINDOW_USEC + 2);
	cr_expect_eq(store_foreach_session_loss(store, session, add_loss, &of_session), 0);
	cr_expect_eq(of_session, 9);
	cr_expect_eq(store_foreach_loss(store, &all, add_loss, &of_range), 0);
	cr_expect_eq(of_range, 3);
	store_trim_free(trim);
	store_free(store);
}

Test(store_trim, the_window_that_is_written_stays)
{
	struct store *store = store_world_open();
	int64_t session = store_world_add_session(store, START);
	struct store_trim *trim;

	/* The clock was set back: what is written now is not the youngest. */
	fill_windows(store, session, 5, 7);
	fill_windows(store, session, 2, 3);
	trim = store_trim_new(store);
	cr_expect_eq(trim_until(store, trim, UINT32_MAX), 0);
	assert_answer("SELECT DISTINCT t - 176000000 FROM sample WHERE t - 176000000 < 5", "2");
	store_trim_free(trim);
	/* When another one is, it goes like all others. */
	fill_windows(store, session, 8, 9);
	trim = store_trim_new(store);
	cr_expect_eq(trim_until(store, trim, UINT32_MAX), 0);
	assert_answer("SELECT DISTINCT t - 176000000 FROM sample", "8");
	assert_answer("SELECT samples FROM sessions", "1200");
	store_trim_free(trim);
	store_free(store);
}

Test(store_trim, windows_that_come_late_or_back_keep_hours_right)
{
	struct store *store = store_world_open();
	int64_t session = store_world_add_session(store, START);
	uint32_t first = START / OX_WINDOW_USEC;
	struct store_trim *trim;

	/* Over the border of an hour, which is a multiple of 360. */
	fill_windows(store, session, 355 - first % 360, 365 - first % 360);
	trim = store_trim_new(store);
	cr_expect_eq(trim_until(store, trim, first - first % 360 + 358), 1);
	fill_windows(store, session, 356 - first % 360, 357 - first % 360);
	assert_hours_are_right();
	cr_expect_eq(trim_until(store, trim, first - first % 360 + 362), 1);
	fill_windows(store, session, 366 - first % 360, 367 - first % 360);
	assert_hours_are_right();
	store_trim_free(trim);
	store_free(store);
	assert_answer("PRAGMA integrity_check", "ok");
}

Test(store_trim, another_writer_is_not_waited_for)
{
	struct store *store = store_world_open();
	struct store_trim *trim = store_trim_new(store);
	sqlite3 *db;

	fill_windows(store, store_world_add_session(store, START), 0, 4);
	cr_assert_eq(sqlite3_open(store_world.path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	cr_expect_eq(store_trim_step(trim, 1000), -EBUSY);
	cr_assert_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	cr_expect_eq(trim_until(store, trim, UINT32_MAX), 0);
	assert_answer("SELECT count(DISTINCT t) FROM sample", "1");
	store_trim_free(trim);
	store_free(store);
}
