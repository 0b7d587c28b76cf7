/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/api.h"
#include "daemon/cleanup.h"
#include "db/store.h"

#define START UINT64_C(1760000000000000) /* 2025-10-09 08:53:20 UTC */

static char directory[256];
static char path[300];

static void set_up(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(directory, sizeof(directory), "%s/test_store.XXXXXX", base ? base : P_tmpdir);
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/oxprof.db", directory);
}

static void tear_down(void)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	rmdir(directory);
}

TestSuite(store, .init = set_up, .fini = tear_down);

static struct store *open_limited(uint64_t max_bytes)
{
	struct store *store = NULL;
	char *aside = NULL, *why = NULL;
	int r = store_open(path, max_bytes, &store, &aside, &why);

	cr_assert_eq(r, 0, "%s", why ? why : aside);
	return store;
}

static struct store *open_store(void)
{
	return open_limited(0);
}

/* The errno of a store_open() that must fail, with a sentence that names the path or its part. */
static int open_fails(const char *where, const char *what)
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
static char *ask_with(int flags, const char *sql)
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

static void assert_answer(const char *sql, const char *expected)
{
	_cleanup_free_ char *answer = ask_with(SQLITE_OPEN_READONLY, sql);

	cr_assert_str_eq(answer, expected, "%s\n%s\nexpected\n%s", sql, answer, expected);
}

static void execute(const char *sql)
{
	sqlite3 *db = NULL;

	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* ---- a small world ---- */

static int64_t add_session(struct store *store, uint64_t started_usec)
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

static int64_t add_task(struct store *store, uint32_t pid, uint32_t uid)
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

static int64_t add_frame(struct store *store, const char *function, enum frame_kind kind)
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

static int64_t add_node(struct store *store, int64_t parent, const char *function)
{
	int64_t id = 0;

	cr_assert_eq(store_add_node(store, parent, add_frame(store, function, FRAME_NATIVE), &id),
		     0);
	return id;
}

static void add_sample(struct store *store, int64_t session, uint32_t window, int64_t task,
		       int64_t node, uint64_t n)
{
	cr_assert_eq(store_add_sample(store, session, window, task, node, n), 0, "%s",
		     store_error(store));
}

/* main > work > main (again) > leaf, and a sample without a stack. */
static int64_t add_world(struct store *store)
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

/* What the reading functions say, as text. */
struct told {
	char text[4096];
	int n;
	int stop; /* returned at the first call if not 0 */
};

static void tell(struct told *told, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct told *told, const char *format, ...)
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
	struct told *told = userdata;

	tell(told, "%lld %llu-%llu %s %llu [%s] %u %llu\n", (long long)session->id,
	     (unsigned long long)session->started_usec, (unsigned long long)session->ended_usec,
	     session->mode, (unsigned long long)session->interval_ns, session->targets,
	     session->owner, (unsigned long long)session->samples);
	return told->stop;
}

static int on_loss(void *userdata, const char *reason, uint64_t n)
{
	tell(userdata, "%s %llu\n", reason, (unsigned long long)n);
	return ((struct told *)userdata)->stop;
}

static int on_node(void *userdata, int64_t id, int64_t parent, int64_t frame)
{
	tell(userdata, "%lld<%lld:%lld ", (long long)id, (long long)parent, (long long)frame);
	return ((struct told *)userdata)->stop;
}

static int on_frame(void *userdata, int64_t id, const struct frame *frame)
{
	tell(userdata, "%lld %d %s %s %s %s %u %llx\n", (long long)id, frame->kind, frame->function,
	     frame->module, frame->file, frame->build_id, frame->line,
	     (unsigned long long)frame->offset);
	return ((struct told *)userdata)->stop;
}

static int on_task(void *userdata, const struct store_task *task)
{
	const struct store_process *p = &task->process;

	tell(userdata, "%lld %lld %u %s: %u %llu %u %u %s %s %s %s %s %s\n", (long long)task->id,
	     (long long)task->process_id, task->tid, task->comm, p->pid,
	     (unsigned long long)p->started_usec, p->exec_id, p->uid, p->comm, p->exe, p->cmdline,
	     p->user, p->unit, p->cgroup);
	return ((struct told *)userdata)->stop;
}

/* ---- what was added is read again ---- */

Test(store, reads_back_what_was_added)
{
	struct store *store = open_store();
	struct told told = {};

	add_world(store);
	cr_assert_eq(store_foreach_session(store, 0, UINT64_MAX, UINT32_MAX, on_session, &told), 0);
	cr_assert_str_eq(told.text,
			 "1 1760000000000000-0 cpu 10101010 [pid:42 comm:nginx] 1000 11\n");
	told = (struct told){};
	cr_assert_eq(store_foreach_node(store, 0, on_node, &told), 0);
	cr_assert_str_eq(told.text, "1<0:1 2<1:2 3<2:1 4<3:3 ");
	told = (struct told){};
	cr_assert_eq(store_foreach_node(store, 3, on_node, &told), 0);
	cr_assert_str_eq(told.text, "3<2:1 4<3:3 ");
	told = (struct told){};
	cr_assert_eq(store_foreach_frame(store, 2, on_frame, &told), 0);
	cr_assert_str_eq(told.text, "2 0 work app /srv/app 00ff 7 fffffffffffffffe\n"
				    "3 1 leaf kernel  00ff 7 fffffffffffffffe\n");
	told = (struct told){};
	cr_assert_eq(store_foreach_task(store, on_task, &told), 0);
	cr_assert_str_eq(told.text, "1 1 42 app: 42 1759999999500000 1 1000 app     \n");
	told = (struct told){};
	cr_assert_eq(store_foreach_session_loss(store, 1, on_loss, &told), 0);
	cr_assert_str_eq(told.text, "full 1\nlate 6\n");
	cr_assert_gt(store_bytes(store), 4096);
	store_free(store);
}

Test(store, a_callback_stops_the_reading)
{
	struct store *store = open_store();
	struct told told = {.stop = -ECANCELED};

	add_world(store);
	cr_assert_eq(store_foreach_node(store, 0, on_node, &told), -ECANCELED);
	cr_assert_eq(store_foreach_frame(store, 0, on_frame, &told), -ECANCELED);
	cr_assert_eq(store_foreach_task(store, on_task, &told), -ECANCELED);
	cr_assert_eq(store_foreach_session_loss(store, 1, on_loss, &told), -ECANCELED);
	cr_assert_eq(store_foreach_session(store, 0, UINT64_MAX, UINT32_MAX, on_session, &told),
		     -ECANCELED);
	cr_assert_eq(told.n, 5);
	store_free(store);
}

Test(store, losses_are_asked_for_by_time)
{
	struct store *store = open_store();
	struct store_range first = {START, START + OX_WINDOW_USEC};
	struct store_range second = {START + OX_WINDOW_USEC, UINT64_MAX};
	struct told told = {};

	add_world(store);
	cr_assert_eq(store_foreach_loss(store, &first, on_loss, &told), 0);
	cr_assert_eq(store_foreach_loss(store, &second, on_loss, &told), 0);
	cr_assert_str_eq(told.text, "full 1\nlate 6\n");
	store_free(store);
}

Test(store, adding_again_finds_the_same_row)
{
	struct store *store = open_store();
	int64_t ids[2][4];

	cr_assert_eq(store_begin(store), 0);
	for (int i = 0; i < 2; i++) {
		ids[i][0] = add_task(store, 42, 0);
		ids[i][1] = add_frame(store, "main", FRAME_NATIVE);
		ids[i][2] = add_frame(store, "main", FRAME_PYTHON);
		ids[i][3] = add_node(store, 0, "main");
	}
	cr_assert_eq(store_commit(store), 0);
	cr_assert_eq(memcmp(ids[0], ids[1], sizeof(ids[0])), 0);
	cr_assert_neq(ids[0][1], ids[0][2]);
	store_free(store);
}

Test(store, a_process_learns_what_was_unknown)
{
	struct store *store = open_store();
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
	process.comm = "other";
	process.exe = "/bin/app";
	cr_assert_eq(store_add_process(store, &process, &again), 0);
	cr_assert_eq(id, again);
	process.exec_id = 1;
	cr_assert_eq(store_add_process(store, &process, &again), 0);
	cr_assert_neq(id, again);
	assert_answer("SELECT comm, exe, unit, user FROM processes",
		      "app|/bin/app|app.service|NULL\nother|/bin/app|app.service|NULL");
	store_free(store);
}

Test(store, rollback_leaves_nothing)
{
	struct store *store = open_store();
	struct told told = {};

	add_world(store);
	cr_assert_eq(store_begin(store), 0);
	add_sample(store, 1, 0, 1, 1, 100);
	add_sample(store, 1, 9, 1, 1, 100);
	add_node(store, 0, "gone");
	store_rollback(store);
	store_rollback(store);
	cr_assert_eq(store_commit(store), -EINVAL);
	cr_assert_eq(store_begin(store), 0);
	add_sample(store, 1, 9, 1, 1, 1);
	cr_assert_eq(store_commit(store), 0);
	cr_assert_eq(store_foreach_session(store, 0, UINT64_MAX, UINT32_MAX, on_session, &told), 0);
	cr_assert_not_null(strstr(told.text, " 12\n"), "%s", told.text);
	assert_answer("SELECT count(*) FROM function WHERE function = 'gone'", "0");
	assert_answer("SELECT sum(n), (SELECT samples FROM sessions) FROM sample", "12|12");
	store_free(store);
}

Test(store, what_is_given_wrongly_is_refused)
{
	struct store *store = open_store();
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

struct hits {
	struct {
		int64_t task, node, n;
	} rows[MAX_HITS];
	size_t n;
};

static int on_hit(void *userdata, int64_t task, int64_t node, uint64_t n)
{
	struct hits *hits = userdata;

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

/* From the rows of windows alone. ret: first start, last end. */
static void hits_by_hand(sqlite3 *db, const struct store_range *range, struct hits *hits,
			 uint64_t ret[2])
{
	static const char rows[] =
		" FROM sample JOIN session ON session.id = session"
		" WHERE started + t * 10000000 < ?2 AND started + (t + 1) * 10000000 > ?1"
		" AND (ended IS NULL OR ended > ?1)";
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
			 "SELECT min(started + t * 10000000), max(min(started + (t + 1) * 10000000,"
			 "coalesce(ended, %lld)))%s",
			 (long long)INT64_MAX, rows);
	}
}

static void assert_range(struct store *store, sqlite3 *db, uint64_t since, uint64_t until)
{
	static struct hits by_store, by_hand;
	struct store_range range = {since, until};
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

	cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
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

static void add_random_windows(struct store *store, int64_t session, uint32_t from, uint32_t to)
{
	for (uint32_t window = from; window < to; window += 1 + random() % 3) {
		cr_assert_eq(store_begin(store), 0);
		for (int i = random() % 4; i >= 0; i--)
			add_sample(store, session, window, 1 + random() % 3, random() % 7,
				   1 + random() % 5);
		/* One that comes late, when its hour has been rolled up. */
		if (random() % 8 == 0)
			add_sample(store, session, window / 2, 1, 1, 1);
		cr_assert_eq(store_commit(store), 0, "%s", store_error(store));
	}
}

Test(store, rollups_give_what_the_windows_give)
{
	const uint64_t hour = 360 * OX_WINDOW_USEC;
	struct store *store = open_store();
	int64_t ids[4];

	srandom(1);
	ids[0] = add_session(store, START);
	add_random_windows(store, ids[0], 0, 800);
	assert_ranges(store); /* running, in the midst of an hour */
	cr_assert_eq(store_end_session(store, ids[0], START + 799 * OX_WINDOW_USEC + 3000000), 0);
	ids[1] = add_session(store, START + 3 * hour + 1234567);
	add_random_windows(store, ids[1], 5, 361);
	cr_assert_eq(store_end_session(store, ids[1], START + 4 * hour + 20000000), 0);
	ids[2] = add_session(store, START + 4 * hour + 30000000); /* short */
	add_random_windows(store, ids[2], 0, 1);
	cr_assert_eq(store_end_session(store, ids[2], START + 4 * hour + 30500000), 0);
	ids[3] = add_session(store, START + 5 * hour); /* never ended */
	add_random_windows(store, ids[3], 0, 400);
	add_random_windows(store, ids[0], 790, 820); /* after its end */
	assert_ranges(store);
	assert_answer("SELECT count(*) FROM session WHERE samples <>"
		      " (SELECT sum(n) FROM sample WHERE session = session.id)",
		      "0");
	store_free(store);
	store = open_store();
	assert_ranges(store);
	cr_assert_eq(store_end_left_sessions(store), 1);
	cr_assert_eq(store_end_left_sessions(store), 0);
	assert_ranges(store);
	assert_answer("SELECT sum(n) = (SELECT sum(n) FROM sample) FROM sample_hour"
		      " WHERE (SELECT min(rolled) > 0 FROM session)",
		      "0"); /* those after the end are windows only */
	store_free(store);
}

Test(store, rows_in_an_open_transaction_are_counted)
{
	struct store *store = open_store();
	struct store_range all = {0, UINT64_MAX};
	struct hits *hits = calloc(1, sizeof(*hits));
	uint64_t since, until;

	add_world(store);
	cr_assert_eq(store_begin(store), 0);
	add_sample(store, 1, 500, 1, 1, 70);
	cr_assert_eq(store_foreach_hits(store, &all, on_hit, hits, &since, &until), 0);
	cr_assert_eq(hits->n, 5);
	cr_assert_eq(until, START + 501 * OX_WINDOW_USEC);
	cr_assert_eq(store_commit(store), 0);
	free(hits);
	store_free(store);
}

/* ---- sessions ---- */

Test(store, sessions_are_chosen_by_time_and_user)
{
	struct store *store = open_store();
	struct told told = {};
	int64_t first, second, task;

	first = add_world(store); /* owned by 1000 */
	cr_assert_eq(store_end_session(store, first, START + 20000000), 0);
	second = add_session(store, START + 60000000);
	task = add_task(store, 43, 33);
	add_sample(store, second, 0, task, 1, 1);
	cr_assert_eq(store_foreach_session(store, 0, UINT64_MAX, 33, on_session, &told), 0);
	cr_assert_eq(told.n, 1);
	cr_assert_eq(told.text[0], '2');
	cr_assert_eq(store_end_session(store, second, START + 70000000), 0);
	told = (struct told){};
	cr_assert_eq(store_foreach_session(store, 0, UINT64_MAX, 33, on_session, &told), 0);
	cr_assert_eq(told.n, 1);
	cr_assert_eq(store_foreach_session(store, 0, UINT64_MAX, 34, on_session, &told), 0);
	cr_assert_eq(told.n, 1);
	told = (struct told){};
	cr_assert_eq(store_foreach_session(store, 0, UINT64_MAX, 1000, on_session, &told), 0);
	cr_assert_eq(told.n, 2);
	cr_assert_eq(told.text[0], '2', "newest first: %s", told.text);
	told = (struct told){};
	cr_assert_eq(store_foreach_session(store, START + 20000000, START + 60000000, UINT32_MAX,
					   on_session, &told),
		     0);
	cr_assert_eq(told.n, 0, "%s", told.text);
	cr_assert_eq(store_foreach_session(store, START + 19999999, START + 60000001, UINT32_MAX,
					   on_session, &told),
		     0);
	cr_assert_eq(told.n, 2);
	store_free(store);
}

Test(store, left_sessions_end_with_their_last_window)
{
	struct store *store = open_store();

	add_world(store);
	add_session(store, START + 100000000); /* without a row */
	cr_assert_eq(store_end_left_sessions(store), 2);
	assert_answer("SELECT ended FROM sessions", "2025-10-09T08:53:40Z\n2025-10-09T08:55:00Z");
	store_free(store);
}

Test(store, a_session_does_not_end_before_it_began)
{
	struct store *store = open_store();

	cr_assert_eq(store_end_session(store, add_session(store, START), START - 1), 0);
	assert_answer("SELECT started = ended FROM sessions", "1");
	store_free(store);
}

/* ---- views ---- */

Test(store, views_show_what_people_look_for)
{
	struct store *store = open_store();
	int64_t session = add_world(store);

	for (int ended = 0; ended < 2; ended++) {
		assert_answer("SELECT name, function, module, file, kind, self_hits, total_hits"
			      " FROM functions ORDER BY total_hits DESC, name",
			      "main(app)|main|app|/srv/app|native|3|10\n"
			      "work(app)|work|app|/srv/app|native|2|10\n"
			      "leaf(kernel)|leaf|kernel|NULL|kernel|5|5");
		assert_answer("SELECT * FROM history ORDER BY time, name",
			      "2025-10-09T08:53:20Z|10|1|42|app|NULL|leaf(kernel)|kernel|5|5\n"
			      "2025-10-09T08:53:20Z|10|1|42|app|NULL|main(app)|native|0|7\n"
			      "2025-10-09T08:53:20Z|10|1|42|app|NULL|work(app)|native|2|7\n"
			      "2025-10-09T08:53:30Z|10|1|42|app|NULL|main(app)|native|3|3\n"
			      "2025-10-09T08:53:30Z|10|1|42|app|NULL|work(app)|native|0|3");
		assert_answer("SELECT * FROM stacks ORDER BY time, hits",
			      "2025-10-09T08:53:20Z|1|42|app|main(app);work(app)|2\n"
			      "2025-10-09T08:53:20Z|1|42|app|"
			      "main(app);work(app);main(app);leaf(kernel)|5\n"
			      "2025-10-09T08:53:30Z|1|42|app|NULL|1\n"
			      "2025-10-09T08:53:30Z|1|42|app|main(app);work(app);main(app)|3");
		assert_answer("SELECT * FROM losses ORDER BY time",
			      "2025-10-09T08:53:20Z|1|full|1\n2025-10-09T08:53:30Z|1|late|6");
		assert_answer("SELECT * FROM processes",
			      "42|2025-10-09T08:53:19Z|app|NULL|NULL|NULL|NULL|NULL");
		assert_answer("SELECT * FROM sessions",
			      ended ? "1|2025-10-09T08:53:20Z|2025-10-09T08:53:45Z|cpu|10101010|"
				      "pid:42 comm:nginx|11|7"
				    : "1|2025-10-09T08:53:20Z|NULL|cpu|10101010|"
				      "pid:42 comm:nginx|11|7");
		cr_assert_eq(store_end_session(store, session, START + 25000000), 0);
	}
	store_free(store);
}

Test(store, views_keep_their_columns_in_order)
{
	store_free(open_store());
	assert_answer("SELECT m.name, group_concat(c.name, ' ') FROM sqlite_schema m,"
		      " pragma_table_info(m.name) c WHERE type = 'view' GROUP BY 1",
		      "functions|name function module file kind self_hits total_hits\n"
		      "history|time seconds session pid comm unit name kind self_hits total_hits\n"
		      "losses|time session reason count\n"
		      "processes|pid started comm exe cmdline user unit cgroup\n"
		      "sessions|id started ended mode interval_ns targets samples lost\n"
		      "stacks|time session pid comm folded hits");
}

Test(store, an_unknown_function_has_a_name)
{
	struct store *store = open_store();
	struct frame frame = {.function = "", .module = "", .file = "", .build_id = ""};
	int64_t id, node;

	cr_assert_eq(store_add_frame(store, &frame, &id), 0);
	cr_assert_eq(store_add_node(store, 0, id, &node), 0);
	add_sample(store, add_session(store, START), 0, add_task(store, 1, 0), node, 1);
	assert_answer("SELECT name, function, module, file, kind FROM functions",
		      "[unknown]|NULL|NULL|NULL|native");
	store_free(store);
}

/* ---- the file ---- */

Test(store, a_new_file_is_for_the_group_to_read)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	mode_t masks[] = {0, 0027, 0077};

	for (size_t m = 0; m < array_length(masks); m++) {
		struct store *store;

		umask(masks[m]);
		store = open_store();
		for (size_t i = 0; i < array_length(suffixes); i++) {
			char name[320];
			struct stat st;

			snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
			cr_assert_eq(stat(name, &st), 0);
			cr_assert_eq(st.st_mode & 07777, 0640, "%s %o", suffixes[i], st.st_mode);
		}
		store_free(store);
		for (size_t i = 0; i < array_length(suffixes); i++) {
			char name[320];

			snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
			cr_assert_eq(unlink(name), 0, "%s must outlive the store", suffixes[i]);
		}
	}
}

Test(store, the_file_says_what_it_is)
{
	store_free(open_store());
	assert_answer("PRAGMA application_id", "1870164082");
	assert_answer("PRAGMA user_version", "1");
	assert_answer("PRAGMA journal_mode", "wal");
	assert_answer("PRAGMA auto_vacuum", "2");
}

static void make_file(const void *bytes, size_t length)
{
	_cleanup_fclose_ FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(bytes, 1, length, file), length);
}

static void *read_file(const char *name, size_t *ret_length)
{
	_cleanup_fclose_ FILE *file = fopen(name, "r");
	char *bytes = NULL;

	*ret_length = 0;
	if (!file)
		return NULL;
	bytes = malloc(1 << 22);
	*ret_length = fread(bytes, 1, 1 << 22, file);
	return bytes;
}

static void overwrite(long at, const void *bytes, size_t length)
{
	_cleanup_close_ int fd = open(path, O_WRONLY);

	cr_assert_eq(pwrite(fd, bytes, length, at), (ssize_t)length);
}

static int count_files(const char *part)
{
	_cleanup_closedir_ DIR *dir = opendir(directory);
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.' && strstr(entry->d_name, part);
	return n;
}

static void assert_untouched(const char *why)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	void *before[3] = {};
	struct stat stats[3] = {};
	size_t lengths[3];
	char name[320];

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		before[i] = read_file(name, &lengths[i]);
		stat(name, &stats[i]);
	}
	cr_assert_eq(open_fails(path, why), -EPROTO);
	for (int i = 0; i < 3; i++) {
		_cleanup_free_ void *after = NULL;
		struct stat st = {};
		size_t length;

		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		after = read_file(name, &length);
		stat(name, &st);
		cr_assert_eq(!before[i], !after, "%s", suffixes[i]);
		cr_assert_eq(length, lengths[i]);
		cr_assert(!after || memcmp(before[i], after, length) == 0);
		cr_assert_eq(memcmp(&st.st_mtim, &stats[i].st_mtim, sizeof(st.st_mtim)), 0);
		cr_assert_eq(st.st_ino, stats[i].st_ino);
		free(before[i]);
	}
	cr_assert_eq(count_files("damaged"), 0);
}

Test(store, a_newer_file_is_not_touched)
{
	struct store *store = open_store();

	add_world(store);
	store_free(store);
	execute("PRAGMA user_version = 2");
	assert_untouched("newer oxprof");
	execute("PRAGMA user_version = -1");
	assert_untouched("newer oxprof");
}

Test(store, a_database_of_another_program_is_not_touched)
{
	execute("CREATE TABLE their(own)");
	assert_untouched("another program");
	execute("PRAGMA application_id = 7");
	assert_untouched("another program");
}

Test(store, a_newer_version_in_the_log_alone_is_refused)
{
	sqlite3 *db = NULL;
	int off = 1;

	store_free(open_store());
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &off);
	cr_assert_eq(sqlite3_exec(db, "PRAGMA user_version = 9", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	cr_assert_eq(open_fails(path, "newer"), -EPROTO);
	assert_answer("PRAGMA user_version", "9");
	cr_assert_eq(count_files("damaged"), 0);
}

Test(store, an_empty_file_is_a_new_one)
{
	make_file("", 0);
	store_free(open_store());
	assert_answer("SELECT count(*) FROM sessions", "0");
}

Test(store, a_migration_that_fails_leaves_nothing)
{
	struct store *store = NULL;
	_cleanup_free_ char *aside = NULL;
	_cleanup_free_ char *why = NULL;

	cr_assert_eq(store_open(path, 5 * 4096, &store, &aside, &why), -ENOSPC);
	assert_answer("PRAGMA user_version", "0");
	assert_answer("PRAGMA application_id", "0");
	assert_answer("SELECT count(*) FROM sqlite_schema", "0");
	store = open_store();
	add_world(store);
	store_free(store);
	assert_answer("PRAGMA auto_vacuum", "2");
}

/* The damaged file is kept under another name, a new one works. */
static void assert_set_aside(const char *what)
{
	struct store *store = NULL;
	_cleanup_free_ char *aside = NULL;
	char *why = NULL;
	size_t before_length, length;
	_cleanup_free_ char *before = read_file(path, &before_length);
	_cleanup_free_ char *after = NULL;

	cr_assert_eq(store_open(path, 0, &store, &aside, &why), 1, "%s: %s", what, why);
	cr_assert_not_null(aside);
	cr_assert_null(why);
	cr_assert_not_null(strstr(aside, ".damaged-2"), "%s", aside);
	after = read_file(aside, &length);
	cr_assert_eq(length, before_length);
	cr_assert_eq(memcmp(before, after, length), 0);
	add_world(store);
	store_free(store);
	assert_answer("PRAGMA integrity_check", "ok");
}

static void make_world_file(void)
{
	struct store *store = open_store();

	add_world(store);
	store_free(store);
}

Test(store, a_damaged_file_is_set_aside)
{
	uint8_t junk[4096];

	memset(junk, 0xa5, sizeof(junk));
	make_file("this is no database\n", 20);
	assert_set_aside("text");
	make_file(junk, sizeof(junk));
	assert_set_aside("noise");
	overwrite(0, junk, 16);
	assert_set_aside("magic");
	overwrite(16, junk, 12);
	assert_set_aside("sizes in the header");
	overwrite(100, junk, 100);
	assert_set_aside("first page");
	for (long page = 2; page < 20; page += 5) {
		overwrite(page * 4096, junk, sizeof(junk));
		assert_set_aside("a page");
	}
	cr_assert_eq(truncate(path, 5 * 4096), 0);
	assert_set_aside("cut at a page");
	cr_assert_eq(truncate(path, 9 * 4096 + 77), 0);
	assert_set_aside("cut in a page");
	cr_assert_eq(truncate(path, 50), 0);
	assert_set_aside("cut in the header");
	execute("DROP TABLE loss");
	assert_set_aside("a table is missing");
	cr_assert_eq(count_files("oxprof.db.damaged-2") - count_files("-wal") -
			     count_files("-shm") + 2,
		     13, "each has a name of its own");
}

Test(store, damage_found_later_is_told)
{
	struct store *store;
	uint8_t junk[4096] = {0xff};
	struct told told = {};
	char at[64];

	make_world_file();
	{
		_cleanup_free_ char *page =
			ask_with(SQLITE_OPEN_READONLY, "SELECT rootpage FROM sqlite_schema"
						       " WHERE name = 'node'");

		snprintf(at, sizeof(at), "%s", page);
	}
	store = open_store();
	overwrite((atol(at) - 1) * 4096, junk, sizeof(junk));
	cr_assert_eq(store_foreach_node(store, 0, on_node, &told), -EUCLEAN);
	cr_assert_not_null(strstr(store_error(store), "damaged"));
	store_free(store);
	assert_set_aside("found at the next start");
}

Test(store, paths_that_cannot_be_are_refused)
{
	char name[600], link_name[600];

	snprintf(name, sizeof(name), "%s/none/oxprof.db", directory);
	cr_assert_eq(open_fails(name, "none"), -ENOENT);
	cr_assert_eq(open_fails(directory, directory), -EINVAL);
	snprintf(name, sizeof(name), "%s/", directory);
	cr_assert_eq(open_fails(name, "names no file"), -EISDIR);
	snprintf(name, sizeof(name), "%s/target.db", directory);
	snprintf(link_name, sizeof(link_name), "%s/link.db", directory);
	cr_assert_eq(symlink(name, link_name), 0);
	cr_assert_eq(open_fails(link_name, "symbolic link"), -ELOOP);
	cr_assert_lt(access(name, F_OK), 0, "nothing was made behind the link");
	snprintf(name, sizeof(name), "%s/pipe", directory);
	cr_assert_eq(mkfifo(name, 0600), 0);
	cr_assert_eq(open_fails(name, "not a regular file"), -EINVAL);
}

Test(store, a_relative_path_is_good_and_no_uri)
{
	struct store *store = NULL;
	char *aside = NULL, *why = NULL;

	cr_assert_eq(chdir(directory), 0);
	cr_assert_eq(store_open("file:odd?mode=memory", 0, &store, &aside, &why), 0, "%s", why);
	store_free(store);
	cr_assert_eq(access("file:odd?mode=memory", F_OK), 0);
}

/* root may write everywhere, so the test becomes somebody else. */
static void become_nobody(void)
{
	if (geteuid() != 0)
		return;
	cr_assert_eq(chown(directory, 65534, 65534), 0);
	chown(path, 65534, 65534);
	cr_assert_eq(setresgid(65534, 65534, 65534), 0);
	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
}

Test(store, what_may_not_be_written_is_refused)
{
	become_nobody();
	store_free(open_store());
	cr_assert_eq(chmod(path, 0440), 0);
	cr_assert_eq(open_fails(path, path), -EACCES);
	cr_assert_eq(chmod(path, 0640), 0);
	cr_assert_eq(chmod(directory, 0550), 0);
	cr_assert_eq(open_fails(path, directory), -EACCES);
	cr_assert_eq(chmod(directory, 0750), 0);
	store_free(open_store());
}

/* Mounts need root; the tests of the whole system run there. */
static void mount_or_skip(const char *type, unsigned long flags, const char *options)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(type ? "tmpfs" : directory, directory, type, flags, options) < 0)
		cr_skip_test("may not mount");
}

Test(store, a_read_only_file_system_is_refused)
{
	make_world_file();
	mount_or_skip(NULL, MS_BIND, NULL);
	cr_assert_eq(mount(NULL, directory, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	cr_assert_eq(open_fails(path, directory), -EROFS);
	umount(directory);
}

Test(store, a_disk_that_is_nearly_full_is_refused)
{
	struct store *store;

	mount_or_skip("tmpfs", 0, "size=17m");
	store = open_store();
	cr_assert_eq(store_begin(store), 0);
	cr_assert_eq(store_commit(store), 0);
	{
		static char block[1 << 20];
		char name[300];
		_cleanup_close_ int fd = -1;

		snprintf(name, sizeof(name), "%s/ballast", directory);
		fd = open(name, O_WRONLY | O_CREAT, 0600);
		cr_assert_eq(write(fd, block, sizeof(block)), (ssize_t)sizeof(block));
	}
	cr_assert_eq(store_begin(store), -ENOSPC);
	cr_assert_not_null(strstr(store_error(store), "16 MiB"));
	/* A session can still be ended. */
	cr_assert_eq(store_end_session(store, add_session(store, START), START + 1), 0);
	store_free(store);
	umount(directory);
}

Test(store, the_configured_size_is_kept)
{
	const uint64_t limit = 400 * 1024;
	struct store *store = open_limited(limit);
	_cleanup_free_ char *before = NULL;
	int64_t session = add_world(store);
	struct stat st;
	int r = 0;

	for (uint32_t window = 2; r == 0; window++) {
		r = store_begin(store);
		for (int64_t node = 0; node < 500 && r == 0; node++)
			r = store_add_sample(store, session, window, 1, node, 1000);
		if (r == 0)
			r = store_commit(store);
	}
	cr_assert_eq(r, -ENOSPC);
	cr_assert_not_null(strstr(store_error(store), "no room"));
	store_rollback(store);
	assert_answer("PRAGMA integrity_check", "ok");
	assert_answer("SELECT sum(n) = (SELECT samples FROM session) FROM sample", "1");
	before = ask_with(SQLITE_OPEN_READONLY, "SELECT sum(hits) FROM stacks");
	assert_answer("SELECT samples FROM sessions", before);
	store_free(store);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_leq(st.st_size, (off_t)limit);
	store = open_limited(limit / 2); /* smaller than it is: readable, nothing to be added */
	store_free(store);
}

/* ---- others, and kills ---- */

Test(store, readers_see_it_live_and_afterwards)
{
	struct store *store;

	become_nobody();
	store = open_store();
	add_world(store);
	assert_answer("SELECT samples FROM sessions", "11");
	cr_assert_eq(store_begin(store), 0);
	add_sample(store, 1, 3, 1, 1, 1);
	assert_answer("SELECT samples FROM sessions", "11");
	cr_assert_eq(store_commit(store), 0);
	assert_answer("SELECT samples FROM sessions", "12");
	store_free(store);
	/* Who may only read, the directory too. */
	cr_assert_eq(chmod(path, 0440), 0);
	cr_assert_eq(chmod(directory, 0550), 0);
	assert_answer("SELECT samples FROM sessions", "12");
	cr_assert_eq(chmod(directory, 0750), 0);
}

Test(store, a_log_is_not_left_behind_by_an_orderly_end)
{
	char name[320];
	struct stat st;

	make_world_file();
	snprintf(name, sizeof(name), "%s-wal", path);
	cr_assert_eq(stat(name, &st), 0);
	cr_assert_eq(st.st_size, 0);
}

Test(store, a_second_writer_has_to_wait)
{
	struct store *store = open_store();
	sqlite3 *db = NULL;

	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	cr_assert_eq(store_begin(store), -EBUSY);
	cr_assert_not_null(strstr(store_error(store), "locked"));
	sqlite3_close(db);
	cr_assert_eq(store_begin(store), 0);
	store_rollback(store);
	store_free(store);
}

/* Writes transactions of 50 rows of one sample each until it is killed. */
static void write_for_ever(int ready)
{
	struct store *store = open_store();
	int64_t session = add_session(store, START);

	for (uint32_t window = 0;; window++) {
		if (store_begin(store) < 0)
			_exit(1);
		for (int i = 0; i < 50; i++)
			if (store_add_sample(store, session, window, 1 + i, random() % 100, 1) < 0)
				_exit(1);
		if (store_commit(store) < 0)
			_exit(1);
		if (window == 20 && write(ready, "", 1) != 1)
			_exit(1);
	}
}

Test(store, a_kill_in_the_midst_leaves_whole_transactions)
{
	for (int i = 0; i < 8; i++) {
		struct store *store;
		int ready[2], status;
		char byte;
		pid_t pid;

		cr_assert_eq(pipe(ready), 0);
		pid = fork();
		cr_assert_geq(pid, 0);
		if (pid == 0)
			write_for_ever(ready[1]);
		close(ready[1]);
		cr_assert_eq(read(ready[0], &byte, 1), 1);
		usleep(random() % 20000);
		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		close(ready[0]);
		assert_answer("PRAGMA integrity_check", "ok"); /* by a reader, before the daemon */
		store = open_store();
		cr_assert_eq(store_end_left_sessions(store), 1);
		assert_answer("SELECT sum(n) % 50 FROM sample", "0");
		assert_answer("SELECT sum(n) = (SELECT sum(n) FROM sample) AND sum(n) ="
			      " (SELECT sum(samples) FROM session) FROM sample_hour",
			      "1");
		store_free(store);
	}
	cr_assert_eq(count_files("damaged"), 0);
}
