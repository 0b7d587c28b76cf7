/* SPDX-License-Identifier: MIT */
/* Questions about the history: each waits until what was sampled before it is there, and is
 * answered by the worker. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/manager/internal.h"

/* The log of the database begins anew when nobody reads it: questions without a pause would let it
 * grow for ever. From this size on, which is some times the one that it has else, others' questions
 * wait for such a moment. */
#define LOG_BYTES_MAX (UINT64_C(16) << 20)

struct managed_query {
	struct manager *manager;
	struct managed_query *next;
	struct worker_ticket *ticket;
	struct managed_wait *wait; /* NULL: the worker has begun */
	manager_answer_fn fn;
	void *userdata;
};

static void unlink_query(const struct managed_query *query)
{
	struct managed_query **link = &query->manager->queries;

	while (*link != query)
		link = &(*link)->next;
	*link = query->next;
}

static void explain_answer(const struct question_answer *answer, struct failure *ret)
{
	switch (answer->error) {
	case -EINVAL:
		failure_set(ret, answer->error, OX_ERROR_INVALID_PATTERN, "--filter: %s",
			    answer->why);
		return;
	case -EOVERFLOW:
	case -ETIMEDOUT:
		failure_set(ret, answer->error, OX_ERROR_LIMIT_REACHED, "%s", answer->why);
		return;
	default:
		failure_set(ret, answer->error, OX_ERROR_DATABASE, "cannot read the history: %s",
			    answer->why);
	}
}

static void on_answer(void *userdata, const struct question_answer *answer)
{
	struct managed_query *query = userdata;
	struct failure failure;

	assert(!query->wait);
	unlink_query(query);
	if (answer->error < 0)
		explain_answer(answer, &failure);
	query->fn(query->userdata, answer, answer->error < 0 ? &failure : NULL);
	free(query);
}

static void on_fresh(void *userdata)
{
	struct managed_query *query = userdata;

	query->wait = NULL;
	worker_begin(query->manager->worker, query->ticket);
}

static bool is_exporting(const struct manager *manager)
{
	for (size_t i = 0; i < array_length(manager->exports); i++)
		if (manager->exports[i].work)
			return true;
	return false;
}

void manager_check_log(struct manager *manager)
{
	bool is_long;

	/* At its end the manager still drains. */
	if (!manager->worker)
		return;
	/* An export may take minutes: no question waits for its end. */
	is_long = store_log_bytes(manager->store) > LOG_BYTES_MAX && !is_exporting(manager);
	if (is_long && !worker_is_reading(manager->worker)) {
		store_cut_log(manager->store);
		is_long = false;
	}
	worker_hold(manager->worker, is_long);
}

static int on_worker(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct manager *manager = userdata;

	worker_dispatch(manager->worker);
	manager_check_log(manager);
	return 0;
}

int manager_start_worker(struct manager *manager)
{
	int r = worker_new(manager->config.database, &manager->worker);

	return r < 0 ? r
		     : sd_event_add_io(manager->event, &manager->worker_source,
				       worker_fd(manager->worker), EPOLLIN, on_worker, manager);
}

void manager_stop_worker(struct manager *manager)
{
	while (manager->queries)
		manager_drop_query(manager->queries);
	manager->worker_source = sd_event_source_disable_unref(manager->worker_source);
	manager->worker = worker_free(manager->worker);
}

static int explain_refusal(int r, struct failure *failure)
{
	if (r == -EDQUOT)
		return failure_set(failure, r, OX_ERROR_LIMIT_REACHED,
				   "%d questions of yours are being answered already; try again "
				   "when one of them is",
				   OX_QUERIES_PER_USER);
	if (r == -EBUSY)
		return failure_set(failure, r, OX_ERROR_LIMIT_REACHED,
				   "too many questions are being answered already; try again "
				   "later");
	return failure_set(failure, r, OX_ERROR_LIMIT_REACHED, "cannot ask the history: %s",
			   strerror(-r));
}

/* Hands the query to the worker, which holds it until all is fresh. */
static int ask_worker(struct managed_query *query, const struct manager_question *asked)
{
	struct manager *manager = query->manager;
	bool is_roots = asked->is_privileged;
	struct question_order order = {
		.query = asked->query,
		.wants_json = asked->wants_json,
		.usec_max = is_roots ? 0 : OX_QUERY_USEC_MAX,
	};
	struct question *question;

	order.state = manager_describe(manager, asked->query->range.session, asked->caller,
				       &order.interval_ns);
	question = question_new(&order);
	if (!question)
		return -ENOMEM;
	return worker_ask(manager->worker, is_roots ? WORKER_UID_ROOT : asked->caller, question,
			  on_answer, query, &query->ticket);
}

static int start_query(struct managed_query *query, const struct manager_question *asked)
{
	int r = ask_worker(query, asked);

	if (r < 0)
		return r;
	r = manager_wait_fresh(query->manager, on_fresh, query, &query->wait);
	if (r < 0)
		worker_drop(query->manager->worker, query->ticket);
	return r;
}

int manager_query(struct manager *manager, const struct manager_question *asked,
		  manager_answer_fn fn, void *userdata, struct managed_query **ret,
		  struct failure *failure)
{
	const struct store_range *range = &asked->query->range;
	struct managed_query *query;
	int r = manager_check_session(manager, range->session, range->owner, failure);

	assert(fn);
	if (r < 0)
		return r;
	query = calloc(1, sizeof(*query));
	if (!query)
		return explain_refusal(-ENOMEM, failure);
	*query = (struct managed_query){.manager = manager, .fn = fn, .userdata = userdata};
	r = start_query(query, asked);
	if (r < 0) {
		free(query);
		return explain_refusal(r, failure);
	}
	query->next = manager->queries;
	*ret = manager->queries = query;
	return 0;
}

void manager_drop_query(struct managed_query *query)
{
	unlink_query(query);
	manager_drop_wait(query->wait);
	worker_drop(query->manager->worker, query->ticket);
	free(query);
}
