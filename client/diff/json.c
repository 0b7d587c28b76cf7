/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "client/diff/render.h"
#include "client/render/summary.h"
#include "daemon/base/json.h"

static const char *const side_keys[N_DIFF_SIDES] = {"base", "with"};

static void write_side(const struct diff_page *page, int side, struct json *json)
{
	const struct diff_about *about = diff_about(page->diff);

	json_open(json, side_keys[side], '{');
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
		return diff_verdict(row);
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
	json_add_bool(&json, "overlap", diff_page_overlaps(page));
	json_open(&json, "records", '[');
	for (size_t n = 0; (page->max == 0 || n < page->max) && (row = diff_page_next(page, &i));
	     n++)
		write_record(row, &json);
	json_close(&json, ']');
	json_close(&json, '}');
	fputc('\n', out);
}
