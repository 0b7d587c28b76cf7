/* SPDX-License-Identifier: MIT */
#include "client/top/feed.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "client/base/failure.h"
#include "daemon/base/clock.h"

/* How often the beginning of the window moves, and how far it stays behind the present: by then the
 * daemon has written the windows before it. */
#define MOVE_NS     UINT64_C(60000000000)
#define BEHIND_USEC (UINT64_C(2) * OX_WINDOW_USEC)

struct top_feed {
	struct bus *bus;
	struct request request; /* its window begins where move_window() has moved it */
	char *filter;           /* not in the request: all is counted, some is shown */
	struct top_model *model;
	struct json_object *status;
	char *problem;
	uint64_t began_usec;
	uint64_t moved_ns;
	uint64_t answered_ns;
	uint64_t status_ns;
	double daemon_share;
	bool restricted;
};

define_cleanup(struct top_feed *, top_feed_free);

static void begin(struct top_feed *feed)
{
	feed->began_usec = clock_realtime_usec();
	feed->request.window.since_usec = feed->began_usec;
	feed->request.window.until_usec = UINT64_MAX;
	feed->moved_ns = clock_monotonic_ns();
}

struct top_feed *top_feed_new(struct bus *bus, const struct request *request)
{
	_cleanup_(top_feed_free_p) struct top_feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	feed->bus = bus;
	feed->request = *request;
	feed->request.by = "function";
	feed->request.sort = "total";
	feed->request.has_max = true;
	feed->request.max = 0;
	feed->request.filter = NULL;
	feed->daemon_share = -1;
	feed->model = top_model_new();
	if (!feed->model)
		return NULL;
	begin(feed);
	return take_ptr(feed);
}

struct top_feed *top_feed_free(struct top_feed *feed)
{
	if (!feed)
		return NULL;
	top_model_free(feed->model);
	json_object_put(feed->status);
	free(feed->problem);
	free(feed->filter);
	free(feed);
	return NULL;
}

static int note_failure(struct top_feed *feed, int error)
{
	free(feed->problem);
	feed->problem = error < 0 ? failure_describe("top", bus_get_error(feed->bus),
						     bus_get_error_text(feed->bus), error)
				  : NULL;
	return error;
}

/* ---- queries ---- */

static int ask(struct top_feed *feed, uint64_t since_usec, uint64_t until_usec, const char *filter,
	       struct json_object **ret)
{
	struct request request = feed->request;

	request.window.since_usec = since_usec;
	request.window.until_usec = until_usec;
	request.filter = filter;
	return bus_query(feed->bus, &request, ret);
}

/* Asks for all names since then that match the filter. */
static int ask_filter(struct top_feed *feed, uint64_t since_usec, const char *filter,
		      struct json_object **ret)
{
	return ask(feed, since_usec, UINT64_MAX, filter, ret);
}

/* Moves the beginning of the window to a border between two windows of the history: asks for the
 * counts before it once more and takes them off. */
static int move_window(struct top_feed *feed)
{
	_cleanup_tree_ struct json_object *old = NULL;
	uint64_t *since_usec = &feed->request.window.since_usec;
	uint64_t border = clock_realtime_usec() - BEHIND_USEC;
	int r;

	border -= border % OX_WINDOW_USEC;
	feed->moved_ns = clock_monotonic_ns();
	if (border <= *since_usec)
		return 0;
	r = ask(feed, *since_usec, border, NULL, &old);
	if (r < 0)
		return r;
	r = top_model_move(feed->model, old);
	if (r >= 0)
		*since_usec = border;
	return r;
}

static int ask_hits(struct top_feed *feed)
{
	_cleanup_tree_ struct json_object *answer = NULL;
	uint64_t before_ns = feed->answered_ns, now_ns;
	int r = bus_query(feed->bus, &feed->request, &answer);

	if (r < 0)
		return r;
	now_ns = clock_monotonic_ns();
	r = top_model_add(feed->model, answer, before_ns ? (double)(now_ns - before_ns) / 1e9 : 0);
	if (r < 0)
		return r;
	feed->answered_ns = now_ns;
	feed->restricted = tree_get_bool(answer, "restricted");
	return r;
}

static int judge_names(struct top_feed *feed)
{
	_cleanup_tree_ struct json_object *answer = NULL;
	int r;

	if (!feed->filter || !top_model_needs_filter(feed->model))
		return 0;
	r = ask_filter(feed, feed->request.window.since_usec, feed->filter, &answer);
	return r < 0 ? r : top_model_filter(feed->model, answer);
}

/* Returns the share of a CPU between the two, or -1 where it is not known: a daemon that was
 * restarted in between has used less time than before. */
static double get_share(struct json_object *before, struct json_object *now, uint64_t ns)
{
	uint64_t from = tree_get_u64(before, "daemon_cpu_usec");
	uint64_t to = tree_get_u64(now, "daemon_cpu_usec");

	return before && to >= from && ns > 0 ? (double)(to - from) * 1e3 / (double)ns : -1;
}

static int ask_status(struct top_feed *feed)
{
	struct json_object *status;
	uint64_t now_ns;
	int r = bus_get_status(feed->bus, NULL, &status);

	if (r < 0)
		return r;
	now_ns = clock_monotonic_ns();
	feed->daemon_share = get_share(feed->status, status, now_ns - feed->status_ns);
	feed->status_ns = now_ns;
	json_object_put(feed->status);
	feed->status = status;
	return 0;
}

static struct json_object *forget(struct json_object *tree)
{
	json_object_put(tree);
	return NULL;
}

/* Asks for everything but the hits. Returns 0 or 1 as move_window(), or a negative errno. */
static int ask_rest(struct top_feed *feed)
{
	int r = judge_names(feed);

	if (r < 0)
		return r;
	r = ask_status(feed);
	if (r < 0)
		return r;
	return clock_monotonic_ns() - feed->moved_ns > MOVE_NS ? move_window(feed) : 0;
}

int top_feed_ask(struct top_feed *feed)
{
	int counted, r;

	assert(feed->model);
	counted = r = ask_hits(feed);
	if (r >= 0)
		r = ask_rest(feed);
	if (r < 0)
		feed->status = forget(feed->status);
	note_failure(feed, r < 0 ? r : 0);
	return counted;
}

/* ---- what the user wants ---- */

static int restart_count(struct top_feed *feed)
{
	struct top_model *model = top_model_new();
	int r;

	if (!model)
		return note_failure(feed, -ENOMEM);
	top_model_free(feed->model);
	feed->model = model;
	feed->answered_ns = 0;
	begin(feed);
	r = top_feed_ask(feed);
	return r < 0 ? r : 0;
}

int top_feed_set_by(struct top_feed *feed, const char *by)
{
	assert(by);
	feed->request.by = by;
	return restart_count(feed);
}

int top_feed_set_kind(struct top_feed *feed, const char *kind)
{
	feed->request.kind = kind;
	return restart_count(feed);
}

/* Judges all names by the filter, also names that were seen before the window began. */
static int apply_filter(struct top_feed *feed, const char *filter)
{
	_cleanup_tree_ struct json_object *answer = NULL;
	int r = ask_filter(feed, feed->began_usec, filter, &answer);

	if (r < 0)
		return r;
	top_model_forget_filter(feed->model);
	return top_model_filter(feed->model, answer);
}

int top_feed_set_filter(struct top_feed *feed, const char *filter)
{
	char *copy = filter ? strdup(filter) : NULL;
	int r = filter && !copy ? -ENOMEM : 0;

	if (filter && r >= 0)
		r = apply_filter(feed, filter);
	note_failure(feed, r);
	if (r < 0) {
		free(copy);
		return r;
	}
	if (!filter)
		top_model_forget_filter(feed->model);
	free(feed->filter);
	feed->filter = copy;
	return 0;
}

/* ---- looking ---- */

const char *top_feed_get_problem(const struct top_feed *feed)
{
	return feed->problem ?: "";
}

const char *top_feed_get_by(const struct top_feed *feed)
{
	return feed->request.by;
}

const char *top_feed_get_kind(const struct top_feed *feed)
{
	return feed->request.kind;
}

const char *top_feed_get_filter(const struct top_feed *feed)
{
	return feed->filter;
}

const struct top_model *top_feed_get_model(const struct top_feed *feed)
{
	return feed->model;
}

struct json_object *top_feed_get_status(const struct top_feed *feed)
{
	return feed->status;
}

double top_feed_get_daemon_share(const struct top_feed *feed)
{
	return feed->daemon_share;
}

bool top_feed_is_restricted(const struct top_feed *feed)
{
	return feed->restricted;
}
