/* SPDX-License-Identifier: MIT */
#include "client/top/header.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "client/base/text.h"
#include "client/render/render.h"
#include "daemon/base/clock.h"

bool top_header_is_running(const struct top_picture *picture)
{
	return picture->status && !strcmp(tree_get_text(picture->status, "state"), "running");
}

/* ---- the first line ---- */

static void print_state(const struct top_picture *picture, FILE *out)
{
	uint64_t usec = picture->status ? tree_get_u64(picture->status, "running_usec") : 0;
	char span[CLOCK_TEXT_BYTES];

	fputs(picture->status ? tree_get_text(picture->status, "state") : "no answer", out);
	if (top_header_is_running(picture) && usec > 0)
		fprintf(out, " for %s", clock_format_span(usec, span));
}

static void print_span(const struct top_picture *picture, const struct top_view *view, FILE *out)
{
	char span[CLOCK_TEXT_BYTES];

	if (view->span_s)
		fprintf(out, "last %u s", view->span_s);
	else
		fprintf(out, "all %s",
			clock_format_span((uint64_t)(picture->sum->seconds * 1e6), span));
}

char *top_header_state(const struct top_picture *picture, const struct top_view *view,
		       bool with_lost)
{
	static const char *const sorts[N_TOP_SORTS] = {"self", "total", "name"};
	uint64_t lost = sum_losses(picture->sum->lost);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert(view->sort < N_TOP_SORTS);
	if (!out)
		return NULL;
	print_state(picture, out);
	if (with_lost && lost)
		fprintf(out, " | %" PRIu64 " lost", lost);
	if (view->frozen)
		fputs(" | FROZEN", out);
	fputs(" | ", out);
	print_span(picture, view, out);
	fprintf(out, " | by %s | sort %s", picture->by, sorts[view->sort]);
	if (picture->kind)
		fprintf(out, " | %s only", picture->kind);
	if (picture->filter)
		fprintf(out, " | filter %s", picture->filter);
	if (fclose(out) != 0)
		free(take_ptr(text));
	return text;
}

/* ---- the lines below it ---- */

static void print_samples(const struct top_picture *picture, FILE *out)
{
	const struct top_sum *sum = picture->sum;

	fprintf(out, "Samples  %" PRIu64, sum->samples);
	if (sum->seconds > 0)
		fprintf(out, " in %.1f s, %.1f/s", sum->seconds,
			(double)sum->samples / sum->seconds);
	if (picture->restricted)
		fputs("; only your own processes are counted", out);
}

static void print_lost(const struct top_picture *picture, FILE *out)
{
	_cleanup_free_ char *whole = render_losses(picture->sum->lost, false);
	_cleanup_free_ char *in_part = render_losses(picture->sum->lost, true);

	fprintf(out, "Lost     %s", whole && *whole ? whole : "none");
	if (in_part && *in_part)
		fprintf(out, "; incomplete: %s", in_part);
}

static void print_interval(const struct top_picture *picture, FILE *out)
{
	double wanted = tree_get_double(picture->status, "interval_ns");
	double mean = tree_get_double(picture->status, "achieved_mean_ns");
	char text[TEXT_NUMBER_BYTES], deviation[TEXT_NUMBER_BYTES];

	fprintf(out, "Interval %s wanted", text_format_interval(wanted, text));
	if (wanted > 0)
		fprintf(out, " (%.4g Hz)", 1e9 / wanted);
	if (mean > 0)
		fprintf(out, ", %s \xc2\xb1 %s achieved", text_format_interval(mean, text),
			text_format_interval(tree_get_double(picture->status, "achieved_sd_ns"),
					     deviation));
}

static void print_targets(const struct top_picture *picture, FILE *out)
{
	struct json_object *targets = tree_get_rows(picture->status, "targets");
	size_t n = targets ? json_object_array_length(targets) : 0;

	fprintf(out, "Targets  %s", n ? "" : "none");
	for (size_t i = 0; i < n; i++) {
		struct json_object *target = json_object_array_get_idx(targets, i);

		fprintf(out, "%s%s %s", i ? ", " : "", tree_get_text(target, "target"),
			tree_get_text(target, "state"));
	}
}

static void print_stacks(const struct top_picture *picture, FILE *out)
{
	_cleanup_free_ char *text = render_stacks(picture->sum->stacks);

	fprintf(out, "Stacks   %s", text && *text ? text : "all are whole");
}

static void print_daemon(const struct top_picture *picture, FILE *out)
{
	double cost_ns = tree_get_double(picture->status, "sample_cost_ns");

	fputs("Daemon   ", out);
	if (picture->daemon_share < 0)
		fputs("-", out);
	else
		fprintf(out, "%.1f", 100 * picture->daemon_share);
	fputs(" % of a CPU", out);
	if (cost_ns > 0)
		fprintf(out, ", kernel %.0fns per sample", cost_ns);
	if (tree_has(picture->status, "notice"))
		fprintf(out, "; %s", tree_get_text(picture->status, "notice"));
}

char *top_header_line(const struct top_picture *picture, size_t line)
{
	static const struct {
		void (*print)(const struct top_picture *picture, FILE *out);
		bool of_status;
	} lines[TOP_HEADER_MAX] = {
		{print_samples, false}, {print_lost, false},   {print_interval, true},
		{print_targets, true},  {print_stacks, false}, {print_daemon, true},
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert(line < TOP_HEADER_MAX);
	if (!out)
		return NULL;
	if (picture->status || !lines[line].of_status)
		lines[line].print(picture, out);
	if (fclose(out) != 0)
		free(take_ptr(text));
	return text;
}
