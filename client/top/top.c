/* SPDX-License-Identifier: MIT */
#include "client/top/top.h"

#include <errno.h>
#include <string.h>

#include "client/base/failure.h"
#include "client/bus/password.h"
#include "client/top/keys.h"
#include "client/top/screen.h"
#include "client/top/stream.h"

#define SPAN_S 5

/* Keys have to wait for the daemon's answer, but not longer than this. */
#define TIMEOUT_USEC UINT64_C(5000000)

define_cleanup(struct top_feed *, top_feed_free);
define_cleanup(struct top_clock *, top_clock_free);

static enum top_sort choose_sort(const struct request *request)
{
	if (request->sort && !strcmp(request->sort, "total"))
		return TOP_SORT_TOTAL;
	return request->sort && !strcmp(request->sort, "name") ? TOP_SORT_NAME : TOP_SORT_SELF;
}

/* ---- on a terminal ---- */

static int show(struct top *top)
{
	_cleanup_(top_page_done) struct top_page page = {0};
	struct top_picture picture = {
		.sum = &top->sum,
		.status = top_feed_get_status(top->feed),
		.daemon_share = top_feed_get_daemon_share(top->feed),
		.restricted = top_feed_is_restricted(top->feed),
		.by = top_feed_get_by(top->feed),
		.kind = top_feed_get_kind(top->feed),
		.filter = top_feed_get_filter(top->feed),
		.problem = top_feed_get_problem(top->feed),
	};
	size_t rows, columns;
	int r = top_count(top);

	if (r < 0)
		return r;
	top_screen_get_size(&rows, &columns);
	r = top_page_make(&picture, &top->view, rows, columns, &page);
	if (r < 0)
		return r;
	top_screen_show(&page);
	return 0;
}

/* Asks once, and ends a freeze where the names of the frozen rows may be freed. */
static void ask(struct top *top)
{
	if (top_feed_ask(top->feed) != 1)
		return;
	top->view.frozen = false;
	top_view_say(&top->view, strdup("the counts went back because the history was replaced or "
					"names were added: one second is missing"));
}

/* Handles all keys that are there, and counts after each one because the next key applies to what
 * it has changed. Returns 1 where the user wants to quit, 0, or a negative errno. */
static int press_keys(struct top *top)
{
	unsigned int key;
	int r = 0;

	while (r == 0 && top_screen_read_key(&key)) {
		r = top_press(top, key);
		if (r == 0 && !top->sum.lost)
			r = top_count(top);
	}
	return r;
}

static int run_loop(struct top *top)
{
	struct top_events events;
	int r = show(top);

	while (r >= 0) {
		r = top_clock_wait(top->clock, &events);
		if (r < 0)
			return r;
		if (events.end)
			return 0;
		if (events.resize)
			top_screen_resize();
		/* Resizing puts a key into the queue of curses, which poll() does not see. */
		r = events.key || events.resize ? press_keys(top) : 0;
		if (r != 0)
			return r < 0 ? r : 0;
		if (events.second)
			ask(top);
		r = show(top);
	}
	return r;
}

static int run_on_screen(struct bus *bus, const struct request *request,
			 const struct screen *screen, struct top_feed *feed,
			 struct top_clock *clock)
{
	struct top top = {
		.bus = bus,
		.request = request,
		.feed = feed,
		.clock = clock,
		.view = {.sort = choose_sort(request), .span_s = SPAN_S, .selected = TOP_NO_ITEM},
	};
	int r = top_screen_open(screen);

	if (r < 0)
		return r;
	r = run_loop(&top);
	top_screen_close();
	top_sum_done(&top.sum);
	top_view_say(&top.view, NULL);
	return r;
}

/* ---- beginning ---- */

/* Asks once and sets the filter, so that an error in either is reported before the screen opens. */
static int ask_first(struct bus *bus, const struct request *request, void *userdata)
{
	struct top_feed *feed = userdata;
	int r = top_feed_ask(feed);

	if (r < 0 || !request->filter)
		return r;
	return top_feed_set_filter(feed, request->filter);
}

static int begin(struct bus *bus, struct top_feed *feed, const struct request *request)
{
	int r = question_call(bus, request, ask_first, feed);

	bus_set_timeout(bus, TIMEOUT_USEC);
	return r;
}

static int explain(int error, char **ret_why)
{
	const char *term = getenv("TERM");

	if (error == -ENOTSUP && asprintf(ret_why,
					  "top: the terminal \"%s\" is not known (TERM); "
					  "use --json, or: oxprofctl show",
					  term ?: "") < 0)
		*ret_why = NULL;
	else if (error != -ENOTSUP && error != -EPIPE)
		*ret_why = failure_describe("top", NULL, NULL, error);
	return error;
}

int top_run(struct bus *bus, const struct request *request, const struct screen *screen,
	    char **ret_why)
{
	_cleanup_(top_clock_free_p) struct top_clock *clock = NULL;
	_cleanup_(top_feed_free_p) struct top_feed *feed = NULL;
	int r;

	if (!request->json && !(screen->terminal && isatty(STDIN_FILENO))) {
		*ret_why = strdup("top: not a terminal; use --json, or: oxprofctl show");
		return -ENOTTY;
	}
	feed = top_feed_new(bus, request);
	if (!feed)
		return -ENOMEM;
	r = begin(bus, feed, request);
	if (r < 0) {
		*ret_why = strdup(top_feed_get_problem(feed));
		return r;
	}
	r = top_clock_new(!request->json, &clock);
	if (r < 0)
		return explain(r, ret_why);
	r = request->json ? top_stream_run(feed, clock, choose_sort(request), stdout)
			  : run_on_screen(bus, request, screen, feed, clock);
	return r < 0 ? explain(r, ret_why) : 0;
}
