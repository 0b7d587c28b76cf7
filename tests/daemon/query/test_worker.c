/* SPDX-License-Identifier: MIT */
/* Tests of who is answered when. question_run() is the test's own here, and waits until it may
 * go. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/priority.h"
#include "daemon/query/worker.h"

#define N_MAX 64

enum { ALICE = 1000, BOB, CAROL };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct worker *worker;

/* Under the mutex. */
static struct question *begun[N_MAX];
static int policies[N_MAX]; /* sched(7), of the threads */
static unsigned n_begun, n_let_go;
static struct question *stopped;
static bool are_all_let_go;

static struct {
	struct question *question;
	struct worker_ticket *ticket;
	unsigned n_answers;
} asked[N_MAX];
static unsigned n_asked;
static char answered[N_MAX * 4];

void __wrap_question_run(struct question *question, const char *database);
void __wrap_question_stop(struct question *question);

void __wrap_question_run(struct question *question, const char *database)
{
	unsigned n;

	cr_assert_str_eq(database, "/nowhere");
	pthread_mutex_lock(&mutex);
	n = n_begun;
	policies[n] = sched_getscheduler(0);
	begun[n_begun++] = question;
	pthread_cond_broadcast(&changed);
	while (n_let_go <= n && !are_all_let_go && stopped != question)
		pthread_cond_wait(&changed, &mutex);
	question_get_answer(question)->error = stopped == question ? -ECANCELED : 0;
	pthread_mutex_unlock(&mutex);
}

void __wrap_question_stop(struct question *question)
{
	pthread_mutex_lock(&mutex);
	stopped = question;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void let_go(unsigned n)
{
	pthread_mutex_lock(&mutex);
	n_let_go += n;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

/* Returns when n questions have been begun in all. */
static void wait_until_begun(unsigned n)
{
	pthread_mutex_lock(&mutex);
	while (n_begun < n)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

static void on_answer(void *userdata, const struct question_answer *answer)
{
	unsigned n = (unsigned)(uintptr_t)userdata;

	cr_assert_eq(answer->error, 0);
	asked[n].n_answers++;
	sprintf(answered + strlen(answered), "%s%u", *answered ? " " : "", n);
}

/* Asks without a begin. Returns 0 or what worker_ask() refuses it with. */
static int ask_ahead(uint32_t uid)
{
	struct query query = {.only_uid = UINT32_MAX};
	struct question_order order = {.query = &query, .state = "paused"};
	struct question *question = question_new(&order);
	unsigned n;

	cr_assert_lt(n_asked, array_length(asked));
	asked[n_asked].question = question;
	n = n_asked++;
	return worker_ask(worker, uid, question, on_answer, (void *)(uintptr_t)n, &asked[n].ticket);
}

static int ask(uint32_t uid)
{
	int r = ask_ahead(uid);

	if (r == 0)
		worker_begin(worker, asked[n_asked - 1].ticket);
	return r;
}

/* Dispatches until so many answers have come in all. */
static void wait_for_answers(unsigned n)
{
	struct pollfd fd = {.fd = worker_fd(worker), .events = POLLIN};

	for (;;) {
		unsigned got = 0;

		for (unsigned i = 0; i < n_asked; i++)
			got += asked[i].n_answers;
		if (got >= n)
			break;
		cr_assert_eq(poll(&fd, 1, 10000), 1);
		worker_dispatch(worker);
	}
}

static void start(void)
{
	cr_assert_eq(worker_new("/nowhere", &worker), 0);
}

static void stop(void)
{
	worker_free(worker);
}

TestSuite(worker, .init = start, .fini = stop);

Test(worker, users_take_turns_and_root_does_not_wait)
{
	cr_assert_eq(ask(ALICE), 0);
	wait_until_begun(1);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(ask(ALICE), 0);
	cr_assert_eq(ask(BOB), 0);
	cr_assert_eq(ask(BOB), 0);
	cr_assert_eq(ask(CAROL), 0);
	cr_assert_eq(ask(WORKER_UID_ROOT), 0);
	wait_until_begun(2);
	cr_assert_eq(begun[1], asked[7].question, "while the first one is not answered");
	let_go(N_MAX);
	wait_for_answers(8);
	cr_assert_eq(n_begun, 8);
	/* Each user once, then each one who has another. */
	cr_assert_eq(begun[2], asked[1].question);
	cr_assert_eq(begun[3], asked[4].question);
	cr_assert_eq(begun[4], asked[6].question);
	cr_assert_eq(begun[5], asked[2].question);
	cr_assert_eq(begun[6], asked[5].question);
	cr_assert_eq(begun[7], asked[3].question);
}

/* Whoever asked much before has no advantage over who comes, and no debt either. */
Test(worker, who_comes_later_goes_before_the_further_ones_of_others)
{
	let_go(3);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(ask(ALICE), 0);
	wait_for_answers(3);
	cr_assert_str_eq(answered, "0 1 2");
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(ask(ALICE), 0);
	wait_until_begun(4);
	cr_assert_eq(ask(BOB), 0);
	let_go(N_MAX);
	wait_for_answers(7);
	cr_assert_eq(begun[4], asked[4].question);
	cr_assert_eq(begun[5], asked[6].question);
	cr_assert_eq(begun[6], asked[5].question);
}

Test(worker, a_place_in_the_queue_is_no_beginning)
{
	cr_assert_eq(ask_ahead(ALICE), 0);
	cr_assert_eq(ask_ahead(ALICE), 0);
	cr_assert_eq(ask(BOB), 0);
	let_go(N_MAX);
	wait_for_answers(1);
	cr_assert_str_eq(answered, "2");
	worker_drop(worker, asked[1].ticket);
	worker_begin(worker, asked[0].ticket);
	wait_for_answers(2);
	cr_assert_str_eq(answered, "2 0");
	for (unsigned i = 0; i < OX_QUERIES_PER_USER; i++)
		cr_assert_eq(ask_ahead(ALICE), 0);
	cr_assert_eq(ask_ahead(ALICE), -EDQUOT);
}

Test(worker, a_place_is_kept_for_root)
{
	uint32_t uid = ALICE;
	unsigned n;

	for (n = 0; n < OX_QUERIES_PER_USER; n++)
		cr_assert_eq(ask(uid), 0);
	cr_assert_eq(ask(uid), -EDQUOT);
	for (; n < OX_QUERIES_MAX - OX_QUERIES_FOR_ROOT; n++)
		cr_assert_eq(ask(uid + 1 + n), 0);
	cr_assert_eq(ask(BOB + N_MAX), -EBUSY);
	for (; n < OX_QUERIES_MAX; n++)
		cr_assert_eq(ask(WORKER_UID_ROOT), 0);
	cr_assert_eq(ask(WORKER_UID_ROOT), -EBUSY);
	let_go(N_MAX);
	wait_for_answers(OX_QUERIES_MAX);
	cr_assert_eq(ask(uid), 0, "there is room again");
	wait_for_answers(OX_QUERIES_MAX + 1);
}

Test(worker, what_is_dropped_is_not_answered)
{
	cr_assert_eq(ask(ALICE), 0);
	wait_until_begun(1);
	cr_assert_eq(ask(ALICE), 0);
	cr_assert_eq(ask(ALICE), 0);
	worker_drop(worker, asked[1].ticket); /* waits */
	worker_drop(worker, asked[0].ticket); /* runs, and is stopped */
	wait_until_begun(2);
	cr_assert_eq(begun[1], asked[2].question);
	let_go(2);
	wait_for_answers(1);
	cr_assert_str_eq(answered, "2");
}

Test(worker, what_was_done_can_be_dropped)
{
	struct pollfd fd = {.fd = worker_fd(worker), .events = POLLIN};

	let_go(2);
	cr_assert_eq(ask(ALICE), 0);
	cr_assert_eq(poll(&fd, 1, 10000), 1);
	worker_drop(worker, asked[0].ticket);
	worker_dispatch(worker);
	cr_assert_str_eq(answered, "");
	cr_assert_eq(ask(ALICE), 0);
	wait_for_answers(1);
	cr_assert_str_eq(answered, "1");
}

Test(worker, what_runs_is_stopped_while_none_may_run)
{
	cr_assert_eq(ask(ALICE), 0);
	wait_until_begun(1);
	worker_close(worker);
	cr_expect_eq(stopped, asked[0].question);
	worker_drop(worker, asked[0].ticket);
	cr_assert_eq(ask(ALICE), 0);
	cr_assert_eq(ask(BOB), 0);
	usleep(20000);
	pthread_mutex_lock(&mutex);
	cr_expect_eq(n_begun, 1);
	pthread_mutex_unlock(&mutex);
	worker_open(worker);
	let_go(3);
	wait_until_begun(3);
}

Test(worker_end, the_end_waits_for_nobody, .init = start)
{
	cr_assert_eq(ask(ALICE), 0);
	cr_assert_eq(ask(ALICE), 0);
	wait_until_begun(1);
	let_go(1);
	wait_for_answers(1);
	wait_until_begun(2);
	worker_free(worker);
	cr_assert_eq(asked[1].n_answers, 0);
	cr_assert_null(worker_free(NULL));
}

/* While others are held root's go on; what was begun is answered. */
Test(worker, others_are_held_and_let_go_again)
{
	cr_assert_eq(ask(ALICE), 0);
	wait_until_begun(1);
	worker_hold(worker, true);
	cr_expect(worker_is_reading(worker));
	cr_assert_eq(ask(BOB), 0);
	let_go(1);
	wait_for_answers(1);
	cr_expect_not(worker_is_reading(worker));
	cr_assert_eq(ask(WORKER_UID_ROOT), 0);
	let_go(1);
	wait_for_answers(2);
	cr_expect_str_eq(answered, "0 2");
	worker_hold(worker, false);
	let_go(1);
	wait_for_answers(3);
	cr_expect_str_eq(answered, "0 2 1");
}

/* The others' thread is a normal one also where its maker is not. */
Test(worker, roots_questions_go_before_what_overloads_the_machine)
{
	if (priority_init() < 0)
		cr_skip_test("no real-time priority here: needs root");
	stop();
	start();
	let_go(N_MAX);
	cr_assert_eq(ask(ALICE), 0);
	wait_for_answers(1);
	cr_assert_eq(ask(WORKER_UID_ROOT), 0);
	wait_for_answers(2);
	cr_expect_eq(policies[0], SCHED_OTHER);
	cr_expect_eq(policies[1], SCHED_RR);
}
