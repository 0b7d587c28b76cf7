/* SPDX-License-Identifier: MIT */
/* The verb diff: two exports, tallied (tally.h) and compared (diff.h), or folded to a flame graph.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/diff/render.h"
#include "client/flame/flame.h"
#include "client/render/summary.h"
#include "client/report/internal.h"
#include "daemon/base/api.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

#define SLOTS_WANTED 60

define_cleanup(struct diff *, diff_free);
define_cleanup(struct profile *, profile_free);

struct sides {
	struct graph_names *names;
	struct tally *tallies[N_DIFF_SIDES];
	struct profile *profiles[N_DIFF_SIDES];
};

static void sides_done(struct sides *sides)
{
	for (int i = 0; i < N_DIFF_SIDES; i++) {
		tally_free(sides->tallies[i]);
		profile_free(sides->profiles[i]);
	}
	graph_names_unref(sides->names);
}

static const struct window *get_window(const struct request *request, int side)
{
	assert(side == DIFF_BASE || side == DIFF_WITH);
	return side == DIFF_BASE ? &request->base : &request->with;
}

/* Describes a window as "session 12" or "2026-11-23 14:00:00 to now". */
static void describe_window(const struct window *window, char *ret, size_t size)
{
	char from[CLOCK_TEXT_BYTES] = "the beginning", to[CLOCK_TEXT_BYTES] = "now";

	if (window->session) {
		snprintf(ret, size, "session %" PRId64, window->session);
		return;
	}
	if (window->since_usec)
		clock_format_local(window->since_usec, from);
	if (window->until_usec < UINT64_MAX)
		clock_format_local(window->until_usec, to);
	snprintf(ret, size, "%s to %s", from, to);
}

/* Refuses a side without samples: everything would be new, or gone. Returns 0 or -ENODATA. */
static int check_samples(struct report *report, int side, const struct profile *profile)
{
	char window[2 * CLOCK_TEXT_BYTES + 8];

	if (profile_summary(profile)->samples > 0)
		return 0;
	describe_window(get_window(report->request, side), window, sizeof(window));
	if (asprintf(&report->why,
		     "diff: --%s: there are no samples from %s; see oxprofctl history",
		     side == DIFF_BASE ? "base" : "with", window) < 0)
		report->why = NULL;
	return -ENODATA;
}

/* ---- the length of the slots ---- */

/* Narrows the window to the time of its session, or to the beginning of the first one; leaves it
 * alone where that is not known. */
static void narrow_to_session(struct bus *bus, struct window *window, uint64_t now_usec)
{
	_cleanup_tree_ struct json_object *history = NULL;
	struct request request = {.window = {.until_usec = UINT64_MAX}};
	struct json_object *sessions;

	/* Without the history the stream is longer than it need be, and the result is the same. */
	if (bus_get_visible_history(bus, &request, &history) < 0)
		return;
	sessions = tree_get_rows(history, "sessions");
	for (size_t i = 0; i < json_object_array_length(sessions); i++) {
		struct json_object *session = json_object_array_get_idx(sessions, i);
		int64_t id = (int64_t)tree_get_u64(session, "id");

		if (window->session ? id == window->session
				    : window->since_usec == 0 || tree_get_u64(session, "started") <
									 window->since_usec) {
			window->since_usec = tree_get_u64(session, "started");
			if (window->session)
				window->until_usec = tree_get_u64(session, "ended") ?: now_usec;
		}
	}
}

/* Chooses the length of the slots: some sixty a window, each of whole windows of the history. */
static uint64_t choose_step_usec(struct bus *bus, const struct window *asked)
{
	uint64_t now_usec = clock_realtime_usec(), n_windows;
	struct window window = *asked;

	if (window.session || window.since_usec == 0)
		narrow_to_session(bus, &window, now_usec);
	if (window.until_usec > now_usec)
		window.until_usec = now_usec;
	if (window.since_usec == 0 || window.until_usec <= window.since_usec)
		return OX_WINDOW_USEC;
	n_windows = (window.until_usec - window.since_usec) / OX_WINDOW_USEC;
	return OX_WINDOW_USEC * (1 + n_windows / SLOTS_WANTED);
}

/* ---- the table ---- */

/* Reads one side and counts it. --filter chooses the functions that are shown, as in query, and not
 * stacks, as the filter of Export does: so it is sent as the focus. */
static int read_side(struct report *report, struct sides *sides, int side)
{
	struct request request = *report->request;
	struct bus_export_options options = {.stacks = true, .slots = true};
	int r;

	request.window = *get_window(report->request, side);
	request.focus = request.filter;
	request.filter = NULL;
	options.step_usec = choose_step_usec(report->bus, &request.window);
	sides->tallies[side] = tally_new(sides->names);
	if (!sides->tallies[side])
		return -ENOMEM;
	r = report_read(report, &request, &options, tally_add, sides->tallies[side],
			&sides->profiles[side]);
	if (r < 0)
		return r;
	r = check_samples(report, side, sides->profiles[side]);
	if (r < 0)
		return r;
	return tally_finish(sides->tallies[side], sides->profiles[side], options.step_usec);
}

static int write_table(struct report *report, const struct sides *sides)
{
	const struct request *request = report->request;
	_cleanup_(diff_free_p) struct diff *diff = NULL;
	struct diff_input inputs[N_DIFF_SIDES];
	struct diff_page page = {
		.max = request->has_max ? request->max : OX_RECORDS_DEFAULT,
		.threshold = request->threshold,
	};
	int r;

	for (int side = 0; side < N_DIFF_SIDES; side++) {
		page.summaries[side] = profile_summary(sides->profiles[side]);
		inputs[side] = (struct diff_input){page.summaries[side], sides->tallies[side]};
	}
	r = diff_new(inputs, sides->names, request->filter, &diff);
	if (r < 0)
		return r;
	page.diff = diff;
	if (!request->json)
		return render_diff(&page, report->screen, report->out);
	render_diff_json(&page, report->out);
	return 0;
}

static int report_table(struct report *report)
{
	_cleanup_(sides_done) struct sides sides = {.names = graph_names_new()};
	if (!sides.names)
		return -ENOMEM;
	for (int side = 0; side < N_DIFF_SIDES; side++) {
		int r = read_side(report, &sides, side);

		if (r < 0)
			return r;
	}
	return write_table(report, &sides);
}

/* ---- the flame graph ---- */

static int add_base(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	return graph_add(userdata, GRAPH_BASE, profile, hit->node, hit->n);
}

static int add_with(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	return graph_add(userdata, GRAPH_WITH, profile, hit->node, hit->n);
}

struct diff_drawing {
	struct graph *graph;
	struct flame_about about;
	char names[N_DIFF_SIDES][2 * CLOCK_TEXT_BYTES + 8];
	char *losses[N_DIFF_SIDES];
	char *note;
};

static void drawing_done(struct diff_drawing *drawing)
{
	graph_free(drawing->graph);
	for (int side = 0; side < N_DIFF_SIDES; side++)
		free(drawing->losses[side]);
	free(drawing->note);
}

static int describe_side(struct diff_drawing *drawing, int side, const struct window *window,
			 const struct profile_summary *summary)
{
	struct flame_about *about = &drawing->about;

	flame_set_side(&about->sides[side], summary);
	describe_window(window, drawing->names[side], sizeof(drawing->names[side]));
	about->sides[side].name = drawing->names[side];
	about->restricted |= summary->restricted;
	about->without_kernel |= summary->without_kernel;
	drawing->losses[side] =
		summary_describe_losses(summary, side == DIFF_BASE ? "base " : "with ");
	return drawing->losses[side] ? 0 : -ENOMEM;
}

/* Adds one side to the graph. Here a filter chooses stacks, as for a flame graph of one window. */
static int draw_side(struct report *report, int side, struct diff_drawing *drawing)
{
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	struct request request = *report->request;
	int r;

	request.window = *get_window(report->request, side);
	r = report_read(report, &request, &(struct bus_export_options){.stacks = true},
			side == DIFF_BASE ? add_base : add_with, drawing->graph, &profile);
	if (r < 0)
		return r;
	r = check_samples(report, side, profile);
	if (r < 0)
		return r;
	return describe_side(drawing, side, &request.window, profile_summary(profile));
}

static int join_losses(struct diff_drawing *drawing)
{
	const char *base = drawing->losses[DIFF_BASE], *with = drawing->losses[DIFF_WITH];

	if (asprintf(&drawing->note, "%s%s%s", base, *base && *with ? "; " : "", with) < 0) {
		drawing->note = NULL;
		return -ENOMEM;
	}
	drawing->about.note = *drawing->note ? drawing->note : NULL;
	return 0;
}

static int draw_sides(struct report *report, struct diff_drawing *drawing)
{
	int r;

	for (int side = 0; side < N_DIFF_SIDES; side++) {
		r = draw_side(report, side, drawing);
		if (r < 0)
			return r;
	}
	r = join_losses(drawing);
	if (r < 0)
		return r;
	return graph_finish(drawing->graph);
}

static int report_flamegraph(struct report *report)
{
	const struct request *request = report->request;
	_cleanup_free_ char *filters = flame_describe_filters(request, 0);
	_cleanup_(drawing_done) struct diff_drawing drawing = {
		.graph = graph_new(),
		.about = {.title = "oxprof diff",
			  .filters = filters && *filters ? filters : NULL,
			  .threshold =
				  request->has_threshold ? request->threshold : FLAME_THRESHOLD,
			  .diff = true},
	};
	int r;

	if (!drawing.graph || !filters)
		return -ENOMEM;
	r = draw_sides(report, &drawing);
	if (r < 0)
		return r;
	/* Nothing is written before both windows are known to have samples. */
	r = flame_begin(drawing.about.title, request->format, report->out);
	if (r < 0)
		return r;
	return flame_write(drawing.graph, &drawing.about, request->format, report->out);
}

int diff_report(struct report *report)
{
	return report->request->format < FORMAT_FOLDED ? report_table(report)
						       : report_flamegraph(report);
}
