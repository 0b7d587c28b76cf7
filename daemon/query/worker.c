/* SPDX-License-Identifier: MIT */
/*
 * Invariants, under the mutex:
 * 1. A ticket is in the list from worker_ask() until it is freed; only the event loop's thread adds
 *    and frees tickets.
 * 2. The question of a running ticket belongs to its thread; that of any other to the event loop.
 */
#include "daemon/query/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/priority.h"

#define STACK_BYTES (256u << 10)

enum ticket_state {
	TICKET_HELD, /* until worker_begin() */
	TICKET_WAITS,
	TICKET_RUNS,
	TICKET_DONE,
};

struct worker_ticket {
	struct worker_ticket *next;
	struct question *question;
	enum ticket_state state;
	uint32_t uid;
	uint64_t turn; /* smaller ones come first */
	worker_fn fn;  /* NULL: the question was given up while it ran */
	void *userdata;
};

struct lane {
	struct worker *worker;
	pthread_t thread;
	bool is_started;
	bool is_roots;
	struct priority_budget budget; /* of root's */
	uint64_t turn;                 /* the latest of the tickets that were begun */
};

struct worker {
	char *database;
	int done_fd; /* an eventfd, see worker_fd() */
	pthread_mutex_t mutex;
	pthread_cond_t has_work;
	pthread_cond_t has_rest; /* a question was answered */
	bool is_ending;
	bool is_held;                  /* see worker_hold() */
	bool is_closed;                /* see worker_close() */
	struct worker_ticket *tickets; /* in the order in which they were asked */
	struct lane lanes[2];
};

define_cleanup(struct worker *, worker_free);

/* ---- the threads ---- */

static bool is_for(const struct lane *lane, const struct worker_ticket *ticket)
{
	return lane->is_roots == (ticket->uid == WORKER_UID_ROOT);
}

/* Returns the ticket that is next; NULL: there is none. */
static struct worker_ticket *find_next(const struct lane *lane)
{
	struct worker_ticket *next = NULL;

	if (lane->worker->is_held && !lane->is_roots)
		return NULL;
	for (struct worker_ticket *at = lane->worker->tickets; at; at = at->next)
		if (at->state == TICKET_WAITS && is_for(lane, at) &&
		    (!next || at->turn < next->turn))
			next = at;
	return next;
}

/* Waits for a ticket and begins it. Returns NULL when the thread is to end. The mutex is held. */
static struct worker_ticket *wait_for_next(struct lane *lane)
{
	struct worker *worker = lane->worker;
	struct worker_ticket *ticket;

	while (!worker->is_ending && (worker->is_closed || !(ticket = find_next(lane))))
		pthread_cond_wait(&worker->has_work, &worker->mutex);
	if (worker->is_ending)
		return NULL;
	if (ticket->turn > lane->turn)
		lane->turn = ticket->turn;
	ticket->state = TICKET_RUNS;
	return ticket;
}

static void *lane_main(void *userdata)
{
	struct lane *lane = userdata;
	struct worker *worker = lane->worker;
	struct worker_ticket *ticket;

	(void)prctl(PR_SET_NAME, "oxprofd-query");
	/* Root's goes before others as the loop does: on a machine that somebody overloads root's
	 * question is answered nevertheless. */
	if (!lane->is_roots)
		priority_lower();
	pthread_mutex_lock(&worker->mutex);
	while ((ticket = wait_for_next(lane))) {
		pthread_mutex_unlock(&worker->mutex);
		if (lane->is_roots)
			priority_keep(&lane->budget);
		question_run(ticket->question, worker->database);
		pthread_mutex_lock(&worker->mutex);
		ticket->state = TICKET_DONE;
		pthread_cond_signal(&worker->has_rest);
		(void)eventfd_write(worker->done_fd, 1);
	}
	pthread_mutex_unlock(&worker->mutex);
	return NULL;
}

/* Starts the thread with all signals blocked, since the event loop handles them; but for the one
 * that says to a thread that it ran before others for too long. */
static int lane_start(struct lane *lane)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r)
		return -r;
	sigfillset(&all);
	sigdelset(&all, SIGXCPU);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_attr_setstacksize(&attr, STACK_BYTES);
	if (!r)
		r = pthread_create(&lane->thread, &attr, lane_main, lane);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	lane->is_started = !r;
	return -r;
}

/* Makes a mutex that gives its holder the priority of who waits for it: a thread of low priority
 * cannot keep the event loop waiting. */
static void init_mutex(struct worker *worker)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	(void)pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&worker->mutex, &attr);
	pthread_mutexattr_destroy(&attr);
}

int worker_new(const char *database, struct worker **ret)
{
	_cleanup_(worker_free_p) struct worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return -ENOMEM;
	init_mutex(worker);
	pthread_cond_init(&worker->has_work, NULL);
	pthread_cond_init(&worker->has_rest, NULL);
	worker->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->done_fd < 0)
		return -errno;
	worker->database = strdup(database);
	if (!worker->database)
		return -ENOMEM;
	for (size_t i = 0; i < array_length(worker->lanes); i++) {
		int r;

		worker->lanes[i].worker = worker;
		worker->lanes[i].is_roots = i == 0;
		r = lane_start(&worker->lanes[i]);
		if (r < 0)
			return r;
	}
	*ret = take_ptr(worker);
	return 0;
}

/* ---- the event loop ---- */

static void ticket_free(struct worker_ticket *ticket)
{
	question_free(ticket->question);
	free(ticket);
}

/* Takes the ticket out of the list, which has it. The mutex is held. */
static void unlink_ticket(struct worker *worker, const struct worker_ticket *ticket)
{
	struct worker_ticket **link = &worker->tickets;

	while (*link != ticket)
		link = &(*link)->next;
	*link = ticket->next;
}

static void stop_all(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	worker->is_ending = true;
	for (struct worker_ticket *at = worker->tickets; at; at = at->next)
		question_stop(at->question);
	pthread_cond_broadcast(&worker->has_work);
	pthread_mutex_unlock(&worker->mutex);
}

struct worker *worker_free(struct worker *worker)
{
	if (!worker)
		return NULL;
	stop_all(worker);
	for (size_t i = 0; i < array_length(worker->lanes); i++)
		if (worker->lanes[i].is_started)
			pthread_join(worker->lanes[i].thread, NULL);
	while (worker->tickets) {
		struct worker_ticket *ticket = worker->tickets;

		worker->tickets = ticket->next;
		ticket_free(ticket);
	}
	pthread_cond_destroy(&worker->has_work);
	pthread_cond_destroy(&worker->has_rest);
	pthread_mutex_destroy(&worker->mutex);
	cleanup_close(&worker->done_fd);
	free(worker->database);
	free(worker);
	return NULL;
}

int worker_fd(const struct worker *worker)
{
	return worker->done_fd;
}

/* Takes the first ticket that is done; NULL: there is none. */
static struct worker_ticket *pop_done(struct worker *worker)
{
	struct worker_ticket *ticket;

	pthread_mutex_lock(&worker->mutex);
	for (ticket = worker->tickets; ticket && ticket->state != TICKET_DONE;)
		ticket = ticket->next;
	if (ticket)
		unlink_ticket(worker, ticket);
	pthread_mutex_unlock(&worker->mutex);
	return ticket;
}

void worker_dispatch(struct worker *worker)
{
	struct worker_ticket *ticket;
	eventfd_t n;

	/* The counter comes first: a ticket that is done later makes it readable again. */
	(void)eventfd_read(worker->done_fd, &n);
	while ((ticket = pop_done(worker))) {
		if (ticket->fn)
			ticket->fn(ticket->userdata, question_get_answer(ticket->question));
		ticket_free(ticket);
	}
}

/* Returns 0, -EBUSY or -EDQUOT. The mutex is held. */
static int check_limits(const struct worker *worker, uint32_t uid)
{
	unsigned n = 0, n_own = 0;

	for (const struct worker_ticket *at = worker->tickets; at; at = at->next) {
		n++;
		n_own += at->uid == uid;
	}
	if (uid == WORKER_UID_ROOT)
		return n < OX_QUERIES_MAX ? 0 : -EBUSY;
	if (n_own >= OX_QUERIES_PER_USER)
		return -EDQUOT;
	return n < OX_QUERIES_MAX - OX_QUERIES_FOR_ROOT ? 0 : -EBUSY;
}

/* Appends the ticket. Its turn is behind the user's own ones, and else behind what was begun last:
 * so nobody gets two more turns before each user who waits got one. The mutex is held. */
static void append(struct worker *worker, struct worker_ticket *ticket)
{
	const struct lane *lane = &worker->lanes[ticket->uid != WORKER_UID_ROOT];
	struct worker_ticket **link = &worker->tickets;

	assert(is_for(lane, ticket));
	ticket->turn = lane->turn;
	for (; *link; link = &(*link)->next)
		if ((*link)->uid == ticket->uid && (*link)->turn > ticket->turn)
			ticket->turn = (*link)->turn;
	ticket->turn++;
	*link = ticket;
}

int worker_ask(struct worker *worker, uint32_t uid, struct question *question, worker_fn fn,
	       void *userdata, struct worker_ticket **ret)
{
	struct worker_ticket *ticket = calloc(1, sizeof(*ticket));
	int r;

	if (!ticket) {
		question_free(question);
		return -ENOMEM;
	}
	*ticket = (struct worker_ticket){
		.question = question, .uid = uid, .fn = fn, .userdata = userdata};
	pthread_mutex_lock(&worker->mutex);
	r = check_limits(worker, uid);
	if (r == 0)
		append(worker, ticket);
	pthread_mutex_unlock(&worker->mutex);
	if (r < 0) {
		ticket_free(ticket);
		return r;
	}
	*ret = ticket;
	return 0;
}

void worker_begin(struct worker *worker, struct worker_ticket *ticket)
{
	pthread_mutex_lock(&worker->mutex);
	assert(ticket->state == TICKET_HELD);
	ticket->state = TICKET_WAITS;
	pthread_cond_broadcast(&worker->has_work);
	pthread_mutex_unlock(&worker->mutex);
}

void worker_hold(struct worker *worker, bool hold)
{
	pthread_mutex_lock(&worker->mutex);
	worker->is_held = hold;
	if (!hold)
		pthread_cond_broadcast(&worker->has_work);
	pthread_mutex_unlock(&worker->mutex);
}

bool worker_is_reading(struct worker *worker)
{
	bool reads = false;

	pthread_mutex_lock(&worker->mutex);
	for (const struct worker_ticket *at = worker->tickets; at; at = at->next)
		reads |= at->state == TICKET_RUNS;
	pthread_mutex_unlock(&worker->mutex);
	return reads;
}

/* Stops what is being answered. Returns true if there is any. The mutex is held. */
static bool stop_running(struct worker *worker)
{
	bool any = false;

	for (struct worker_ticket *at = worker->tickets; at; at = at->next)
		if (at->state == TICKET_RUNS) {
			question_stop(at->question);
			any = true;
		}
	return any;
}

void worker_close(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	worker->is_closed = true;
	while (stop_running(worker))
		pthread_cond_wait(&worker->has_rest, &worker->mutex);
	pthread_mutex_unlock(&worker->mutex);
}

void worker_open(struct worker *worker)
{
	pthread_mutex_lock(&worker->mutex);
	worker->is_closed = false;
	pthread_cond_broadcast(&worker->has_work);
	pthread_mutex_unlock(&worker->mutex);
}

void worker_drop(struct worker *worker, struct worker_ticket *ticket)
{
	bool runs;

	pthread_mutex_lock(&worker->mutex);
	runs = ticket->state == TICKET_RUNS;
	if (!runs)
		unlink_ticket(worker, ticket);
	pthread_mutex_unlock(&worker->mutex);
	if (runs) {
		/* The thread may be done just now: the dispatch that follows frees it either way.
		 */
		ticket->fn = NULL;
		question_stop(ticket->question);
	} else {
		ticket_free(ticket);
	}
}
