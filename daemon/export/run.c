/* SPDX-License-Identifier: MIT */
/*
 * One export from its first byte to its last: the summary, which is known at once; the hits of the
 * range, which are added up; and then each hit with its stack.
 *
 * If stacks are sent as they are in the store, each is followed when it is sent, so that the first
 * ones are on their way while the others are not even read. If frames are taken from stacks, or no
 * stacks are sent, hits of several stacks may become one: then the stack of each row is followed
 * when the row is read.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/loss.h"
#include "daemon/export/chunk.h"
#include "daemon/export/dictionary.h"
#include "daemon/export/hits.h"
#include "daemon/export/internal.h"
#include "daemon/export/paths.h"
#include "daemon/export/slots.h"
#include "daemon/query/pruning.h"
#include "daemon/query/result.h"
#include "daemon/query/stop.h"
#include "daemon/query/tasks.h"

#define ROWS_BETWEEN_CHECKS 4096
#define PROGRESS_NS         UINT64_C(250000000) /* between two parts while rows are read */

/* The progress when all hits are read, which is about as much work as sending them. */
#define PERMILLE_READ 500

struct export_run {
	const struct export_order *order;
	struct store *store;
	struct export_chunk *part;
	struct export_slots *slots;
	struct tasks *tasks; /* NULL: the query is about all tasks */
	struct export_paths *paths;
	struct export_hits *hits;
	struct export_dictionary *dictionary;
	struct result result; /* without rows: samples, stops, losses, the time that is covered */
	bool follows_first;   /* stacks are followed when rows are read, see above */
	uint64_t rows;
	uint64_t read;     /* hits */
	uint64_t expected; /* about how many hits there are */
	uint64_t sent_ns;  /* when the progress was sent last */
	char *why;         /* why the store could not be opened; NULL: it was */
};

static void run_done(struct export_run *run)
{
	export_dictionary_free(run->dictionary);
	export_hits_free(run->hits);
	export_paths_free(run->paths);
	tasks_free(run->tasks);
	export_slots_free(run->slots);
	export_chunk_free(run->part);
	store_free(run->store);
	free(run->why);
}

/* ---- the summary ---- */

static int on_loss(void *userdata, const char *reason, uint64_t n)
{
	result_add_loss(userdata, reason, n);
	return 0;
}

static uint64_t windows_of(const struct export_options *options)
{
	return !options->slots      ? STORE_ALL_WINDOWS
	       : options->step_usec ? options->step_usec / OX_WINDOW_USEC
				    : 1;
}

static int read_summary(struct export_run *run)
{
	const struct query *query = &run->order->query;
	struct result *result = &run->result;
	uint64_t now_usec = clock_realtime_usec();
	int r = export_slots_new(run->store, &query->range, windows_of(&run->order->options),
				 now_usec, &run->slots);

	if (r < 0)
		return r;
	r = store_find_cover(run->store, &query->range, &result->since_usec, &result->until_usec);
	if (r < 0)
		return r;
	r = store_foreach_loss(run->store, &query->range, on_loss, result);
	if (r < 0)
		return r;
	/* The last window of a session that runs ends in the future. */
	if (result->until_usec > now_usec)
		result->until_usec = now_usec;
	return 0;
}

static void fill_session(const struct export_session *session, Oxprof__Session *ret)
{
	oxprof__session__init(ret);
	ret->id = session->id;
	ret->started = session->started_usec;
	ret->ended = session->ended_usec;
	ret->interval_ns = session->interval_ns;
	ret->observed_usec = session->observed_usec;
}

/* Returns an estimate: the samples are taken as spread evenly over the session. */
static uint64_t expect_samples(const struct export_session *session)
{
	uint64_t usec = session->end_usec - session->started_usec;

	if (session->end_usec < session->started_usec)
		return session->samples;
	return session->observed_usec < usec
		       ? (uint64_t)((double)session->samples * (double)session->observed_usec /
				    (double)usec)
		       : session->samples;
}

/* Returns how long was sampled. A user who began no session may have samples in another one's, of
 * whose time nothing is told but what the own samples cover. */
static uint64_t observed_usec(const struct export_run *run)
{
	uint64_t usec = export_slots_observed_usec(run->slots);

	if (usec || run->result.until_usec < run->result.since_usec)
		return usec;
	return run->result.until_usec - run->result.since_usec;
}

/* Adds the sessions to the summary. Both arrays are the caller's to free, also after an error. */
static int add_sessions(struct export_run *run, Oxprof__Summary *summary, Oxprof__Session **ret,
			Oxprof__Session ***ret_pointers)
{
	size_t n;
	const struct export_session *sessions = export_slots_sessions(run->slots, &n);
	Oxprof__Session *messages = calloc(n + 1, sizeof(*messages));

	*ret = messages;
	*ret_pointers = summary->sessions = calloc(n + 1, sizeof(*summary->sessions));
	if (!messages || !summary->sessions)
		return -ENOMEM;
	summary->observed_usec = observed_usec(run);
	for (size_t i = 0; i < n; i++) {
		fill_session(&sessions[i], &messages[i]);
		summary->sessions[summary->n_sessions++] = &messages[i];
		run->expected += expect_samples(&sessions[i]);
	}
	return 0;
}

static void fill_summary(const struct export_run *run, Oxprof__Summary *ret)
{
	const struct export_order *order = run->order;

	oxprof__summary__init(ret);
	ret->state = (char *)order->options.state;
	ret->since = run->result.since_usec;
	ret->until = run->result.until_usec;
	ret->interval_ns = order->options.interval_ns;
	ret->restricted = order->query.only_uid != UINT32_MAX;
	ret->without_kernel = order->query.without_kernel;
	ret->session = order->query.range.session;
}

static int send_summary(struct export_run *run)
{
	Oxprof__Count counts[array_length(run->result.lost)];
	Oxprof__Count *lost[array_length(run->result.lost)];
	_cleanup_free_ Oxprof__Session *sessions = NULL, **pointers = NULL;
	Oxprof__Summary summary;
	int r = read_summary(run);

	if (r < 0)
		return r;
	fill_summary(run, &summary);
	summary.lost = lost;
	for (size_t i = 0; i < run->result.n_lost; i++) {
		oxprof__count__init(&counts[i]);
		counts[i].reason = run->result.lost[i].reason;
		counts[i].n = run->result.lost[i].n;
		lost[summary.n_lost++] = &counts[i];
	}
	r = add_sessions(run, &summary, &sessions, &pointers);
	if (r < 0)
		return r;
	return export_chunk_send_summary(run->part, &summary);
}

/* ---- hits ---- */

/* Counts a hit, and sets its node to what is left of its stack. Returns 1 if the hit is to be sent,
 * 0 if not, or a negative errno. */
static int judge(struct export_run *run, struct export_hit *hit)
{
	const struct export_order *order = run->order;
	struct export_path path;
	int r = export_paths_find(run->paths, hit->node, &path);

	if (r < 0)
		return r;
	run->result.samples += hit->n;
	assert(path.end <= STOP_NONE);
	if (path.end != STOP_NONE)
		run->result.stops[path.end] += hit->n;
	if (!pruning_keeps_sample(&order->query, path.left != 0) ||
	    (!path.matches && order->filter))
		return 0;
	hit->node = order->options.stacks ? path.left : 0;
	return 1;
}

/* Sends the progress from time to time, which also shows whether anybody still reads. */
static int send_progress(struct export_run *run)
{
	uint64_t now_ns = clock_monotonic_ns(), permille;

	if (now_ns - run->sent_ns < PROGRESS_NS)
		return 0;
	run->sent_ns = now_ns;
	permille = run->read < run->expected
			   ? (uint64_t)((double)run->read / (double)run->expected * PERMILLE_READ)
			   : PERMILLE_READ - 1;
	export_chunk_set_permille(run->part, (uint32_t)permille);
	return export_chunk_send(run->part);
}

static int on_hits(void *userdata, const struct store_slot_hits *row)
{
	struct export_run *run = userdata;
	const struct export_options *options = &run->order->options;
	struct export_hit hit = {.n = row->n};
	uint32_t group;
	int r = run->rows++ % ROWS_BETWEEN_CHECKS ? 0 : send_progress(run);

	if (atomic_load(run->order->stop))
		return -ECANCELED;
	if (r < 0)
		return r;
	run->read += row->n;
	r = run->tasks ? tasks_find_group(run->tasks, row->task, &group) : 1;
	if (r <= 0)
		return r;
	if (row->task < 0 || row->task > UINT32_MAX || row->node < 0 || row->node > UINT32_MAX)
		return -EOVERFLOW;
	hit.node = (uint32_t)row->node;
	hit.task = options->tasks ? (uint32_t)row->task : 0;
	r = options->slots ? export_slots_find(run->slots, row->slot, &hit.slot) : 0;
	if (r < 0)
		return r;
	if (run->follows_first) {
		r = judge(run, &hit);
		if (r <= 0)
			return r;
	}
	return export_hits_add(run->hits, &hit);
}

static int emit_hits(struct export_run *run)
{
	const struct export_hit *hits;
	size_t n;
	int r = export_hits_get(run->hits, &hits, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct export_hit hit = hits[i];

		if (atomic_load(run->order->stop))
			return -ECANCELED;
		export_chunk_set_permille(
			run->part, (uint32_t)(PERMILLE_READ + (1000 - PERMILLE_READ) * i / n));
		r = run->follows_first ? 1 : judge(run, &hit);
		if (r > 0)
			r = export_dictionary_emit(run->dictionary, &hit);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- the end ---- */

static int send_end(struct export_run *run, const char *failure)
{
	Oxprof__End end = OXPROF__END__INIT;
	Oxprof__Count counts[OX_N_STOPS];
	Oxprof__Count *stacks[OX_N_STOPS];

	end.samples = run->result.samples;
	end.stacks = stacks;
	for (unsigned i = 0; i < OX_N_STOPS; i++) {
		oxprof__count__init(&counts[i]);
		counts[i].reason = (char *)stop_name(i);
		counts[i].n = run->result.stops[i];
		stacks[end.n_stacks++] = &counts[i];
	}
	end.failure = (char *)failure;
	return export_chunk_send_end(run->part, &end);
}

/* True if the failure cannot be reported: nobody reads any more, or the export was stopped. */
static bool is_hopeless(int error)
{
	return error == -EPIPE || error == -ETIMEDOUT || error == -ECANCELED;
}

static void send_failure(struct export_run *run, int error)
{
	const char *why = strerror(-error);

	if (run->why)
		why = run->why;
	else if (error == -ELOOP)
		why = "the regular expressions take too long on these names; use simpler ones";
	else if (run->store && *store_error(run->store))
		why = store_error(run->store);
	else if (error == -EOVERFLOW)
		why = "the history is too large for an export";
	export_chunk_drop(run->part);
	(void)send_end(run, why);
}

static int prepare(struct export_run *run)
{
	const struct export_order *order = run->order;
	int r = store_open_reader(order->database, order->stop, &run->store, &run->why);

	if (r < 0)
		return r;
	r = send_summary(run);
	if (r < 0)
		return r;
	r = export_paths_new(run->store, order, &run->paths);
	if (r < 0)
		return r;
	r = export_dictionary_new(run->store, run->paths, run->slots, run->part, &run->dictionary);
	if (r < 0)
		return r;
	run->hits = export_hits_new();
	if (!run->hits)
		return -ENOMEM;
	if (!query_needs_tasks(&order->query))
		return 0;
	run->tasks = tasks_new(run->store, &order->query);
	return run->tasks ? 0 : -ENOMEM;
}

static int run_all(struct export_run *run)
{
	const struct export_order *order = run->order;
	int r = prepare(run);

	if (r < 0)
		return r;
	r = store_foreach_slot_hits(run->store, &order->query.range, windows_of(&order->options),
				    on_hits, run);
	if (r < 0)
		return r;
	r = emit_hits(run);
	if (r < 0)
		return r;
	return send_end(run, "");
}

void export_run(const struct export_order *order, const struct export_pipe *pipe)
{
	_cleanup_(run_done) struct export_run run = {.order = order};
	int r = export_chunk_new(pipe, &run.part);

	if (r < 0)
		return;
	run.sent_ns = clock_monotonic_ns();
	run.follows_first = query_prunes(&order->query) || !order->options.stacks;
	r = run_all(&run);
	if (r < 0 && !is_hopeless(r))
		send_failure(&run, r);
}
