/* SPDX-License-Identifier: MIT */
/* A database that has reached its size: the event loop makes room in it. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/manager/internal.h"
#include "tests/support/store_world.h"

#define MIB    (UINT64_C(1) << 20)
#define WINDOW (START / OX_WINDOW_USEC)

static sd_event *event;
static struct manager *manager;

static void start_manager(const char *max_size)
{
	struct failure failure;
	struct config config;

	config_init(&config);
	config.max_size = (struct config_size){.bytes = strtoull(max_size, NULL, 10) * MIB};
	config.keep_free = (struct config_size){0};
	snprintf(config.database, sizeof(config.database), "%s", store_world.path);
	snprintf(config.symbolizer, sizeof(config.symbolizer), "%s", OX_SYMBOLIZER_BUILT);
	cr_assert_eq(manager_new(event, &config, &manager, &failure), 0, "%s", failure.text);
}

static void set_up(void)
{
	store_world_set_up();
	cr_assert_geq(sd_event_new(&event), 0);
}

static void tear_down(void)
{
	manager_free(manager);
	sd_event_unref(event);
	store_world_tear_down();
}

TestSuite(retention, .init = set_up, .fini = tear_down, .timeout = 300);

/* Adds a window with 4000 samples, and so many stacks that are in no other one. */
static void add_window(struct store *store, int64_t session, uint32_t window, int64_t n_stacks)
{
	int64_t set = 0, task, frame, node = 0, root;

	cr_assert_eq(store_begin(store), 0, "%s", store_error(store));
	cr_assert_eq(store_add_set(store, &session, 1, &set), 0);
	task = store_world_add_task(store, 42, 1000);
	frame = store_world_add_frame(store, "main", FRAME_NATIVE);
	cr_assert_eq(store_add_node(store, 0, frame, &root), 0);
	for (int64_t i = 0; i < n_stacks; i++) {
		cr_assert_eq(store_add_node(store, root, frame + (window - WINDOW) * n_stacks + i,
					    &node),
			     0);
		cr_assert_eq(store_add_sample(store, set, window, task, node, 1), 0, "%s",
			     store_error(store));
	}
	for (int64_t i = n_stacks; i < 4000; i++)
		cr_assert_eq(store_add_sample(store, set, window, task, i % 2 ? root : 0, 1), 0);
	cr_assert_eq(store_commit(store), 0, "%s", store_error(store));
}

static void check(void)
{
	manager->retention.next_ns = 0;
	manager_check_room(manager);
	while (manager->retention.phase != RETENTION_IDLE)
		cr_assert_geq(sd_event_run(event, UINT64_MAX), 0);
}

static uint64_t used_bytes(void)
{
	struct store_room room;

	cr_assert_eq(store_get_room(manager->store, &room), 0);
	return room.used_bytes;
}

Test(retention, nothing_goes_below_the_limit)
{
	int64_t session;

	start_manager("8");
	session = store_world_add_session(manager->store, START);
	for (uint32_t i = 0; i < 10; i++)
		add_window(manager->store, session, WINDOW + i, 1000);
	check();
	cr_expect_eq(manager_history_since(manager), WINDOW * OX_WINDOW_USEC);
	cr_expect_eq(manager_database_limit(manager), 8 * MIB);
	assert_answer("SELECT count(DISTINCT t) FROM sample", "10");
}

Test(retention, it_stays_below_the_limit_whatever_comes)
{
	uint64_t most = 0;
	int64_t session;

	start_manager("4");
	session = store_world_add_session(manager->store, START);
	for (uint32_t i = 0; i < 80; i++) {
		add_window(manager->store, session, WINDOW + i, 1000);
		check();
		most = used_bytes() > most ? used_bytes() : most;
	}
	cr_expect_leq(most, 4 * MIB / 10 * 9);
	cr_expect_geq(used_bytes(), 2 * MIB); /* not much more than needed is gone */
	cr_expect_leq(manager_database_bytes(manager), 4 * MIB);
	cr_expect_gt(manager_history_since(manager), WINDOW * OX_WINDOW_USEC);
	assert_answer("SELECT max(t) - 176000000, count(DISTINCT t) = 1 + max(t) - min(t) FROM "
		      "sample",
		      "79|1");
	assert_answer("SELECT samples FROM sessions", "320000");
	/* Windows go as a whole. */
	assert_answer(
		"SELECT DISTINCT samples FROM (SELECT sum(n) AS samples FROM sample GROUP BY t)",
		"4000");
	assert_answer("SELECT count(*) FROM sample WHERE node > 0 AND node NOT IN "
		      "(SELECT id FROM node)",
		      "0");
	assert_answer("PRAGMA integrity_check", "ok");
}

/* Stacks that nobody refers to take most of the room here. */
Test(retention, what_nothing_refers_to_makes_room_too)
{
	int64_t session;

	start_manager("64");
	session = store_world_add_session(manager->store, START);
	for (uint32_t i = 0; i < 60; i++)
		add_window(manager->store, session, WINDOW + i, 4000);
	manager_free(manager);
	manager = NULL;
	store_world_execute(
		"DELETE FROM sample WHERE t < 176000056; DELETE FROM sample_hour;"
		"INSERT INTO sample_hour SELECT session_set, t / 360, task, node, kind, "
		"sum(n) FROM sample GROUP BY 1, 2, 3, 4, 5");
	start_manager("6");
	cr_expect_gt(used_bytes(), 6 * MIB);
	check();
	cr_expect_leq(used_bytes(), 6 * MIB / 10 * 8);
	/* The file was larger than it may be. */
	cr_expect_leq(manager_database_bytes(manager), 6 * MIB);
	assert_answer("SELECT max(t) - 176000000 FROM sample", "59");
	assert_answer("SELECT count(*) FROM session_set", "1");
}

Test(retention, one_window_that_is_too_large_is_not_tried_for_ever)
{
	int64_t session;

	start_manager("1");
	session = store_world_add_session(manager->store, START);
	for (int64_t n = 4000; used_bytes() < MIB / 10 * 9; n += 1000)
		add_window(manager->store, session, WINDOW, n);
	check();
	cr_expect_gt(manager->retention.next_ns, clock_monotonic_ns() + UINT64_C(30000000000));
	assert_answer("SELECT count(DISTINCT t) FROM sample", "1");
}
