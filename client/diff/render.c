/* SPDX-License-Identifier: MIT */
#include "client/diff/render.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "client/base/grid.h"
#include "client/base/text.h"
#include "client/render/render.h"
#include "client/render/summary.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/json.h"

define_cleanup(struct grid *, grid_free);

static const char *const side_names[N_DIFF_SIDES] = {"base", "with"};

static const struct grid_column columns[] = {
	{"BASE", .right = true},    {"WITH", .right = true}, {"CHANGE", .right = true},
	{"CHANGE%", .right = true}, {"SELF", .right = true}, {"P", .right = true},
	{.title = "VERDICT"},       {.title = "KIND"},       {"NAME", .flexible = true},
};

/* True if the windows have time in common. */
static bool overlaps(const struct diff_page *page)
{
	const struct profile_summary *base = page->summaries[DIFF_BASE];
	const struct profile_summary *with = page->summaries[DIFF_WITH];

	return base->since_usec < with->until_usec && with->since_usec < base->until_usec;
}

static bool is_shown(const struct diff_page *page, const struct diff_row *row)
{
	for (int side = 0; side < N_DIFF_SIDES; side++) {
		double samples = (double)page->summaries[side]->samples;

		if ((double)row->total[side] >= page->threshold / 100 * samples)
			return true;
	}
	return false;
}

/* Returns the next row to be shown, from *i on, which is then behind it; NULL: there is none. */
static const struct diff_row *next_row(const struct diff_page *page, size_t *i)
{
	while (*i < diff_count(page->diff)) {
		const struct diff_row *row = diff_row(page->diff, (*i)++);

		if (is_shown(page, row))
			return row;
	}
	return NULL;
}

/* Returns "more", "less" or "chance"; "?" where nothing can be said, "" where nothing was
 * tested. */
static const char *verdict_of(const struct diff_row *row)
{
	static const char *const words[] = {
		[VERDICT_UNTESTED] = "", [VERDICT_UNKNOWN] = "?", [VERDICT_CHANCE] = "chance",
		[VERDICT_LESS] = "less", [VERDICT_MORE] = "more",
	};

	return words[row->result.verdict];
}

/* ---- rows ---- */

static void add_relative(struct grid *grid, const struct diff_row *row)
{
	double base = row->total_rate[DIFF_BASE], with = row->total_rate[DIFF_WITH];

	if (row->total[DIFF_BASE] == 0)
		grid_add(grid, "new");
	else if (row->total[DIFF_WITH] == 0)
		grid_add(grid, "gone");
	else
		grid_add_format(grid, "%+.0f", 100 * (with / base - 1));
}

static void add_p(struct grid *grid, const struct diff_row *row)
{
	double p = row->result.p_adjusted;

	if (row->result.verdict == VERDICT_UNTESTED)
		grid_add(grid, "-");
	else if (p < 1e-4)
		grid_add(grid, "<.0001");
	else
		grid_add_format(grid, "%.4f", p);
}

/* Adds the change in percent of a CPU, but never "-0.00". */
static void add_change(struct grid *grid, const double rate[N_DIFF_SIDES])
{
	double change = 100 * (rate[DIFF_WITH] - rate[DIFF_BASE]);

	grid_add_format(grid, fabs(change) < 0.005 ? "0.00" : "%+.2f", change);
}

static void add_row(struct grid *grid, const struct diff_row *row)
{
	const char *verdict = verdict_of(row);

	for (int side = 0; side < N_DIFF_SIDES; side++)
		grid_add_format(grid, "%.2f", 100 * row->total_rate[side]);
	add_change(grid, row->total_rate);
	add_relative(grid, row);
	add_change(grid, row->self_rate);
	add_p(grid, row);
	grid_add(grid, *verdict ? verdict : "-");
	grid_add(grid, frame_kind_name(row->function->kind));
	grid_add(grid, row->function->name);
}

static int print_rows(const struct diff_page *page, const struct screen *screen, FILE *out)
{
	_cleanup_(grid_free_p) struct grid *grid = grid_new(columns, array_length(columns));
	const struct diff_row *row;
	size_t i = 0, n = 0;
	int r;

	if (!grid)
		return -ENOMEM;
	for (; (page->max == 0 || n < page->max) && (row = next_row(page, &i)); n++)
		add_row(grid, row);
	r = grid_print(grid, screen, out);
	if (r < 0)
		return r;
	if (n == 0)
		fputs("-- No entries --\n", out);
	return 0;
}

/* ---- below the rows ---- */

static int print_side(const struct diff_page *page, int side, FILE *out)
{
	_cleanup_tree_ struct json_object *answer = NULL;
	double rate = diff_about(page->diff)->rate[side];
	char span[CLOCK_TEXT_BYTES], also[96];
	int r = summary_make_tree(page->summaries[side], &answer);

	if (r < 0)
		return r;
	clock_format_span(page->summaries[side]->observed_usec, span);
	snprintf(also, sizeof(also), " in %s, %.2f %% of a CPU", span, 100 * rate);
	fprintf(out, "%s: ", side_names[side]);
	return render_extent(answer, also, NULL, out);
}

static void print_test(const struct diff_page *page, FILE *out)
{
	const struct compare_about *about = &diff_about(page->diff)->compare;
	char span[CLOCK_TEXT_BYTES];

	clock_format_span(diff_about(page->diff)->step_usec, span);
	if (about->n_slots == 0) {
		fprintf(out,
			"No verdict: each window needs %d slots of 10s or more, to show how much "
			"the load varies by itself. P assumes a load that does not vary: exact "
			"binomial test of TOTAL, adjusted for %zu functions (Holm).\n",
			COMPARE_SLOTS_MIN, about->n_tested);
		return;
	}
	fprintf(out,
		"%zu of %zu tested function%s differ%s. Functions with %d hits or more are tested, "
		"by their TOTAL: P is the larger one of the exact binomial test and of the t test "
		"with the variation between %zu slots of about %s, adjusted (Holm); level %g %%.\n",
		about->n_differ, about->n_tested, about->n_tested == 1 ? "" : "s",
		about->n_differ == 1 ? "s" : "", COMPARE_HITS_MIN, about->n_slots, span,
		100 * COMPARE_LEVEL);
}

static void print_intervals(const struct diff_page *page, FILE *out)
{
	const struct diff_about *about = diff_about(page->diff);
	char base[TEXT_NUMBER_BYTES], with[TEXT_NUMBER_BYTES];

	for (int side = 0; side < N_DIFF_SIDES; side++)
		if (about->mixed[side])
			fprintf(out,
				"The sessions of %s have different intervals: a hit counts as the "
				"mean, %s.\n",
				side_names[side],
				text_format_interval(about->interval_ns[side], base));
	if (about->interval_ns[DIFF_BASE] != about->interval_ns[DIFF_WITH])
		fprintf(out, "The intervals differ (%s and %s): CPU time is compared, not hits.\n",
			text_format_interval(about->interval_ns[DIFF_BASE], base),
			text_format_interval(about->interval_ns[DIFF_WITH], with));
}

static void print_warnings(const struct diff_page *page, FILE *out)
{
	const struct profile_summary *base = page->summaries[DIFF_BASE];
	const struct profile_summary *with = page->summaries[DIFF_WITH];

	if (overlaps(page))
		fputs("The windows overlap: what lies in both is compared with itself.\n", out);
	print_intervals(page, out);
	if (base->without_kernel != with->without_kernel)
		fprintf(out, "Frames of the kernel are left out in %s only.\n",
			side_names[base->without_kernel ? DIFF_BASE : DIFF_WITH]);
	render_gaps(base->restricted || with->restricted,
		    base->without_kernel && with->without_kernel, out);
}

int render_diff(const struct diff_page *page, const struct screen *screen, FILE *out)
{
	int r = print_rows(page, screen, out);

	if (r < 0)
		return r;
	fputs("\nBASE, WITH, CHANGE: CPU time per second of observed time, of TOTAL, in % of a "
	      "CPU; SELF: change of the self time.\n",
	      out);
	for (int side = 0; side < N_DIFF_SIDES; side++) {
		r = print_side(page, side, out);
		if (r < 0)
			return r;
	}
	print_test(page, out);
	print_warnings(page, out);
	return 0;
}

/* ---- as JSON ---- */

static void write_side(const struct diff_page *page, int side, struct json *json)
{
	const struct diff_about *about = diff_about(page->diff);

	json_open(json, side_names[side], '{');
	summary_write(page->summaries[side], json);
	json_add_double(json, "mean_interval_ns", about->interval_ns[side]);
	json_add_double(json, "rate", about->rate[side]);
	json_close(json, '}');
}

static void write_test(const struct diff_page *page, struct json *json)
{
	const struct compare_about *about = &diff_about(page->diff)->compare;

	json_open(json, "test", '{');
	json_add_text(json, "name", about->n_slots ? "binomial-and-t" : "binomial");
	json_add_text(json, "correction", "holm");
	json_add_double(json, "level", COMPARE_LEVEL);
	json_add_u64(json, "least_hits", COMPARE_HITS_MIN);
	json_add_u64(json, "slots", about->n_slots);
	json_add_u64(json, "tested", about->n_tested);
	if (about->n_slots)
		json_add_u64(json, "differ", about->n_differ);
	else
		json_add_null(json, "differ");
	json_close(json, '}');
}

static const char *get_verdict(const struct diff_row *row)
{
	switch (row->result.verdict) {
	case VERDICT_UNTESTED:
	case VERDICT_UNKNOWN:
		return ""; /* null */
	default:
		return verdict_of(row);
	}
}

static void write_record(const struct diff_row *row, struct json *json)
{
	bool tested = row->result.verdict != VERDICT_UNTESTED;
	double base = row->total_rate[DIFF_BASE], with = row->total_rate[DIFF_WITH];

	json_open(json, NULL, '{');
	summary_write_function(row->function, json);
	json_add_u64(json, "base_self", row->self[DIFF_BASE]);
	json_add_u64(json, "base_total", row->total[DIFF_BASE]);
	json_add_u64(json, "with_self", row->self[DIFF_WITH]);
	json_add_u64(json, "with_total", row->total[DIFF_WITH]);
	json_add_double(json, "base_self_rate", row->self_rate[DIFF_BASE]);
	json_add_double(json, "base_total_rate", base);
	json_add_double(json, "with_self_rate", row->self_rate[DIFF_WITH]);
	json_add_double(json, "with_total_rate", with);
	json_add_double(json, "change", with - base);
	json_add_double(json, "relative_change", base > 0 ? with / base - 1 : NAN);
	json_add_double(json, "p", tested ? row->result.p : NAN);
	json_add_double(json, "p_adjusted", tested ? row->result.p_adjusted : NAN);
	json_add_text(json, "verdict", get_verdict(row));
	json_close(json, '}');
}

void render_diff_json(const struct diff_page *page, FILE *out)
{
	struct json json = {out, 1};
	const struct diff_row *row;
	size_t i = 0;

	json_open(&json, NULL, '{');
	for (int side = 0; side < N_DIFF_SIDES; side++)
		write_side(page, side, &json);
	write_test(page, &json);
	json_add_bool(&json, "overlap", overlaps(page));
	json_open(&json, "records", '[');
	for (size_t n = 0; (page->max == 0 || n < page->max) && (row = next_row(page, &i)); n++)
		write_record(row, &json);
	json_close(&json, ']');
	json_close(&json, '}');
	fputc('\n', out);
}
