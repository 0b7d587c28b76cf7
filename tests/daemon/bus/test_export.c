/* SPDX-License-Identifier: MIT */
/* Export on the bus, over a database that the test filled. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"
#include "tests/support/bus_world.h"
#include "tests/support/export_world.h"

#define INVALID OX_ERROR_INVALID_ARGUMENT

/* Fills in main > work > main > leaf (of the kernel), see store_world.h, and enough to fill a pipe.
 */
static void fill(void)
{
	struct store *store = store_world_open();
	int64_t session = store_world_fill(store), task;
	char name[1000];

	cr_assert_eq(store_end_session(store, session, START + 15000000), 0);
	memset(name, 'x', sizeof(name));
	cr_assert_eq(store_begin(store), 0);
	session = store_world_add_session(store, START + 60000000);
	task = store_world_add_task(store, 43, 1001);
	for (unsigned i = 0; i < 2000; i++) {
		sprintf(name + sizeof(name) - 10, "%u", i);
		store_world_add_sample(store, session, 0, task,
				       store_world_add_node(store, 0, name), 1);
	}
	cr_assert_eq(store_commit(store), 0);
	cr_assert_eq(store_end_session(store, session, START + 65000000), 0);
	store_free(store);
}

static void world_start_filled(void)
{
	bus_world_start_with(fill);
}

TestSuite(export_bus, .init = world_start_filled, .fini = bus_world_stop, .timeout = 1000);

#define told_of(told, ...)                                                               \
	({                                                                               \
		told_done(told);                                                         \
		told_read(told, bus_world_fd_of(bus_world_call("Export", __VA_ARGS__))); \
		cr_assert_not_null((told)->end);                                         \
		cr_assert_str_eq((told)->end->failure, "");                              \
	})

Test(export_bus, an_answer_comes_as_a_stream)
{
	_cleanup_(told_done) struct told told = {0};
	int fd = bus_world_fd_of(bus_world_call("Export", "a{sv}", 0));

	cr_assert_eq(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_ACCMODE), O_RDONLY);
	told_read(&told, fd);
	cr_assert_not_null(told.end);
	cr_expect_eq(told.end->samples, 2011);
	cr_expect_str_eq(told.summary->state, "paused");
	cr_expect_eq(told.summary->interval_ns, 10101010);
	cr_expect_eq(told.summary->n_sessions, 2);
	/* The sender never had a session. */
	cr_expect_eq(told.summary->session, 0);
	cr_expect_eq(told.n_tasks, 1);
	cr_expect_eq(told.n_slots, 1);
}

Test(export_bus, what_is_asked_for_is_told)
{
	_cleanup_(told_done) struct told told = {0};

	told_of(&told, "a{sv}", 1, "session", "x", INT64_C(1));
	cr_expect_eq(told.end->samples, 11);
	cr_expect_eq(told.summary->n_sessions, 1);
	cr_expect_eq(told.summary->session, 1);
	told_of(&told, "a{sv}", 3, "dimensions", "as", 2, "task", "time", "until", "t",
		START + 20000000, "step", "t", UINT64_C(20000000));
	cr_expect_eq(told.n_nodes, 1);
	cr_expect_eq(told.n_tasks, 1 + 1);
	cr_assert_eq(told.n_slots, 1 + 1);
	cr_expect_eq(told.slots[1]->usec, 15000000);
	told_of(&told, "a{sv}", 2, "kind", "s", "native", "targets", "as", 1, "pid:42");
	cr_expect_eq(told.n_nodes, 1 + 3);
	told_of(&told, "a{sv}", 2, "filter", "s", "^leaf", "focus", "s", "^work");
	cr_expect_eq(told.n_hits, 1);
	for (size_t i = 1; i < told.n_frames; i++)
		cr_expect_eq(told.frames[i]->focus,
			     !strcmp(told.texts[told.frames[i]->function], "work"));
	told_of(&told, "a{sv}", 1, "dimensions", "as", 0);
	cr_expect_eq(told.n_hits, 1);
	cr_expect_eq(told.hits[0].n, 2011);
}

Test(export_bus, what_cannot_be_asked_is_refused)
{
	assert_error(OX_ERROR_INVALID_PATTERN, "--filter: not a regular expression", "Export",
		     "a{sv}", 1, "filter", "s", "(");
	assert_error(OX_ERROR_INVALID_PATTERN, "--focus: not a regular expression", "Export",
		     "a{sv}", 1, "focus", "s", "[");
	assert_error(INVALID, "there is no option \"max\"", "Export", "a{sv}", 1, "max", "u", 1);
	assert_error(INVALID, "there is no option \"by\"", "Export", "a{sv}", 1, "by", "s", "line");
	assert_error(INVALID, "there is no option \"sort\"", "Export", "a{sv}", 1, "sort", "s",
		     "self");
	assert_error(INVALID, "there is no option \"focus\"", "Query", "a{sv}", 1, "focus", "s",
		     "x");
	assert_error(INVALID, "there is no dimension \"colour\"", "Export", "a{sv}", 1,
		     "dimensions", "as", 2, "stack", "colour");
	assert_error(INVALID, "option \"dimensions\" has a value of the wrong type", "Export",
		     "a{sv}", 1, "dimensions", "s", "stack");
	assert_error(INVALID, "a step of 5 usec is not possible", "Export", "a{sv}", 1, "step", "t",
		     UINT64_C(5));
	assert_error(INVALID, "a step of 0 usec is not possible", "Export", "a{sv}", 1, "step", "t",
		     UINT64_C(0));
	assert_error(INVALID, "ends before it begins", "Export", "a{sv}", 2, "since", "t", START,
		     "until", "t", START);
}

Test(export_bus, a_session_has_to_be_there)
{
	_cleanup_free_ char *result =
		bus_world_answer("Query", "a{sv}", 2, "session", "x", INT64_C(1), "max", "u", 1);

	assert_has(result, "samples=t:11,");
	assert_error(INVALID, "there is no session 3; see oxprofctl history", "Query", "a{sv}", 1,
		     "session", "x", INT64_C(3));
	assert_error(INVALID, "there is no session -1;", "Export", "a{sv}", 1, "session", "x",
		     INT64_C(-1));
	assert_error(INVALID, "option \"session\" has a value of the wrong type", "Query", "a{sv}",
		     1, "session", "t", UINT64_C(1));
}

/* Runs the loop until as many exports are being written as before. */
static void expect_room(void)
{
	while (sd_event_run(bus_world.event, 0) > 0)
		;
	for (;;) {
		sd_bus_message *reply = bus_world_call("Export", "a{sv}", 0);

		if (!sd_bus_message_get_error(reply)) {
			close(bus_world_fd_of(reply));
			return;
		}
		cr_assert_str_eq(sd_bus_message_get_error(reply)->name, OX_ERROR_LIMIT_REACHED);
		sd_bus_message_unref(reply);
		usleep(1000);
	}
}

Test(export_bus, so_many_at_once)
{
	_cleanup_(told_done) struct told told;
	int fds[OX_EXPORTS_MAX];

	for (unsigned i = 0; i < OX_EXPORTS_MAX; i++)
		fds[i] = bus_world_fd_of(bus_world_call("Export", "a{sv}", 0));
	assert_error(OX_ERROR_LIMIT_REACHED, "8 exports are being written already", "Export",
		     "a{sv}", 0);
	told_read(&told, fds[0]);
	cr_expect_eq(told.end->samples, 2011);
	expect_room();
	/* A reader that goes away. */
	close(fds[1]);
	expect_room();
	/* The others are being written when the daemon ends. */
}

/* The log cannot be cut while an export reads it, so exports that overlap would let it grow. */
Test(export_bus, the_log_does_not_grow_for_ever)
{
	_cleanup_(told_done) struct told told;
	_cleanup_free_ char *log = NULL;
	struct stat st;
	int fd;

	cr_assert_gt(asprintf(&log, "%s-wal", store_world.path), 0);
	fd = bus_world_fd_of(bus_world_call("Export", "a{sv}", 0));
	cr_assert_eq(truncate(log, (off_t)OX_EXPORT_LOG_BYTES), 0);
	assert_error(OX_ERROR_LIMIT_REACHED, "log of the database has grown to 64 MiB", "Export",
		     "a{sv}", 0);
	told_read(&told, fd);
	cr_expect_eq(told.end->samples, 2011);
	expect_room();
	cr_assert_eq(stat(log, &st), 0);
	cr_expect_eq(st.st_size, 0);
}

static void expect_own_limit(uint32_t uid, int wanted)
{
	struct query query = {.range = {.until_usec = UINT64_MAX, .owner = UINT32_MAX},
			      .only_uid = UINT32_MAX};
	struct export_options options = {.stacks = true};
	struct failure failure = {0};
	int fd = -1, r = manager_export(bus_world.manager, &query, &options, uid, uid == UINT32_MAX,
					&fd, &failure);

	cr_assert_eq(r < 0 ? r : 0, wanted, "%s", failure.text);
	if (r < 0)
		cr_expect_str_eq(failure.name, OX_ERROR_LIMIT_REACHED);
}

Test(export_bus, so_many_for_a_user)
{
	for (unsigned i = 0; i < OX_EXPORTS_PER_USER; i++) {
		expect_own_limit(1001, 0);
		expect_own_limit(1002, 0);
	}
	expect_own_limit(1001, -EBUSY);
	expect_own_limit(UINT32_MAX, 0);
	expect_own_limit(1003, 0);
	/* The places that are left are for root. */
	expect_own_limit(1003, -EBUSY);
	expect_own_limit(1004, -EBUSY);
	expect_own_limit(UINT32_MAX, 0);
	expect_own_limit(UINT32_MAX, 0);
	expect_own_limit(UINT32_MAX, -EBUSY);
}
