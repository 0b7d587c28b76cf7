/* SPDX-License-Identifier: MIT */
/* Rows that nothing refers to are deleted; those that somebody knows or refers to are not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "tests/support/store_world.h"

TestSuite(store_garbage, .init = store_world_set_up, .fini = store_world_tear_down);

static const char *const dangling =
	"SELECT (SELECT count(*) FROM sample WHERE session_set NOT IN (SELECT id FROM session_set) "
	"	OR task NOT IN (SELECT id FROM task) "
	"	OR (node > 0 AND node NOT IN (SELECT id FROM node))) "
	"+ (SELECT count(*) FROM node WHERE frame NOT IN (SELECT id FROM frame) "
	"	OR (parent > 0 AND parent NOT IN (SELECT id FROM node))) "
	"+ (SELECT count(*) FROM frame WHERE function NOT IN (SELECT id FROM function)) "
	"+ (SELECT count(*) FROM task WHERE process NOT IN (SELECT id FROM process)) "
	"+ (SELECT count(*) FROM member WHERE session_set NOT IN (SELECT id FROM session_set))";

static struct store_garbage *find_garbage(void)
{
	static const atomic_bool stop;
	struct store_garbage *garbage = NULL;
	struct store *reader = NULL;
	_cleanup_free_ char *why = NULL;

	cr_assert_eq(store_open_reader(store_world.path, &stop, &reader, &why), 0, "%s", why);
	cr_assert_eq(store_find_garbage(reader, &garbage), 0, "%s", store_error(reader));
	store_free(reader);
	return garbage;
}

/* Deletes step by step; nothing may dangle after any of them. */
static void delete_garbage(struct store *store, struct store_garbage *garbage)
{
	int r;

	do {
		r = store_garbage_step(store, garbage, 0);
		cr_assert_geq(r, 0, "%s", store_error(store));
		assert_answer(dangling, "0");
	} while (r > 0);
	store_garbage_free(garbage);
	store_end_garbage(store);
}

/* Adds a window with a process, a thread, a stack of two frames and a set of its own, and a root
 * that all have. Returns the session. */
static int64_t add_window(struct store *store, uint32_t n, const char *function)
{
	int64_t session = store_world_add_session(store, START + n * OX_WINDOW_USEC);
	int64_t task, node;

	cr_assert_eq(store_begin(store), 0);
	task = store_world_add_task(store, 40 + n, 1000);
	node = store_world_add_node(store, store_world_add_node(store, 0, "main"), function);
	store_world_add_sample(store, session, 0, task, node, 1);
	cr_assert_eq(store_commit(store), 0);
	return session;
}

static void delete_windows(const char *which)
{
	_cleanup_free_ char *sql = NULL;

	cr_assert_geq(asprintf(&sql,
			       "DELETE FROM sample WHERE t %s; DELETE FROM sample_hour; "
			       "UPDATE rollup SET rolled = 0",
			       which),
		      0);
	store_world_execute(sql);
}

static const char *const counts =
	"SELECT (SELECT count(*) FROM session_set), (SELECT count(*) FROM member), "
	"(SELECT count(*) FROM task), (SELECT count(*) FROM process), (SELECT count(*) FROM node), "
	"(SELECT count(*) FROM frame), (SELECT count(*) FROM function), "
	"(SELECT count(*) FROM session)";

Test(store_garbage, what_samples_refer_to_stays)
{
	struct store *store = store_world_open();

	add_window(store, 0, "old");
	add_window(store, 1, "new");
	store_free(store);
	delete_windows("= 176000000");
	store = store_world_open();
	assert_answer(counts, "2|2|2|2|3|3|3|2");
	cr_assert_eq(store_begin_garbage(store), 0);
	delete_garbage(store, find_garbage());
	assert_answer(counts, "1|1|1|1|2|2|2|2");
	assert_answer("SELECT group_concat(function) FROM function", "main,new");
	/* Hours that are rolled up refer to what is not looked for in windows. */
	cr_assert_eq(store_begin_garbage(store), 0);
	add_window(store, 2, "newest");
	delete_garbage(store, find_garbage());
	assert_answer(counts, "2|2|2|2|3|3|3|3");
	store_free(store);
}

Test(store_garbage, what_is_used_while_it_is_looked_for_stays)
{
	struct store *store = store_world_open();
	struct store_garbage *garbage;
	int64_t session = add_window(store, 0, "old"), set = 0;

	add_window(store, 1, "new");
	store_free(store);
	delete_windows("> 0");
	store = store_world_open();
	cr_assert_eq(store_begin_garbage(store), 0);
	garbage = find_garbage();
	/* A row that is known again by its content, and is not written yet. */
	cr_assert_eq(store_add_set(store, &session, 1, &set), 0);
	store_world_add_task(store, 40, 1000);
	store_world_add_node(store, store_world_add_node(store, 0, "main"), "old");
	/* And one whose transaction was rolled back. */
	cr_assert_eq(store_begin(store), 0);
	store_world_add_node(store, 0, "gone");
	store_rollback(store);
	delete_garbage(store, garbage);
	assert_answer(counts, "1|1|1|1|2|2|2|2");
	assert_answer("SELECT group_concat(function) FROM function", "main,old");
	/* Nobody knows them at the next time. */
	cr_assert_eq(store_begin_garbage(store), 0);
	delete_garbage(store, find_garbage());
	assert_answer(counts, "0|0|0|0|0|0|0|2");
	store_free(store);
}

Test(store_garbage, a_new_name_is_in_use)
{
	struct frame named = {.kind = FRAME_NATIVE,
			      .function = "old",
			      .module = "app",
			      .file = "/srv/app",
			      .build_id = "",
			      .line = 0,
			      .offset = 0};
	struct store *store = store_world_open();
	struct store_garbage *garbage;
	int64_t frame;

	add_window(store, 0, "old");
	add_window(store, 1, "new");
	frame = store_world_add_frame(store, "new", FRAME_NATIVE);
	store_free(store);
	delete_windows("= 176000000");
	store = store_world_open();
	cr_assert_eq(store_begin_garbage(store), 0);
	garbage = find_garbage();
	cr_assert_geq(store_rename_frame(store, frame, &named), 0);
	delete_garbage(store, garbage);
	assert_answer("SELECT count(*) FROM function", "3");
	assert_answer("SELECT max(folded) FROM stacks", "main(app);old(app)");
	store_free(store);
}

Test(store_garbage, ids_are_never_used_twice)
{
	struct store *store = store_world_open();
	int64_t before, after;

	add_window(store, 0, "old");
	before = store_world_add_node(store, 0, "main");
	store_free(store);
	delete_windows("> 0");
	store = store_world_open();
	cr_assert_eq(store_begin_garbage(store), 0);
	delete_garbage(store, find_garbage());
	after = store_world_add_node(store, 0, "main");
	cr_expect_gt(after, before + 1);
	store_free(store);
}
