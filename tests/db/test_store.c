/* SPDX-License-Identifier: MIT */
/* Reading what was written: rows, roll-ups, sessions, views. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/loss.h"
#include "tests/support/store_world.h"

TestSuite(store, .init = store_world_set_up, .fini = store_world_tear_down);

/* The results of the reading functions, as text. */
struct read_rows {
	char text[4096];
	int n;
	int stop; /* returned at the first call if not 0 */
};

static void tell(struct read_rows *told, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void tell(struct read_rows *told, const char *format, ...)
{
	size_t length = strlen(told->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(told->text + length, sizeof(told->text) - length, format, arguments);
	va_end(arguments);
	told->n++;
}

static int on_session(void *userdata, const struct store_session *session)
{
	struct read_rows *told = userdata;

	tell(told, "%lld %llu-%llu %s %llu [%s] %u %llu\n", (long long)session->id,
	     (unsigned long long)session->started_usec, (unsigned long long)session->ended_usec,
	     session->mode, (unsigned long long)session->interval_ns, session->targets,
	     session->owner, (unsigned long long)session->samples);
	return told->stop;
}

static int on_loss(void *userdata, const char *reason, uint64_t n)
{
	tell(userdata, "%s %llu\n", reason, (unsigned long long)n);
	return ((struct read_rows *)userdata)->stop;
}

static int on_node(void *userdata, int64_t id, int64_t parent, int64_t frame)
{
	tell(userdata, "%lld<%lld:%lld ", (long long)id, (long long)parent, (long long)frame);
	return ((struct read_rows *)userdata)->stop;
}

static int on_frame(void *userdata, int64_t id, const struct frame *frame)
{
	tell(userdata, "%lld %d %s %s %s %s %u %llx\n", (long long)id, frame->kind, frame->function,
	     frame->module, frame->file, frame->build_id, frame->line,
	     (unsigned long long)frame->offset);
	return ((struct read_rows *)userdata)->stop;
}

static int on_task(void *userdata, const struct store_task *task)
{
	const struct store_process *p = &task->process;

	tell(userdata, "%lld %lld %u %s: %u %llu %u %u %s %s %s %s %s %s\n", (long long)task->id,
	     (long long)task->process_id, task->tid, task->comm, p->pid,
	     (unsigned long long)p->started_usec, p->exec_id, p->uid, p->comm, p->exe, p->cmdline,
	     p->user, p->unit, p->cgroup);
	return ((struct read_rows *)userdata)->stop;
}

/* ---- what was added is read again ---- */

Test(store, reads_back_what_was_added)
{
	struct store *store = store_world_open();
	struct read_rows told = {};

	store_world_fill(store);
	cr_assert_eq(store_foreach_session(store, &(struct store_range){STORE_WORLD_ALL},
					   on_session, &told),
		     0);
	cr_assert_str_eq(told.text,
			 "1 1760000000000000-0 cpu 10101010 [pid:42 comm:nginx] 1000 11\n");
	told = (struct read_rows){};
	cr_assert_eq(store_foreach_node(store, 0, on_node, &told), 0);
	cr_assert_str_eq(told.text, "1<0:1 2<1:2 3<2:1 4<3:3 ");
	told = (struct read_rows){};
	cr_assert_eq(store_foreach_node(store, 3, on_node, &told), 0);
	cr_assert_str_eq(told.text, "3<2:1 4<3:3 ");
	told = (struct read_rows){};
	cr_assert_eq(store_foreach_frame(store, 2, on_frame, &told), 0);
	cr_assert_str_eq(told.text, "2 0 work app /srv/app 00ff 7 fffffffffffffffe\n"
				    "3 1 leaf kernel  00ff 7 fffffffffffffffe\n");
	told = (struct read_rows){};
	cr_assert_eq(store_foreach_task(store, 1, on_task, &told), 0);
	cr_assert_str_eq(told.text, "1 1 42 app: 42 1759999999500000 1 1000 app     \n");
	told = (struct read_rows){};
	cr_assert_eq(store_foreach_session_loss(store, 1, on_loss, &told), 0);
	cr_assert_str_eq(told.text, "full 1\nlate 6\n");
	cr_assert_gt(store_bytes(store), 4096);
	store_free(store);
}

Test(store, a_callback_stops_the_reading)
{
	struct store *store = store_world_open();
	struct read_rows told = {.stop = -ECANCELED};

	store_world_fill(store);
	cr_assert_eq(store_foreach_node(store, 0, on_node, &told), -ECANCELED);
	cr_assert_eq(store_foreach_frame(store, 0, on_frame, &told), -ECANCELED);
	cr_assert_eq(store_foreach_task(store, 1, on_task, &told), -ECANCELED);
	cr_assert_eq(store_foreach_session_loss(store, 1, on_loss, &told), -ECANCELED);
	cr_assert_eq(store_foreach_session(store, &(struct store_range){STORE_WORLD_ALL},
					   on_session, &told),
		     -ECANCELED);
	cr_assert_eq(told.n, 5);
	store_free(store);
}

Test(store, losses_are_asked_for_by_time)
{
	struct store *store = store_world_open();
	struct store_range first = {START, START + OX_WINDOW_USEC, 0, UINT32_MAX};
	struct store_range second = {START + OX_WINDOW_USEC, UINT64_MAX, 0, UINT32_MAX};
	struct read_rows told = {};

	store_world_fill(store);
	cr_assert_eq(store_foreach_loss(store, &first, on_loss, &told), 0);
	cr_assert_eq(store_foreach_loss(store, &second, on_loss, &told), 0);
	cr_assert_str_eq(told.text, "full 1\nlate 6\n");
	store_free(store);
}

Test(store, adding_again_finds_the_same_row)
{
	struct store *store = store_world_open();
	int64_t ids[2][4];

	cr_assert_eq(store_begin(store), 0);
	for (int i = 0; i < 2; i++) {
		ids[i][0] = store_world_add_task(store, 42, 0);
		ids[i][1] = store_world_add_frame(store, "main", FRAME_NATIVE);
		ids[i][2] = store_world_add_frame(store, "main", FRAME_PYTHON);
		ids[i][3] = store_world_add_node(store, 0, "main");
	}
	cr_assert_eq(store_commit(store), 0);
	cr_assert_eq(memcmp(ids[0], ids[1], sizeof(ids[0])), 0);
	cr_assert_neq(ids[0][1], ids[0][2]);
	store_free(store);
}

Test(store, a_process_learns_what_was_unknown)
{
	struct store *store = store_world_open();
	struct store_process process = {.pid = 1,
					.comm = "",
					.exe = "",
					.cmdline = "",
					.user = "",
					.unit = "",
					.cgroup = ""};
	int64_t id, again;

	cr_assert_eq(store_add_process(store, &process, &id), 0);
	process.comm = "app";
	process.unit = "app.service";
	cr_assert_eq(store_add_process(store, &process, &again), 0);
	cr_assert_eq(id, again);
	process.comm = "other"; /* the last one counts */
	process.exe = "/bin/app";
	cr_assert_eq(store_add_process(store, &process, &again), 0);
	cr_assert_eq(id, again);
	process.exec_id = 1;
	cr_assert_eq(store_add_process(store, &process, &again), 0);
	cr_assert_neq(id, again);
	assert_answer("SELECT comm, exe, unit, user FROM processes",
		      "other|/bin/app|app.service|NULL\nother|/bin/app|app.service|NULL");
	store_free(store);
}

Test(store, rollback_leaves_nothing)
{
	struct store *store = store_world_open();
	struct read_rows told = {};

	store_world_fill(store);
	cr_assert_eq(store_begin(store), 0);
	store_world_add_sample(store, 1, 0, 1, 1, 100);
	store_world_add_sample(store, 1, 9, 1, 1, 100);
	store_world_add_node(store, 0, "gone");
	store_rollback(store);
	store_rollback(store);
	cr_assert_eq(store_commit(store), -EINVAL);
	cr_assert_eq(store_begin(store), 0);
	store_world_add_sample(store, 1, 9, 1, 1, 1);
	cr_assert_eq(store_commit(store), 0);
	cr_assert_eq(store_foreach_session(store, &(struct store_range){STORE_WORLD_ALL},
					   on_session, &told),
		     0);
	cr_assert_not_null(strstr(told.text, " 12\n"), "%s", told.text);
	assert_answer("SELECT count(*) FROM function WHERE function = 'gone'", "0");
	assert_answer("SELECT sum(n), (SELECT samples FROM sessions) FROM sample", "12|12");
	store_free(store);
}

Test(store, what_is_given_wrongly_is_refused)
{
	struct store *store = store_world_open();
	int64_t id;

	cr_assert_eq(store_add_sample(store, 99, 0, 1, 1, 1), -ENOENT);
	cr_assert_not_null(strstr(store_error(store), "99"));
	cr_assert_eq(store_end_session(store, 99, START), -ENOENT);
	cr_assert_eq(store_add_task(store, 1, 1, NULL, &id), -EINVAL);
	cr_assert_eq(store_begin(store), 0);
	cr_assert_eq(store_commit(store), 0);
	store_free(store);
}

/* ---- roll-ups ---- */

#define MAX_HITS 8192

struct kept_hits {
	struct {
		int64_t task, node, n;
	} rows[MAX_HITS];
	size_t n;
};

static int on_hit(void *userdata, int64_t task, int64_t node, uint64_t n)
{
	struct kept_hits *hits = userdata;

	cr_assert_lt(hits->n, MAX_HITS);
	hits->rows[hits->n].task = task;
	hits->rows[hits->n].node = node;
	hits->rows[hits->n++].n = n;
	return 0;
}

static int hits_compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	if (x[0] != y[0])
		return x[0] < y[0] ? -1 : 1;
	return x[1] < y[1] ? -1 : x[1] > y[1];
}

/* Adds up hits from the rows of windows alone. ret: first start, last end. */
static void hits_by_hand(sqlite3 *db, const struct store_range *range, struct kept_hits *hits,
			 uint64_t ret[2])
{
	static const char rows[] =
		" FROM sample WHERE t * 10000000 < ?2 AND (t + 1) * 10000000 > ?1";
	char sql[2048];
	sqlite3_stmt *statement;

	snprintf(sql, sizeof(sql), "SELECT task, node, sum(n)%s GROUP BY 1, 2 ORDER BY 1, 2", rows);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
		sqlite3_bind_int64(statement, 1, range->since_usec);
		sqlite3_bind_int64(statement, 2,
				   range->until_usec == UINT64_MAX ? INT64_MAX / 2
								   : (int64_t)range->until_usec);
		while (sqlite3_step(statement) == SQLITE_ROW) {
			if (i == 0)
				on_hit(hits, sqlite3_column_int64(statement, 0),
				       sqlite3_column_int64(statement, 1),
				       sqlite3_column_int64(statement, 2));
			ret[0] = sqlite3_column_int64(statement, 0);
			ret[1] = sqlite3_column_int64(statement, 1);
		}
		sqlite3_finalize(statement);
		snprintf(sql, sizeof(sql),
			 "SELECT min(max(t * 10000000, coalesce((SELECT started FROM session"
			 " WHERE id = session_set AND started / 10000000 = t), 0))),"
			 " max(min((t + 1) * 10000000, coalesce((SELECT ended FROM session"
			 " WHERE id = session_set AND ended / 10000000 = t), %lld)))%s",
			 (long long)INT64_MAX, rows);
	}
}

static void assert_range(struct store *store, sqlite3 *db, uint64_t since, uint64_t until)
{
	static struct kept_hits by_store, by_hand;
	struct store_range range = {since, until, 0, UINT32_MAX};
	uint64_t cover[2] = {1, 1}, cover_by_hand[2];

	by_store.n = by_hand.n = 0;
	cr_assert_eq(store_foreach_hits(store, &range, on_hit, &by_store, &cover[0], &cover[1]), 0);
	qsort(by_store.rows, by_store.n, sizeof(by_store.rows[0]), hits_compare);
	hits_by_hand(db, &range, &by_hand, cover_by_hand);
	cr_assert_eq(by_store.n, by_hand.n, "%llu-%llu: %zu, by hand %zu",
		     (unsigned long long)since, (unsigned long long)until, by_store.n, by_hand.n);
	cr_assert_eq(memcmp(by_store.rows, by_hand.rows, by_hand.n * sizeof(by_hand.rows[0])), 0,
		     "%llu-%llu", (unsigned long long)since, (unsigned long long)until);
	cr_assert_eq(memcmp(cover, cover_by_hand, sizeof(cover)), 0, "%llu-%llu: %llu-%llu",
		     (unsigned long long)since, (unsigned long long)until,
		     (unsigned long long)cover[0], (unsigned long long)cover[1]);
}

static void assert_ranges(struct store *store)
{
	const uint64_t hour = 360 * OX_WINDOW_USEC, span = 8 * hour;
	sqlite3 *db = NULL;

	cr_assert_eq(sqlite3_open_v2(store_world.path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_range(store, db, 0, UINT64_MAX);
	assert_range(store, db, START, START);
	assert_range(store, db, START + span * 2, UINT64_MAX);
	for (uint64_t h = 0; h < 4; h++)
		for (uint64_t off = 0; off < 3; off++)
			assert_range(store, db, START + h * hour + off - 1,
				     START + (h + 2) * hour + 1 - off);
	for (int i = 0; i < 300; i++) {
		uint64_t since = START - hour / 2 + random() % span;
		uint64_t until = since + random() % (i % 2 ? hour : span);

		if (i % 3 == 0)
			since -= (since - START) % OX_WINDOW_USEC;
		assert_range(store, db, since, i % 10 ? until : UINT64_MAX);
	}
	sqlite3_close(db);
}

static size_t count_hits(struct store *store, uint64_t since, uint64_t until)
{
	static struct kept_hits hits;
	struct store_range range = {since, until, 0, UINT32_MAX};
	uint64_t cover[2];

	hits.n = 0;
	cr_assert_eq(store_foreach_hits(store, &range, on_hit, &hits, &cover[0], &cover[1]), 0);
	return hits.n;
}

static void add_random_windows(struct store *store, int64_t session, uint32_t from, uint32_t to)
{
	for (uint32_t window = from; window < to; window += 1 + random() % 3) {
		cr_assert_eq(store_begin(store), 0);
		for (int i = random() % 4; i >= 0; i--)
			store_world_add_sample(store, session, window, 1 + random() % 3,
					       random() % 7, 1 + random() % 5);
		/* Some samples come late, when their hour has been rolled up. */
		if (random() % 8 == 0)
			store_world_add_sample(store, session, window / 2, 1, 1, 1);
		cr_assert_eq(store_commit(store), 0, "%s", store_error(store));
	}
}

Test(store, rollups_give_what_the_windows_give)
{
	const uint64_t hour = 360 * OX_WINDOW_USEC;
	struct store *store = store_world_open();
	int64_t ids[4];

	srandom(1);
	ids[0] = store_world_add_session(store, START);
	add_random_windows(store, ids[0], 0, 800);
	assert_ranges(store); /* running, in the midst of an hour */
	cr_assert_eq(store_end_session(store, ids[0], START + 799 * OX_WINDOW_USEC + 3000000), 0);
	ids[1] = store_world_add_session(store, START + 3 * hour + 1234567);
	add_random_windows(store, ids[1], 5, 361);
	cr_assert_eq(store_end_session(store, ids[1], START + 4 * hour + 20000000), 0);
	ids[2] = store_world_add_session(store, START + 4 * hour + 30000000); /* short */
	add_random_windows(store, ids[2], 0, 1);
	cr_assert_eq(store_end_session(store, ids[2], START + 4 * hour + 30500000), 0);
	ids[3] = store_world_add_session(store, START + 5 * hour); /* never ended */
	add_random_windows(store, ids[3], 0, 400);
	cr_assert_eq(count_hits(store, START + 4 * hour + 20000000, START + 4 * hour + 30000000),
		     0);
	cr_assert_gt(count_hits(store, START + 4 * hour + 39999999, START + 4 * hour + 40000000), 0,
		     "a window counts as a whole, also where its session ended in it");
	add_random_windows(store, ids[0], 790, 820); /* after its end */
	assert_ranges(store);
	assert_answer("SELECT count(*) FROM session WHERE samples <>"
		      " (SELECT sum(n) FROM sample WHERE session_set = session.id)",
		      "0");
	store_free(store);
	store = store_world_open();
	assert_ranges(store);
	cr_assert_eq(store_end_left_sessions(store), 1);
	cr_assert_eq(store_end_left_sessions(store), 0);
	assert_ranges(store);
	assert_answer("SELECT sum(n) = (SELECT sum(n) FROM sample WHERE t < rolled)"
		      " FROM sample_hour, rollup",
		      "1");
	store_free(store);
}

Test(store, rows_in_an_open_transaction_are_counted)
{
	struct store *store = store_world_open();
	struct store_range all = {STORE_WORLD_ALL};
	struct kept_hits *hits = calloc(1, sizeof(*hits));
	uint64_t since, until;

	store_world_fill(store);
	cr_assert_eq(store_begin(store), 0);
	store_world_add_sample(store, 1, 500, 1, 1, 70);
	cr_assert_eq(store_foreach_hits(store, &all, on_hit, hits, &since, &until), 0);
	cr_assert_eq(hits->n, 5);
	cr_assert_eq(until, START + 501 * OX_WINDOW_USEC);
	cr_assert_eq(store_commit(store), 0);
	free(hits);
	store_free(store);
}

/* ---- sessions ---- */

static void expect_sessions(struct store *store, struct store_range range, const char *ids)
{
	struct read_rows told = {};
	char got[64] = {};
	size_t n = 0;

	cr_assert_eq(store_foreach_session(store, &range, on_session, &told), 0);
	for (char *line = told.text; *line; line = strchr(line, '\n') + 1)
		got[n++] = *line;
	cr_expect_str_eq(got, ids, "%s, not %s", got, ids);
}

/* A session is its owner's: that a process of another user was sampled in it tells that user
 * nothing. */
Test(store, sessions_are_chosen_by_time_and_owner)
{
	struct store *store = store_world_open();
	int64_t first, second, task;

	first = store_world_fill(store); /* owned by 1000 */
	cr_assert_eq(store_end_session(store, first, START + 20000000), 0);
	second = store_world_add_session_of(store, START + 60000000, 33);
	task = store_world_add_task(store, 43, 1000);
	store_world_add_sample(store, second, 0, task, 1, 1);
	for (int ended = 0; ended < 2; ended++) {
		expect_sessions(store, (struct store_range){STORE_WORLD_ALL}, "21");
		expect_sessions(store, (struct store_range){0, UINT64_MAX, 0, 1000}, "1");
		expect_sessions(store, (struct store_range){0, UINT64_MAX, 0, 33}, "2");
		expect_sessions(store, (struct store_range){0, UINT64_MAX, 0, 34}, "");
		expect_sessions(store, (struct store_range){0, UINT64_MAX, 1, UINT32_MAX}, "1");
		expect_sessions(store, (struct store_range){0, UINT64_MAX, 1, 33}, "");
		cr_assert_eq(store_end_session(store, second, START + 70000000), 0);
	}
	expect_sessions(
		store, (struct store_range){START + 20000000, START + 60000000, 0, UINT32_MAX}, "");
	expect_sessions(store,
			(struct store_range){START + 19999999, START + 60000001, 0, UINT32_MAX},
			"21");
	store_free(store);
}

Test(store, left_sessions_end_with_their_last_window)
{
	struct store *store = store_world_open();

	store_world_fill(store);
	store_world_add_session(store, START + 100000000); /* without a row */
	cr_assert_eq(store_end_left_sessions(store), 2);
	assert_answer("SELECT ended FROM sessions", "2025-10-09T08:53:40Z\n2025-10-09T08:55:00Z");
	store_free(store);
}

Test(store, a_session_does_not_end_before_it_began)
{
	struct store *store = store_world_open();

	cr_assert_eq(store_end_session(store, store_world_add_session(store, START), START - 1), 0);
	assert_answer("SELECT started = ended FROM sessions", "1");
	store_free(store);
}

/* ---- views ---- */

Test(store, views_show_what_people_look_for)
{
	struct store *store = store_world_open();
	int64_t session = store_world_fill(store);

	for (int ended = 0; ended < 2; ended++) {
		assert_answer("SELECT name, function, module, file, kind, self_hits, total_hits"
			      " FROM functions ORDER BY total_hits DESC, name",
			      "main(app)|main|app|/srv/app|native|3|10\n"
			      "work(app)|work|app|/srv/app|native|2|10\n"
			      "leaf(kernel)|leaf|kernel|NULL|kernel|5|5");
		assert_answer("SELECT * FROM history ORDER BY time, name",
			      "2025-10-09T08:53:20Z|10|1|42|app|NULL|leaf(kernel)|kernel|5|5|1\n"
			      "2025-10-09T08:53:20Z|10|1|42|app|NULL|main(app)|native|0|7|1\n"
			      "2025-10-09T08:53:20Z|10|1|42|app|NULL|work(app)|native|2|7|1\n"
			      "2025-10-09T08:53:30Z|10|1|42|app|NULL|main(app)|native|3|3|1\n"
			      "2025-10-09T08:53:30Z|10|1|42|app|NULL|work(app)|native|0|3|1");
		assert_answer("SELECT * FROM stacks ORDER BY time, hits",
			      "2025-10-09T08:53:20Z|1|42|app|main(app);work(app)|2|1\n"
			      "2025-10-09T08:53:20Z|1|42|app|"
			      "main(app);work(app);main(app);leaf(kernel)|5|1\n"
			      "2025-10-09T08:53:30Z|1|42|app|NULL|1|1\n"
			      "2025-10-09T08:53:30Z|1|42|app|main(app);work(app);main(app)|3|1");
		assert_answer("SELECT * FROM losses ORDER BY time",
			      "2025-10-09T08:53:20Z|1|full|1\n2025-10-09T08:53:30Z|1|late|6");
		assert_answer("SELECT * FROM processes",
			      "42|2025-10-09T08:53:19Z|app|NULL|NULL|NULL|NULL|NULL|1000");
		assert_answer("SELECT * FROM sessions",
			      ended ? "1|2025-10-09T08:53:20Z|2025-10-09T08:53:45Z|cpu|10101010|"
				      "pid:42 comm:nginx|11|7|1000"
				    : "1|2025-10-09T08:53:20Z|NULL|cpu|10101010|"
				      "pid:42 comm:nginx|11|7|1000");
		cr_assert_eq(store_end_session(store, session, START + 25000000), 0);
	}
	store_free(store);
}

Test(store, views_tell_python_from_native)
{
	struct frame frame = {.kind = FRAME_PYTHON,
			      .function = "View.get",
			      .module = "web.views",
			      .file = "/srv/web/views.py",
			      .build_id = "",
			      .line = 12};
	struct store *store = store_world_open();
	int64_t session, id, node;

	cr_assert_eq(store_begin(store), 0);
	session = store_world_add_session(store, START);
	cr_assert_eq(store_add_frame(store, &frame, &id), 0);
	cr_assert_eq(store_add_node(store, store_world_add_node(store, 0, "main"), id, &node), 0);
	store_world_add_sample(store, session, 0, store_world_add_task(store, 42, 1000),
			       store_world_add_node(store, node, "deflate"), 5);
	cr_assert_eq(store_commit(store), 0);
	assert_answer("SELECT name, function, module, file, kind, self_hits, total_hits"
		      " FROM functions WHERE kind = 'python'",
		      "View.get(web.views)|View.get|web.views|/srv/web/views.py|python|0|5");
	assert_answer("SELECT name, kind FROM history ORDER BY name",
		      "View.get(web.views)|python\ndeflate(app)|native\nmain(app)|native");
	assert_answer("SELECT folded FROM stacks", "main(app);View.get(web.views);deflate(app)");
	store_free(store);
}

/* A sample that is there in part is not lost; the client and the view mean the same reasons. */
Test(store, lost_are_the_samples_that_are_missing)
{
	static const char *const in_part[] = {OX_LOSSES_IN_PART};
	struct store *store = store_world_open();
	int64_t session = store_world_add_session(store, START);

	for (size_t i = 0; i < array_length(in_part); i++)
		cr_assert_eq(store_add_loss(store, session, store_world_window(session, 0),
					    in_part[i], 100),
			     0);
	cr_assert_eq(store_add_loss(store, session, store_world_window(session, 0), "late", 1), 0);
	cr_assert_eq(store_add_loss(store, session, store_world_window(session, 0), "store", 2), 0);
	assert_answer("SELECT lost FROM sessions", "3");
	store_free(store);
}

static int64_t add_unnamed(struct store *store, const char *function, const char *build_id,
			   uint64_t offset)
{
	struct frame frame = {.function = function,
			      .module = "libz.so",
			      .file = "/lib/libz.so",
			      .build_id = build_id,
			      .offset = offset};
	int64_t id;

	cr_assert_eq(store_add_frame(store, &frame, &id), 0);
	return id;
}

/* A frame that got its name later stands beside an equal one; people see one function. */
Test(store, a_frame_gets_its_name_later)
{
	struct frame name = {.function = "deflate",
			     .module = "libz.so",
			     .file = "/src/z.c",
			     .build_id = "cd",
			     .line = 5,
			     .offset = 0x1010};
	struct store *store = store_world_open();
	struct read_rows told = {};
	int64_t first, second, equal, node, session, task;

	store_world_fill(store);
	first = add_unnamed(store, "+0x1010", "cd", 0x1010);
	add_unnamed(store, "+0x1", "", 1);
	add_unnamed(store, "x+0x1", "cd", 1);
	second = add_unnamed(store, "+0x1020", "cd", UINT64_MAX);
	cr_assert_eq(store_find_last_frame(store, &node), 0);
	cr_assert_eq(node, second);
	cr_assert_eq(store_foreach_unnamed(store, 1, second + 1, on_frame, &told), 0);
	cr_assert_str_eq(told.text, "4 0  libz.so /lib/libz.so cd 0 1010\n"
				    "7 0  libz.so /lib/libz.so cd 0 ffffffffffffffff\n");
	told = (struct read_rows){.stop = -EINTR};
	cr_assert_eq(store_foreach_unnamed(store, first, second, on_frame, &told), -EINTR);
	told = (struct read_rows){};
	cr_assert_eq(store_foreach_unnamed(store, first + 1, second, on_frame, &told), 0);
	cr_assert_str_empty(told.text);

	session = store_world_add_session(store, START + 60000000);
	task = store_world_add_task(store, 9, 0);
	cr_assert_eq(store_add_node(store, 0, first, &node), 0);
	store_world_add_sample(store, session, 0, task, node, 10);
	cr_assert_eq(store_add_frame(store, &name, &equal), 0);
	cr_assert_eq(store_add_node(store, 0, equal, &node), 0);
	store_world_add_sample(store, session, 0, task, node, 20);
	cr_assert_eq(store_rename_frame(store, first, &name), 0, "%s", store_error(store));
	assert_answer("SELECT name, file, total_hits FROM functions WHERE module = 'libz.so'",
		      "deflate(libz.so)|/src/z.c|30");
	assert_answer("SELECT line, build_id, offset FROM frame WHERE id = 4", "5|cd|4112");
	cr_assert_eq(store_add_frame(store, &name, &equal), 0);
	cr_expect_eq(equal, first, "of equal ones the smallest id");
	told = (struct read_rows){};
	cr_assert_eq(store_foreach_unnamed(store, 1, INT64_MAX, on_frame, &told), 0);
	cr_assert_eq(told.n, 1);
	store_free(store);
}

Test(store, views_keep_their_columns_in_order)
{
	store_free(store_world_open());
	assert_answer("SELECT m.name, group_concat(c.name, ' ') FROM sqlite_schema m,"
		      " pragma_table_info(m.name) c WHERE m.type = 'view' GROUP BY 1",
		      "functions|name function module file kind self_hits total_hits\n"
		      "history|time seconds session pid comm unit name kind self_hits total_hits "
		      "sessions\n"
		      "losses|time session reason count\n"
		      "processes|pid started comm exe cmdline user unit cgroup owner\n"
		      "sessions|id started ended mode interval_ns targets samples lost owner\n"
		      "stacks|time session pid comm folded hits sessions");
}

/* As in folded output. */
Test(store, a_semicolon_in_a_name_divides_no_stack)
{
	struct store *store = store_world_open();
	int64_t session = store_world_add_session(store, START),
		node = store_world_add_node(store, store_world_add_node(store, 0, "a;b"), "c;");

	store_world_add_sample(store, session, 0, store_world_add_task(store, 42, 0), node, 1);
	assert_answer("SELECT folded FROM stacks", "a:b(app);c:(app)");
	store_free(store);
}

Test(store, an_unknown_function_has_a_name)
{
	struct store *store = store_world_open();
	struct frame frame = {.function = "", .module = "", .file = "", .build_id = ""};
	int64_t id, node;

	cr_assert_eq(store_add_frame(store, &frame, &id), 0);
	cr_assert_eq(store_add_node(store, 0, id, &node), 0);
	store_world_add_sample(store, store_world_add_session(store, START), 0,
			       store_world_add_task(store, 1, 0), node, 1);
	assert_answer("SELECT name, function, module, file, kind FROM functions",
		      "[unknown]|NULL|NULL|NULL|native");
	store_free(store);
}
