/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <sys/stat.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "tests/support/store_world.h"

#define MIB (UINT64_C(1) << 20)

TestSuite(store_room, .init = store_world_set_up, .fini = store_world_tear_down);

Test(store_room, the_smaller_of_size_and_disk_is_the_limit)
{
	static const struct {
		struct store_limits limits;
		struct store_room room;
		uint64_t limit, high, low;
	} cases[] = {
		/* No limit. */
		{{0, 0}, {100, 100, 0}, UINT64_MAX, UINT64_MAX / 10 * 9, UINT64_MAX / 10 * 8},
		/* A size alone. */
		{{900 * MIB, 0}, {100, 100, 0}, 900 * MIB, 810 * MIB, 720 * MIB},
		/* The disk has room for 50 more. */
		{{0, 150 * MIB},
		 {80 * MIB, 90 * MIB, 200 * MIB},
		 140 * MIB,
		 140 * MIB,
		 140 * MIB / 9 * 8},
		{{900 * MIB, 150 * MIB},
		 {80 * MIB, 90 * MIB, 200 * MIB},
		 140 * MIB,
		 140 * MIB,
		 140 * MIB / 9 * 8},
		{{900 * MIB, 150 * MIB},
		 {80 * MIB, 90 * MIB, 2000 * MIB},
		 900 * MIB,
		 810 * MIB,
		 720 * MIB},
		/* None at all: a little is had. */
		{{900 * MIB, 150 * MIB}, {1, 1, 0}, 16 * MIB, 16 * MIB, 16 * MIB / 9 * 8},
		{{9 * MIB, 150 * MIB}, {1, 1, 0}, 9 * MIB, 9 * MIB / 10 * 9, 9 * MIB / 10 * 8},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		uint64_t held = 0;
		struct store_bounds bounds =
			store_find_bounds(&cases[i].limits, &cases[i].room, &held);

		cr_expect_eq(bounds.limit_bytes, cases[i].limit, "%zu", i);
		cr_expect_leq(bounds.high_bytes, cases[i].high, "%zu", i);
		cr_expect_geq(bounds.high_bytes, cases[i].high - 10, "%zu", i);
		cr_expect_leq(bounds.low_bytes, cases[i].low, "%zu", i);
		cr_expect_geq(bounds.low_bytes, cases[i].low - 10, "%zu", i);
	}
}

Test(store_room, a_disk_that_others_fill_does_not_empty_it)
{
	const struct store_limits limits = {1000 * MIB, 150 * MIB};
	struct store_room room = {200 * MIB, 200 * MIB, 149 * MIB};
	uint64_t held = 0;

	cr_expect_eq(store_find_bounds(&limits, &room, &held).limit_bytes, 200 * MIB);
	/* Some of that was given back, and others took it too. */
	room = (struct store_room){150 * MIB, 180 * MIB, 0};
	cr_expect_eq(store_find_bounds(&limits, &room, &held).limit_bytes, 200 * MIB);
	/* There is room again. */
	room.free_bytes = 400 * MIB;
	cr_expect_eq(store_find_bounds(&limits, &room, &held).limit_bytes, 430 * MIB);
	cr_expect_eq(held, 0);
}

static void fill(struct store *store, int64_t session, uint32_t window)
{
	cr_assert_eq(store_begin(store), 0);
	for (int64_t i = 1; i <= 2000; i++)
		store_world_add_sample(store, session, window, i, i, 2);
	cr_assert_eq(store_commit(store), 0);
}

Test(store_room, pages_of_deleted_windows_are_free_and_go_back_to_the_disk)
{
	struct store *store = store_world_open_limited(2 * MIB);
	int64_t session = store_world_add_session(store, START);
	struct store_room before, deleted, after;
	struct store_trim *trim;
	struct stat st;

	cr_assert_eq(store_get_room(store, &before), 0);
	cr_expect_eq(before.used_bytes, before.file_bytes);
	for (uint32_t window = 0; window < 30; window++)
		fill(store, session, window);
	cr_assert_eq(store_get_room(store, &before), 0);
	cr_expect_gt(before.used_bytes, MIB);
	trim = store_trim_new(store);
	while (store_trim_step(trim, 1000) > 0)
		;
	store_trim_free(trim);
	cr_assert_eq(store_get_room(store, &deleted), 0);
	cr_expect_eq(deleted.file_bytes, before.file_bytes);
	cr_expect_lt(deleted.used_bytes, before.used_bytes - MIB / 2);
	/* No more than is to be given back. */
	while (store_vacuum_step(store, before.file_bytes - 400000, 0) > 0)
		;
	cr_assert_eq(store_get_room(store, &after), 0);
	cr_expect_leq(after.file_bytes, before.file_bytes - 400000);
	cr_expect_geq(after.file_bytes, before.file_bytes - 500000);
	while (store_vacuum_step(store, 0, 0) > 0)
		;
	cr_assert_eq(store_get_room(store, &after), 0);
	cr_expect_leq(after.file_bytes, deleted.used_bytes);
	store_cut_log(store);
	cr_assert_eq(stat(store_world.path, &st), 0);
	cr_expect_eq((uint64_t)st.st_size, after.file_bytes - MIB / 4); /* an eighth is the log's */
	store_free(store);
	assert_answer("PRAGMA integrity_check", "ok");
}

Test(store_room, a_file_beyond_its_limit_has_it_when_it_has_shrunk)
{
	struct store *store = store_world_open();
	int64_t session = store_world_add_session(store, START);
	struct store_trim *trim;
	int r = 0;

	for (uint32_t window = 0; window < 30; window++)
		fill(store, session, window);
	store_free(store);
	store = store_world_open_limited(MIB);
	trim = store_trim_new(store);
	while (store_trim_step(trim, 1000) > 0)
		;
	store_trim_free(trim);
	while (store_vacuum_step(store, MIB / 2, 0) > 0)
		;
	for (uint32_t window = 30; window < 100 && r == 0; window++) {
		int64_t set = 0;

		cr_assert_eq(store_add_set(store, &session, 1, &set), 0);
		r = store_begin(store);
		for (int64_t i = 1; i <= 2000 && r == 0; i++)
			r = store_add_sample(store, set, window, i, i, 2);
		r = r == 0 ? store_commit(store) : r;
	}
	cr_expect_lt(r, 0);
	store_rollback(store);
	store_free(store);
}
