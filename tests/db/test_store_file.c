/* SPDX-License-Identifier: MIT */
/* The file: how it is made, refused, set aside, shared, filled up and killed. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon/base/cleanup.h"
#include "db/sql.h"
#include "tests/support/store_world.h"

TestSuite(store_file, .init = store_world_set_up, .fini = store_world_tear_down);

/* ---- the file ---- */

Test(store_file, a_new_file_is_for_the_group_to_read)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	mode_t masks[] = {0, 0027, 0077};

	for (size_t m = 0; m < array_length(masks); m++) {
		struct store *store;

		umask(masks[m]);
		store = store_world_open();
		for (size_t i = 0; i < array_length(suffixes); i++) {
			char name[320];
			struct stat st;

			snprintf(name, sizeof(name), "%s%s", store_world.path, suffixes[i]);
			cr_assert_eq(stat(name, &st), 0);
			cr_assert_eq(st.st_mode & 07777, 0640, "%s %o", suffixes[i], st.st_mode);
		}
		store_free(store);
		for (size_t i = 0; i < array_length(suffixes); i++) {
			char name[320];

			snprintf(name, sizeof(name), "%s%s", store_world.path, suffixes[i]);
			cr_assert_eq(unlink(name), 0, "%s must outlive the store", suffixes[i]);
		}
	}
}

Test(store_file, the_file_says_what_it_is)
{
	store_free(store_world_open());
	assert_answer("PRAGMA application_id", "1870164082");
	assert_answer("PRAGMA user_version", "5");
	assert_answer("PRAGMA journal_mode", "wal");
	assert_answer("PRAGMA auto_vacuum", "2");
}

static void make_file(const void *bytes, size_t length)
{
	_cleanup_fclose_ FILE *file = fopen(store_world.path, "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(bytes, 1, length, file), length);
}

static void make_file_beside(const char *suffix)
{
	_cleanup_close_ int fd = -1;
	char name[320];

	snprintf(name, sizeof(name), "%s%s", store_world.path, suffix);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0640);
	cr_assert_geq(fd, 0);
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
	_cleanup_close_ int fd = open(store_world.path, O_WRONLY);

	cr_assert_eq(pwrite(fd, bytes, length, at), (ssize_t)length);
}

static int count_files(const char *part)
{
	_cleanup_closedir_ DIR *dir = opendir(store_world.directory);
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
		snprintf(name, sizeof(name), "%s%s", store_world.path, suffixes[i]);
		before[i] = read_file(name, &lengths[i]);
		stat(name, &stats[i]);
	}
	cr_assert_eq(store_world_open_fails(store_world.path, why), -EPROTO);
	for (int i = 0; i < 3; i++) {
		_cleanup_free_ void *after = NULL;
		struct stat st = {};
		size_t length;

		snprintf(name, sizeof(name), "%s%s", store_world.path, suffixes[i]);
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

Test(store_file, the_version_is_in_the_file_at_once)
{
	struct store *store = store_world_open();
	_cleanup_free_ uint8_t *header = NULL;
	size_t length;

	/* The version is not in the log alone, where an older oxprof could not see it without
	 * touching that. */
	header = read_file(store_world.path, &length);
	cr_assert_gt(length, 4096);
	cr_assert_eq(memcmp(header + 60, "\0\0\0\5", 4), 0);
	cr_assert_eq(memcmp(header + 68, "oxpr", 4), 0);
	store_free(store);
}

Test(store_file, a_newer_file_is_not_touched)
{
	struct store *store = store_world_open();

	store_world_fill(store);
	store_free(store);
	store_world_execute("PRAGMA user_version = 6");
	assert_untouched("newer oxprof");
	store_world_execute("PRAGMA user_version = -1");
	assert_untouched("newer oxprof");
}

/* Makes a file as version 1 left it: with rows, and with ids that were given and are gone. */
static void make_version_1(void)
{
	char sql[256];

	store_world_execute("PRAGMA auto_vacuum = incremental; PRAGMA journal_mode = wal");
	store_world_execute(sql_schema[0]);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d; PRAGMA user_version = 1",
		 0x6f787072);
	store_world_execute(sql);
	store_world_execute(
		"INSERT INTO function(id, function, module, file, kind) VALUES"
		" (1, 'main', 'app', '/srv/app', 0), (4, '+0x12', 'libz.so', '/lib/libz.so', 0);"
		"INSERT INTO frame VALUES (2, 1, 7, 'ab', 4096), (5, 4, 0, 'cd', -2), (9, 4, 1, "
		"'', 0);"
		"DELETE FROM frame WHERE id = 9;"
		"INSERT INTO node VALUES (3, 0, 2), (6, 3, 5);"
		"INSERT INTO process VALUES (1, 42, 0, 1, 0, 'app', '', '', '', '', '');"
		"INSERT INTO task VALUES (1, 1, 42, 'app');"
		"INSERT INTO session(id, started, mode, interval_ns, targets, owner, samples)"
		" VALUES (1, 1760000000000000, 'cpu', 1, 'all', 0, 5),"
		" (4, 1760000025000000, 'cpu', 1, '', 33, 9);"
		"UPDATE session SET rolled = 2, ended = started + 30000000 WHERE id = 4;"
		"INSERT INTO sample VALUES (1, 0, 1, 6, 0, 5), (4, 0, 1, 6, 0, 2), (4, 1, 1, 6, 0, "
		"3),"
		" (4, 400, 1, 0, 0, 4);"
		"INSERT INTO sample_hour VALUES (4, 0, 1, 6, 0, 5);"
		"INSERT INTO loss VALUES (1, 0, 'no-table', 3), (1, 0, 'late', 2),"
		" (1, 0, 'python-broken', 8), (1, 0, 'python-name', 16), (4, 2, 'late', 7)");
}

Test(store_file, a_file_of_version_1_is_brought_to_this_one)
{
	struct frame again = {.function = "main",
			      .module = "app",
			      .file = "/srv/app",
			      .build_id = "ab",
			      .line = 7,
			      .offset = 4096};
	struct store *store;
	int64_t id = 0;

	make_version_1();
	store = store_world_open();
	assert_answer("PRAGMA user_version", "5");
	assert_answer("SELECT * FROM frame", "2|1|7|ab|4096\n5|4|0|cd|-2");
	assert_answer("SELECT name FROM sqlite_schema WHERE name LIKE '%copy%'"
		      " OR name LIKE '%old%'",
		      "");
	assert_answer("SELECT time, folded, hits, sessions FROM stacks ORDER BY time",
		      "2025-10-09T08:53:20Z|main(app);libz.so+0x12|5|1\n"
		      "2025-10-09T08:53:40Z|main(app);libz.so+0x12|2|4\n"
		      "2025-10-09T08:53:50Z|main(app);libz.so+0x12|3|4\n"
		      "2025-10-09T10:00:20Z|NULL|4|4");
	assert_answer("SELECT name, self_hits, total_hits FROM functions ORDER BY name",
		      "libz.so+0x12|10|10\nmain(app)|0|10");
	assert_answer("SELECT id, samples, lost, owner FROM sessions", "1|5|2|0\n4|9|7|33");
	assert_answer("SELECT time, session FROM losses WHERE reason = 'late' ORDER BY time",
		      "2025-10-09T08:53:20Z|1\n2025-10-09T08:54:00Z|4");
	assert_answer("SELECT session, session_set, sessions FROM member"
		      " JOIN session_set ON id = session_set",
		      "1|1|1\n4|4|4");
	assert_answer("SELECT sum(n) FROM sample_hour", "14");
	assert_answer("SELECT rolled FROM rollup", "176000403");
	assert_answer("SELECT pid, owner FROM processes", "42|0");
	cr_assert_eq(store_add_frame(store, &again, &id), 0);
	cr_expect_eq(id, 2, "it is there already");
	again.line = 8;
	cr_assert_eq(store_add_frame(store, &again, &id), 0);
	cr_expect_geq(id, 6, "%ld", (long)id);
	store_free(store);
	store_free(store_world_open());
	assert_answer("PRAGMA quick_check", "ok");
}

/* MaxSize= holds for what is added; an upgrade must not end at it. */
Test(store_file, a_full_file_of_version_1_is_brought_to_this_one)
{
	make_version_1();
	store_world_execute(
		"WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
		"INSERT INTO frame SELECT i, 1, i, 'ab', i FROM n");
	store_free(store_world_open_limited(4096));
	assert_answer("PRAGMA user_version", "5");
	assert_answer("SELECT count(*) FROM frame", "19993");
}

Test(store_file, a_database_of_another_program_is_not_touched)
{
	store_world_execute("CREATE TABLE their(own)");
	assert_untouched("another program");
	store_world_execute("PRAGMA application_id = 7");
	assert_untouched("another program");
}

Test(store_file, a_newer_version_in_the_log_alone_is_refused)
{
	_cleanup_free_ char *before = NULL;
	_cleanup_free_ char *after = NULL;
	size_t before_length, length;
	sqlite3 *db = NULL;
	int off = 1;

	store_free(store_world_open());
	cr_assert_eq(sqlite3_open(store_world.path, &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &off);
	cr_assert_eq(sqlite3_exec(db, "PRAGMA user_version = 9", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	before = read_file(store_world.path, &before_length);
	cr_assert_eq(store_world_open_fails(store_world.path, "newer"), -EPROTO);
	after = read_file(store_world.path, &length);
	cr_assert_eq(length, before_length);
	cr_assert_eq(memcmp(before, after, length), 0);
	assert_answer("PRAGMA user_version", "9");
	cr_assert_eq(count_files("damaged"), 0);
}

Test(store_file, an_empty_file_is_a_new_one)
{
	make_file("", 0);
	store_free(store_world_open());
	assert_answer("SELECT count(*) FROM sessions", "0");
}

Test(store_file, a_migration_that_fails_leaves_nothing)
{
	struct store *store = NULL;
	_cleanup_free_ char *aside = NULL;
	_cleanup_free_ char *why = NULL;

	cr_assert_eq(store_open(store_world.path, 5 * 4096, &store, &aside, &why), -ENOSPC);
	assert_answer("PRAGMA user_version", "0");
	assert_answer("PRAGMA application_id", "0");
	assert_answer("SELECT count(*) FROM sqlite_schema", "0");
	store = store_world_open();
	store_world_fill(store);
	store_free(store);
	assert_answer("PRAGMA auto_vacuum", "2");
}

/* Checks that the damaged file is kept under another name, and that a new one works. */
static void assert_set_aside(const char *what)
{
	struct store *store = NULL;
	_cleanup_free_ char *aside = NULL;
	char *why = NULL;
	size_t before_length, length;
	_cleanup_free_ char *before = read_file(store_world.path, &before_length);
	_cleanup_free_ char *after = NULL;

	cr_assert_eq(store_open(store_world.path, 0, &store, &aside, &why), 1, "%s: %s", what, why);
	cr_assert_not_null(aside);
	cr_assert_null(why);
	cr_assert_not_null(strstr(aside, ".damaged-2"), "%s", aside);
	after = read_file(aside, &length);
	cr_assert_eq(length, before_length);
	cr_assert_eq(memcmp(before, after, length), 0);
	store_world_fill(store);
	store_free(store);
	assert_answer("PRAGMA integrity_check", "ok");
}

static void make_world_file(void)
{
	struct store *store = store_world_open();

	store_world_fill(store);
	store_free(store);
}

Test(store_file, a_damaged_file_is_set_aside)
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
	cr_assert_eq(truncate(store_world.path, 5 * 4096), 0);
	assert_set_aside("cut at a page");
	cr_assert_eq(truncate(store_world.path, 9 * 4096 + 77), 0);
	assert_set_aside("cut in a page");
	cr_assert_eq(truncate(store_world.path, 50), 0);
	assert_set_aside("cut in the header");
	store_world_execute("DROP TABLE loss");
	assert_set_aside("a table is missing");
	cr_assert_eq(count_files("oxprof.db.damaged-2") - count_files("-shm") -
			     count_files("-wal") - count_files("-damaged") + 2,
		     13, "each has a name of its own");
}

static int on_node(void *userdata, int64_t id, int64_t parent, int64_t frame)
{
	return 0;
}

Test(store_file, damage_found_later_is_told)
{
	struct store *store;
	uint8_t junk[4096] = {0xff};
	char at[64], mark[320];

	make_world_file();
	{
		_cleanup_free_ char *page =
			store_world_ask(SQLITE_OPEN_READONLY, "SELECT rootpage FROM sqlite_schema"
							      " WHERE name = 'node'");

		snprintf(at, sizeof(at), "%s", page);
	}
	store = store_world_open();
	overwrite((atol(at) - 1) * 4096, junk, sizeof(junk));
	store_world_execute(
		"UPDATE session SET mode = 'x'"); /* makes the store read its pages anew */
	cr_assert_eq(store_foreach_node(store, 0, on_node, NULL), -EUCLEAN);
	cr_assert_not_null(strstr(store_error(store), "damaged"));
	store_free(store);
	snprintf(mark, sizeof(mark), "%s-damaged", store_world.path);
	cr_assert_eq(access(mark, F_OK), 0);
	assert_set_aside("found at the next start");
	cr_assert_lt(access(mark, F_OK), 0);
	/* Where the file is too large to be read whole, the mark alone decides. */
	make_file_beside("-damaged");
	assert_set_aside("marked");
	store_free(store_world_open());
}

Test(store_file, paths_that_cannot_be_are_refused)
{
	char name[600], link_name[600];

	snprintf(name, sizeof(name), "%s/none/oxprof.db", store_world.directory);
	cr_assert_eq(store_world_open_fails(name, "none"), -ENOENT);
	cr_assert_eq(store_world_open_fails(store_world.directory, store_world.directory), -EINVAL);
	snprintf(name, sizeof(name), "%s/", store_world.directory);
	cr_assert_eq(store_world_open_fails(name, "names no file"), -EISDIR);
	snprintf(name, sizeof(name), "%s/target.db", store_world.directory);
	snprintf(link_name, sizeof(link_name), "%s/link.db", store_world.directory);
	cr_assert_eq(symlink(name, link_name), 0);
	cr_assert_eq(store_world_open_fails(link_name, "symbolic link"), -ELOOP);
	cr_assert_lt(access(name, F_OK), 0, "nothing was made behind the link");
	snprintf(name, sizeof(name), "%s/pipe", store_world.directory);
	cr_assert_eq(mkfifo(name, 0600), 0);
	cr_assert_eq(store_world_open_fails(name, "not a regular file"), -EINVAL);
}

Test(store_file, a_relative_path_is_good_and_no_uri)
{
	struct store *store = NULL;
	char *aside = NULL, *why = NULL;

	cr_assert_eq(chdir(store_world.directory), 0);
	cr_assert_eq(store_open("file:odd?mode=memory", 0, &store, &aside, &why), 0, "%s", why);
	store_free(store);
	cr_assert_eq(access("file:odd?mode=memory", F_OK), 0);
}

/* Becomes another user, as root may write everywhere. */
static void become_nobody(void)
{
	if (geteuid() != 0)
		return;
	cr_assert_eq(chown(store_world.directory, 65534, 65534), 0);
	cr_assert(!chown(store_world.path, 65534, 65534) || errno == ENOENT);
	cr_assert_eq(setresgid(65534, 65534, 65534), 0);
	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
}

Test(store_file, what_may_not_be_written_is_refused)
{
	become_nobody();
	store_free(store_world_open());
	cr_assert_eq(chmod(store_world.path, 0440), 0);
	cr_assert_eq(store_world_open_fails(store_world.path, store_world.path), -EACCES);
	cr_assert_eq(chmod(store_world.path, 0640), 0);
	cr_assert_eq(chmod(store_world.directory, 0550), 0);
	cr_assert_eq(store_world_open_fails(store_world.path, store_world.directory), -EACCES);
	cr_assert_eq(chmod(store_world.directory, 0750), 0);
	store_free(store_world_open());
}

/* Mounts need root; the tests of the whole system run there. */
static void mount_or_skip(const char *type, unsigned long flags, const char *options)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(type ? "tmpfs" : store_world.directory, store_world.directory, type, flags,
		  options) < 0)
		cr_skip_test("may not mount");
}

Test(store_file, a_read_only_file_system_is_refused)
{
	make_world_file();
	mount_or_skip(NULL, MS_BIND, NULL);
	cr_assert_eq(
		mount(NULL, store_world.directory, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL),
		0);
	cr_assert_eq(store_world_open_fails(store_world.path, store_world.directory), -EROFS);
	umount(store_world.directory);
}

Test(store_file, a_disk_that_is_nearly_full_is_refused)
{
	struct store *store;

	mount_or_skip("tmpfs", 0, "size=17m");
	store = store_world_open();
	cr_assert_eq(store_begin(store), 0);
	cr_assert_eq(store_commit(store), 0);
	{
		static char block[1 << 20];
		char name[300];
		_cleanup_close_ int fd = -1;

		snprintf(name, sizeof(name), "%s/ballast", store_world.directory);
		fd = open(name, O_WRONLY | O_CREAT, 0600);
		cr_assert_eq(write(fd, block, sizeof(block)), (ssize_t)sizeof(block));
	}
	cr_assert_eq(store_begin(store), -ENOSPC);
	cr_assert_not_null(strstr(store_error(store), "16 MiB"));
	/* A session can still be ended. */
	cr_assert_eq(store_end_session(store, store_world_add_session(store, START), START + 1), 0);
	store_free(store);
	umount(store_world.directory);
}

Test(store_file, the_configured_size_is_kept)
{
	const uint64_t limit = 400 * 1024;
	struct store *store = store_world_open_limited(limit);
	_cleanup_free_ char *before = NULL;
	int64_t session = store_world_fill(store), set;
	struct stat st;
	int r = 0;

	cr_assert_eq(store_add_set(store, &session, 1, &set), 0);
	for (uint32_t window = START / 10000000 + 2; r == 0; window++) {
		r = store_begin(store);
		for (int64_t node = 0; node < 500 && r == 0; node++)
			r = store_add_sample(store, set, window, 1, node, 1000);
		if (r == 0)
			r = store_commit(store);
	}
	cr_assert_eq(r, -ENOSPC);
	cr_assert_not_null(strstr(store_error(store), "no room"));
	store_rollback(store);
	assert_answer("PRAGMA integrity_check", "ok");
	assert_answer("SELECT sum(n) = (SELECT samples FROM session) FROM sample", "1");
	before = store_world_ask(SQLITE_OPEN_READONLY, "SELECT sum(hits) FROM stacks");
	assert_answer("SELECT samples FROM sessions", before);
	store_free(store);
	cr_assert_eq(stat(store_world.path, &st), 0);
	cr_assert_leq(st.st_size, (off_t)limit);
	store = store_world_open_limited(limit /
					 2); /* smaller than it is: readable, nothing to be added */
	store_free(store);
}

/* ---- others, and kills ---- */

Test(store_file, readers_see_it_live_and_afterwards)
{
	struct store *store;

	become_nobody();
	store = store_world_open();
	store_world_fill(store);
	assert_answer("SELECT samples FROM sessions", "11");
	cr_assert_eq(store_begin(store), 0);
	store_world_add_sample(store, 1, 3, 1, 1, 1);
	assert_answer("SELECT samples FROM sessions", "11");
	cr_assert_eq(store_commit(store), 0);
	assert_answer("SELECT samples FROM sessions", "12");
	store_free(store);
	/* The file and its directory can only be read. */
	cr_assert_eq(chmod(store_world.path, 0440), 0);
	cr_assert_eq(chmod(store_world.directory, 0550), 0);
	assert_answer("SELECT samples FROM sessions", "12");
	cr_assert_eq(chmod(store_world.directory, 0750), 0);
}

Test(store_file, a_log_is_not_left_behind_by_an_orderly_end)
{
	char name[320];
	struct stat st;

	make_world_file();
	snprintf(name, sizeof(name), "%s-wal", store_world.path);
	cr_assert_eq(stat(name, &st), 0);
	cr_assert_eq(st.st_size, 0);
}

Test(store_file, a_second_writer_has_to_wait)
{
	struct store *store = store_world_open();
	sqlite3 *db = NULL;

	cr_assert_eq(sqlite3_open(store_world.path, &db), SQLITE_OK);
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
	struct store *store = store_world_open();
	int64_t session = store_world_add_session(store, START), set = 0;

	if (store_add_set(store, &session, 1, &set) < 0)
		_exit(1);
	for (uint32_t window = 0;; window++) {
		if (store_begin(store) < 0)
			_exit(1);
		for (int i = 0; i < 50; i++)
			if (store_add_sample(store, set, window, 1 + i, random() % 100, 1) < 0)
				_exit(1);
		if (store_commit(store) < 0)
			_exit(1);
		if (window == 20 && write(ready, "", 1) != 1)
			_exit(1);
	}
}

Test(store_file, a_kill_in_the_midst_leaves_whole_transactions)
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
		assert_answer("PRAGMA integrity_check",
			      "ok"); /* by a symbolizer, before the daemon */
		store = store_world_open();
		cr_assert_eq(store_end_left_sessions(store), 1);
		assert_answer("SELECT sum(n) % 50 FROM sample", "0");
		assert_answer("SELECT sum(n) = (SELECT sum(samples) FROM session) FROM sample",
			      "1");
		assert_answer("SELECT sum(n) = (SELECT sum(n) FROM sample WHERE t < rolled)"
			      " FROM sample_hour, rollup",
			      "1");
		store_free(store);
	}
	cr_assert_eq(count_files("damaged"), 0);
}

static int count_node(void *userdata, int64_t id, int64_t parent, int64_t frame)
{
	++*(unsigned *)userdata;
	return 0;
}

Test(store_file, a_reader_sees_what_was_there_and_writes_nothing)
{
	struct store *store = store_world_open(), *symbolizer = NULL;
	_cleanup_free_ char *why = NULL;
	atomic_bool stop = false;
	unsigned n = 0;
	int64_t id;

	store_world_fill(store);
	cr_assert_eq(store_open_reader(store_world.path, &stop, &symbolizer, &why), 0, "%s", why);
	store_world_add_node(store, 0, "later");
	cr_assert_eq(store_foreach_node(symbolizer, 1, count_node, &n), 0);
	cr_assert_eq(n, 4);
	cr_assert_lt(store_add_node(symbolizer, 3, 2, &id), 0);
	cr_assert_not_null(strstr(store_error(symbolizer), store_world.path));
	store_free(symbolizer);
	cr_assert_eq(store_open_reader(store_world.path, &stop, &symbolizer, &why), 0, "%s", why);
	n = 0;
	cr_assert_eq(store_foreach_node(symbolizer, 1, count_node, &n), 0);
	cr_assert_eq(n, 5);
	store_free(symbolizer);
	store_free(store);
}

Test(store_file, the_log_is_cut_where_nobody_reads)
{
	struct store *store = store_world_open(), *symbolizer = NULL;
	_cleanup_free_ char *why = NULL;
	atomic_bool stop = false;
	unsigned n = 0;

	store_world_fill(store);
	cr_assert_eq(store_open_reader(store_world.path, &stop, &symbolizer, &why), 0, "%s", why);
	store_world_add_node(store, 0, "later");
	store_cut_log(store);
	cr_expect_gt(store_log_bytes(store), 0);
	cr_assert_eq(store_foreach_node(symbolizer, 1, count_node, &n), 0);
	cr_expect_eq(n, 4, "it still sees what it saw");
	store_free(symbolizer);
	cr_expect_lt(store_log_bytes(store), store_bytes(store));
	store_cut_log(store);
	cr_expect_eq(store_log_bytes(store), 0);
	n = 0;
	cr_assert_eq(store_foreach_node(store, 1, count_node, &n), 0);
	cr_expect_eq(n, 5);
	store_free(store);
}

Test(store_file, a_reader_makes_no_file_and_can_be_stopped)
{
	struct store *store, *symbolizer = NULL;
	_cleanup_free_ char *why = NULL;
	atomic_bool stop = true;
	unsigned n = 0;
	int r = 0;

	cr_assert_lt(store_open_reader(store_world.path, &stop, &symbolizer, &why), 0);
	cr_assert_not_null(strstr(why, store_world.path), "%s", why);
	cr_assert_neq(access(store_world.path, F_OK), 0);
	store = store_world_open();
	cr_assert_eq(store_begin(store), 0);
	for (unsigned i = 0; i < 20000; i++) {
		char name[32];

		sprintf(name, "f%u", i);
		store_world_add_node(store, 0, name);
	}
	cr_assert_eq(store_commit(store), 0);
	stop = false;
	cr_assert_eq(store_open_reader(store_world.path, &stop, &symbolizer, &why), 0, "%s", why);
	stop = true;
	r = store_foreach_node(symbolizer, 1, count_node, &n);
	cr_assert_eq(r, -ECANCELED);
	store_free(symbolizer);
	store_free(store);
}
