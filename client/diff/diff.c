/* SPDX-License-Identifier: MIT */
#include "client/diff/diff.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "client/render/summary.h"
#include "daemon/base/cleanup.h"

struct diff {
	struct diff_about about;
	struct diff_row *rows;
	size_t n_rows;
};

define_cleanup(struct diff *, diff_free);

struct diff *diff_free(struct diff *diff)
{
	if (diff) {
		free(diff->rows);
		free(diff);
	}
	return NULL;
}

static uint64_t sum_usec(const struct tally *tally)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < tally_count_slots(tally); i++)
		sum += tally_slot_usec(tally, i);
	return sum;
}

static void describe_side(struct diff_about *about, int side, const struct diff_input *input)
{
	/* The tally is finished. */
	assert(tally_count_slots(input->tally) > 0);
	about->interval_ns[side] = summary_find_interval_ns(input->summary, &about->mixed[side]);
	/* Without an interval in the answer the rates are hits per second. */
	if (about->interval_ns[side] <= 0)
		about->interval_ns[side] = 1e9;
	about->step_usec += sum_usec(input->tally) / tally_count_slots(input->tally) / N_DIFF_SIDES;
}

static double get_rate(const struct diff_about *about, int side, uint64_t hits, uint64_t usec)
{
	return (double)hits * about->interval_ns[side] / ((double)usec * 1e3);
}

static void fill_rows(struct diff *diff, const struct diff_input *inputs,
		      const struct graph_names *names, bool focus_only)
{
	uint64_t usec[N_DIFF_SIDES] = {sum_usec(inputs[0].tally), sum_usec(inputs[1].tally)};

	for (int side = 0; side < N_DIFF_SIDES; side++)
		diff->about.rate[side] =
			get_rate(&diff->about, side, tally_hits(inputs[side].tally), usec[side]);
	for (uint32_t i = 0; i < graph_names_count(names); i++) {
		struct diff_row *row = &diff->rows[diff->n_rows];

		row->function = graph_names_get(names, i);
		if (focus_only && !row->function->focus)
			continue;
		for (int side = 0; side < N_DIFF_SIDES; side++) {
			const struct tally *tally = inputs[side].tally;

			row->self[side] = tally_self(tally, i);
			row->total[side] = tally_total(tally, i);
			row->self_rate[side] =
				get_rate(&diff->about, side, row->self[side], usec[side]);
			row->total_rate[side] =
				get_rate(&diff->about, side, row->total[side], usec[side]);
		}
		diff->n_rows++;
	}
}

/* The slots of one side as compare.h wants them. */
struct columns {
	double *exposures;
	uint64_t *hits;
};

static void columns_done(struct columns *columns)
{
	free(columns->exposures);
	free(columns->hits);
}

static int columns_fill(struct columns *columns, const struct diff *diff, int side,
			const struct tally *tally, const struct graph_names *names, bool focus_only)
{
	size_t n_slots = tally_count_slots(tally), row = 0;

	columns->exposures = calloc(n_slots, sizeof(*columns->exposures));
	columns->hits = calloc(diff->n_rows * n_slots ?: 1, sizeof(*columns->hits));
	if (!columns->exposures || !columns->hits)
		return -ENOMEM;
	for (size_t i = 0; i < n_slots; i++)
		columns->exposures[i] =
			(double)tally_slot_usec(tally, i) * 1e3 / diff->about.interval_ns[side];
	for (uint32_t f = 0; f < graph_names_count(names); f++) {
		if (focus_only && !graph_names_get(names, f)->focus)
			continue;
		for (size_t i = 0; i < n_slots; i++)
			columns->hits[row * n_slots + i] = tally_slot_total(tally, i, f);
		row++;
	}
	return 0;
}

static int compare_rows(struct diff *diff, const struct compare_span spans[2],
			const uint64_t *const hits[2])
{
	_cleanup_free_ struct compare_result *results = calloc(diff->n_rows ?: 1, sizeof(*results));
	int r;

	if (!results)
		return -ENOMEM;
	r = compare_functions(spans, hits, diff->n_rows, results, &diff->about.compare);
	if (r < 0)
		return r;
	for (size_t i = 0; i < diff->n_rows; i++)
		diff->rows[i].result = results[i];
	return 0;
}

static int test_rows(struct diff *diff, const struct diff_input *inputs,
		     const struct graph_names *names, bool focus_only)
{
	_cleanup_(columns_done) struct columns base = {0}, with = {0};
	int r = columns_fill(&base, diff, DIFF_BASE, inputs[0].tally, names, focus_only);

	if (r < 0)
		return r;
	r = columns_fill(&with, diff, DIFF_WITH, inputs[1].tally, names, focus_only);
	if (r < 0)
		return r;
	return compare_rows(diff,
			    (struct compare_span[]){
				    {base.exposures, tally_count_slots(inputs[0].tally)},
				    {with.exposures, tally_count_slots(inputs[1].tally)},
			    },
			    (const uint64_t *const[]){base.hits, with.hits});
}

/* Returns the change in millionths of a CPU: less is an error of rounding. */
static double get_change(const struct diff_row *row)
{
	return round(1e6 * fabs(row->total_rate[DIFF_WITH] - row->total_rate[DIFF_BASE]));
}

static int order_rows(const void *a, const void *b)
{
	const struct diff_row *left = a, *right = b;
	bool left_differs = left->result.verdict >= VERDICT_LESS;
	bool right_differs = right->result.verdict >= VERDICT_LESS;
	double change = get_change(left) - get_change(right);

	if (left_differs != right_differs)
		return left_differs ? -1 : 1;
	if (change != 0)
		return change > 0 ? -1 : 1;
	if (left->result.p != right->result.p)
		return left->result.p < right->result.p ? -1 : 1;
	return strcmp(left->function->name, right->function->name);
}

int diff_new(const struct diff_input inputs[N_DIFF_SIDES], const struct graph_names *names,
	     bool focus_only, struct diff **ret)
{
	_cleanup_(diff_free_p) struct diff *diff = calloc(1, sizeof(*diff));
	int r;

	if (!diff)
		return -ENOMEM;
	diff->rows = calloc((size_t)graph_names_count(names) + 1, sizeof(*diff->rows));
	if (!diff->rows)
		return -ENOMEM;
	for (int side = 0; side < N_DIFF_SIDES; side++)
		describe_side(&diff->about, side, &inputs[side]);
	fill_rows(diff, inputs, names, focus_only);
	r = test_rows(diff, inputs, names, focus_only);
	if (r < 0)
		return r;
	qsort(diff->rows, diff->n_rows, sizeof(*diff->rows), order_rows);
	*ret = take_ptr(diff);
	return 0;
}

const struct diff_about *diff_about(const struct diff *diff)
{
	return &diff->about;
}

size_t diff_count(const struct diff *diff)
{
	return diff->n_rows;
}

const struct diff_row *diff_row(const struct diff *diff, size_t i)
{
	assert(i < diff->n_rows);
	return &diff->rows[i];
}
