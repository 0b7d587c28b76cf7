/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/query/question.h"
#include "tests/support/store_world.h"

static struct store *store;
static int64_t session;

static void world_start(void)
{
	store_world_set_up();
	store = store_world_open();
	session = store_world_fill(store);
}

static void world_stop(void)
{
	store_free(store);
	store_world_tear_down();
}

TestSuite(question, .init = world_start, .fini = world_stop);

define_cleanup(struct question *, question_free);

static struct query everything(void)
{
	return (struct query){.range = {STORE_WORLD_ALL}, .only_uid = UINT32_MAX};
}

static struct question *make(const struct query *query, bool wants_json, uint64_t usec_max)
{
	struct question_order order = {.query = query,
				       .wants_json = wants_json,
				       .usec_max = usec_max,
				       .state = "running",
				       .interval_ns = 5000};
	struct question *question = question_new(&order);

	cr_assert_not_null(question);
	return question;
}

static struct question *ask(const struct query *query, bool wants_json, uint64_t usec_max)
{
	struct question *question = make(query, wants_json, usec_max);

	question_run(question, store_world.path);
	return question;
}

static void add_late_samples(uint64_t started_usec, uint64_t n)
{
	int64_t late, task;

	cr_assert_eq(store_begin(store), 0);
	late = store_world_add_session(store, started_usec);
	task = store_world_add_task(store, 43, 0);
	store_world_add_sample(store, late, 0, task, store_world_add_node(store, 0, "late"), n);
	cr_assert_eq(store_commit(store), 0);
}

Test(question, is_answered_with_what_was_committed)
{
	struct query query = everything();
	_cleanup_(question_free_p) struct question *first = ask(&query, false, 0), *second = NULL;
	struct question_answer *answer = question_get_answer(first);

	cr_assert_eq(answer->error, 0, "%s", answer->why);
	cr_assert_eq(answer->fd, -1);
	cr_assert_eq(answer->result.samples, 11);
	cr_assert_str_eq(answer->result.state, "running");
	cr_assert_eq(answer->result.interval_ns, 5000);
	add_late_samples(START, 4);
	second = ask(&query, false, 0);
	cr_assert_eq(question_get_answer(second)->result.samples, 15);
}

/* The last window of a session that runs ends in the future; and until does not. */
Test(question, does_not_answer_for_the_future)
{
	struct query query = everything();
	_cleanup_(question_free_p) struct question *question = NULL;
	uint64_t now_usec = clock_realtime_usec();

	add_late_samples(now_usec, 1);
	question = ask(&query, false, 0);
	cr_assert_geq(question_get_answer(question)->result.until_usec, now_usec);
	cr_assert_leq(question_get_answer(question)->result.until_usec, clock_realtime_usec());
}

/* The log could not be emptied while a reader stays with what it saw. */
Test(question, leaves_the_log_alone)
{
	struct query query = everything();
	_cleanup_(question_free_p) struct question *question = ask(&query, false, 0);

	cr_assert_eq(question_get_answer(question)->error, 0);
	cr_assert_gt(store_log_bytes(store), 0);
	store_cut_log(store);
	cr_assert_eq(store_log_bytes(store), 0);
}

Test(question, has_copies_of_what_it_was_given)
{
	struct query query = everything();
	struct target target;
	char filter[] = "^(main|leaf)";
	_cleanup_(question_free_p) struct question *question = NULL;
	struct question_answer *answer;

	cr_assert_eq(target_parse("pid:42", &target), 0);
	query.filter = filter;
	query.targets = &target;
	query.n_targets = 1;
	question = make(&query, false, 0);
	memset(filter, '(', strlen(filter));
	cr_assert_eq(target_parse("pid:43", &target), 0);
	question_run(question, store_world.path);
	answer = question_get_answer(question);
	cr_assert_eq(answer->error, 0, "%s", answer->why);
	cr_assert_eq(answer->result.samples, 11);
	cr_assert_eq(answer->result.n_rows, 2);
}

Test(question, is_answered_with_a_sealed_file)
{
	struct query query = everything();
	_cleanup_(question_free_p) struct question *question = ask(&query, true, 0);
	struct question_answer *answer = question_get_answer(question);
	char text[4096] = "";

	cr_assert_eq(answer->error, 0, "%s", answer->why);
	cr_assert_eq(answer->result.n_rows, 0, "it is in the file");
	cr_assert_gt(read(answer->fd, text, sizeof(text) - 1), 0);
	cr_assert_not_null(strstr(text, "{\"state\":\"running\",\"since\":1760000000000000,"));
	cr_assert_not_null(strstr(text, "\"name\":\"main(app)\""));
	cr_assert_eq(fcntl(answer->fd, F_GET_SEALS),
		     F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

static void expect_failure(const struct query *query, uint64_t usec_max, int error,
			   const char *words)
{
	_cleanup_(question_free_p) struct question *question = ask(query, true, usec_max);
	struct question_answer *answer = question_get_answer(question);

	cr_assert_eq(answer->error, error, "%d: %s", answer->error, answer->why);
	cr_assert_not_null(strstr(answer->why, words), "%s", answer->why);
	cr_assert_eq(answer->fd, -1);
	cr_assert_eq(answer->result.n_rows, 0);
}

/* Makes a history of which a reader takes more than one look at its time. */
static void add_many(void)
{
	int64_t task, node;

	cr_assert_eq(store_begin(store), 0);
	task = store_world_add_task(store, 43, 0);
	node = store_world_add_node(store, 0, "many");
	for (unsigned i = 0; i < 20000; i++)
		store_world_add_sample(store, session, i, task, node, 1);
	cr_assert_eq(store_commit(store), 0);
}

Test(question, says_why_it_has_no_answer)
{
	struct query query = everything();

	query.filter = "(";
	expect_failure(&query, 0, -EINVAL, "not a regular expression");
	query.filter = NULL;
	add_many();
	expect_failure(&query, 1, -ETIMEDOUT, "this takes longer than 0 s: narrow it by");
	cr_assert_eq(unlink(store_world.path), 0);
	expect_failure(&query, 0, -EIO, store_world.path);
}

Test(question, ends_when_it_is_stopped)
{
	struct query query = everything();
	_cleanup_(question_free_p) struct question *question = make(&query, false, 0);

	add_many();
	question_stop(question);
	question_run(question, store_world.path);
	cr_assert_eq(question_get_answer(question)->error, -ECANCELED);
}

Test(question, nothing_is_freed_too)
{
	cr_assert_null(question_free(NULL));
}
