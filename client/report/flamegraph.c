/* SPDX-License-Identifier: MIT */
#include "client/report/flamegraph.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/flame/flame.h"
#include "client/render/summary.h"
#include "client/report/internal.h"
#include "daemon/base/cleanup.h"

#define TITLE "oxprof"

define_cleanup(struct graph *, graph_free);
define_cleanup(struct profile *, profile_free);

int flamegraph_add(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	return graph_add(userdata, GRAPH_BASE, profile, hit->node, hit->n);
}

int flamegraph_begin(enum format format, FILE *out)
{
	return flame_begin(TITLE, format, out);
}

int flamegraph_draw(const struct graph *graph, const struct profile_summary *summary,
		    const struct request *request, enum format format, FILE *out)
{
	_cleanup_free_ char *filters = flame_describe_filters(request, summary->session);
	_cleanup_free_ char *losses = summary_describe_losses(summary, "");
	struct flame_about about = {
		.title = TITLE,
		.filters = filters && *filters ? filters : NULL,
		.note = losses && *losses ? losses : NULL,
		.threshold = request->has_threshold ? request->threshold : FLAME_THRESHOLD,
		.restricted = summary->restricted,
		.without_kernel = summary->without_kernel,
	};

	if (!filters || !losses)
		return -ENOMEM;
	flame_set_side(&about.sides[GRAPH_BASE], summary);
	return flame_write(graph, &about, format, out);
}

struct flamegraph_drawing {
	struct report *report;
	struct graph *graph;
	bool begun;
};

static int begin(struct flamegraph_drawing *drawing)
{
	struct report *report = drawing->report;
	int r;

	if (drawing->begun)
		return 0;
	drawing->begun = true;
	r = flamegraph_begin(report->request->format, report->out);
	fflush(report->out);
	return r < 0 ? r : report_check(report);
}

static int on_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct flamegraph_drawing *drawing = userdata;
	int r = begin(drawing);

	return r < 0 ? r : flamegraph_add(drawing->graph, profile, hit);
}

int flamegraph_report(struct report *report)
{
	const struct request *request = report->request;
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	_cleanup_(graph_free_p) struct graph *graph = graph_new();
	struct flamegraph_drawing drawing = {report, graph, false};
	int r;

	if (!graph)
		return -ENOMEM;
	r = report_read(report, request, &(struct bus_export_options){.stacks = true}, on_hit,
			&drawing, &profile);
	if (r < 0)
		return r;
	r = begin(&drawing);
	if (r < 0)
		return r;
	r = graph_finish(graph);
	if (r < 0)
		return r;
	return flamegraph_draw(graph, profile_summary(profile), request, request->format,
			       report->out);
}
