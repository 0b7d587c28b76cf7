/* SPDX-License-Identifier: MIT */
#include "daemon/query/question.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/query/engine.h"

struct question {
	struct question_order order;
	struct query query; /* with copies of the filter and the targets */
	char *filter;
	struct target *targets;
	atomic_bool stop;
	struct question_answer answer;
};

define_cleanup(struct question *, question_free);
define_cleanup(struct store *, store_free);

static int copy_query(struct question *question, const struct query *query)
{
	question->query = *query;
	if (query->filter) {
		question->query.filter = question->filter = strdup(query->filter);
		if (!question->filter)
			return -ENOMEM;
	}
	if (!query->n_targets)
		return 0;
	question->targets = calloc(query->n_targets, sizeof(*question->targets));
	if (!question->targets)
		return -ENOMEM;
	memcpy(question->targets, query->targets, query->n_targets * sizeof(*question->targets));
	question->query.targets = question->targets;
	return 0;
}

struct question *question_new(const struct question_order *order)
{
	_cleanup_(question_free_p) struct question *question = calloc(1, sizeof(*question));

	assert(order->state && (order->query->targets || !order->query->n_targets));
	if (!question)
		return NULL;
	question->answer.fd = -1;
	question->order = *order;
	if (copy_query(question, order->query) < 0)
		return NULL;
	question->order.query = &question->query;
	return take_ptr(question);
}

struct question *question_free(struct question *question)
{
	if (!question)
		return NULL;
	result_done(&question->answer.result);
	cleanup_close(&question->answer.fd);
	free(question->filter);
	free(question->targets);
	free(question);
	return NULL;
}

void question_stop(struct question *question)
{
	atomic_store(&question->stop, true);
}

struct question_answer *question_get_answer(struct question *question)
{
	return &question->answer;
}

/* ---- the answer as a file ---- */

/* Writes through a duplicate of the descriptor, which is closed in the end. */
static int write_json(int fd, const struct result *result)
{
	_cleanup_close_ int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	_cleanup_fclose_ FILE *out = copy < 0 ? NULL : fdopen(copy, "w");

	if (!out)
		return -errno;
	copy = -1; /* the FILE's from now on */
	return result_write_json(result, out);
}

/* Makes a sealed file in memory, so that it cannot change under the client that maps or reads it.
 * Returns its descriptor or a negative errno. */
static int make_json(const struct result *result)
{
	_cleanup_close_ int fd = memfd_create("oxprof-result", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = write_json(fd, result);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	return take_fd(&fd);
}

/* Turns the result into the file that is wanted. */
static int answer_with_file(struct question_answer *answer)
{
	int fd = make_json(&answer->result);

	result_done(&answer->result);
	if (fd < 0) {
		snprintf(answer->why, sizeof(answer->why), "cannot write the answer: %s",
			 strerror(-fd));
		return fd;
	}
	answer->fd = fd;
	return 0;
}

/* ---- running ---- */

static void complete_result(const struct question *question, struct result *result)
{
	uint64_t now_usec = clock_realtime_usec();

	result->state = question->order.state;
	result->interval_ns = question->order.interval_ns;
	result->session = question->query.range.session;
	/* The last window is not over yet. */
	if (result->until_usec > now_usec)
		result->until_usec = now_usec;
}

static int open_reader(struct question *question, const char *database, struct store **ret)
{
	struct question_answer *answer = &question->answer;
	_cleanup_free_ char *why = NULL;
	uint64_t now_ns = clock_monotonic_ns();
	int r = store_open_reader(database, &question->stop, ret, &why);

	if (r < 0) {
		snprintf(answer->why, sizeof(answer->why), "%s", why ? why : strerror(-r));
		return r;
	}
	if (question->order.usec_max)
		store_stop_at(*ret, now_ns + question->order.usec_max * 1000);
	return 0;
}

/* Makes the sentence for a failure of the engine that has none yet. */
static int explain(struct question *question, const struct store *store, int error)
{
	struct question_answer *answer = &question->answer;

	if (error == -ECANCELED && !atomic_load(&question->stop)) {
		snprintf(answer->why, sizeof(answer->why),
			 "this takes longer than %" PRIu64
			 " s: narrow it by --since/--until/--session or "
			 "a target",
			 question->order.usec_max / 1000000);
		return -ETIMEDOUT;
	}
	if (!answer->why[0])
		snprintf(answer->why, sizeof(answer->why), "%s",
			 *store_error(store) ? store_error(store) : strerror(-error));
	return error;
}

static int run(struct question *question, const char *database)
{
	struct question_answer *answer = &question->answer;
	_cleanup_(store_free_p) struct store *store = NULL;
	int r = open_reader(question, database, &store);

	if (r < 0)
		return r;
	r = query_engine_run(store, &question->query, QUERY_BYTES_MAX, &answer->result, answer->why,
			     sizeof(answer->why));
	if (r < 0)
		return explain(question, store, r);
	complete_result(question, &answer->result);
	return question->order.wants_json ? answer_with_file(answer) : 0;
}

void question_run(struct question *question, const char *database)
{
	question->answer.error = run(question, database);
}
