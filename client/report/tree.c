/* SPDX-License-Identifier: MIT */
/* The verb tree: stacks folded as they come (graph.h), listed (call_tree.h) and drawn. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "client/base/text.h"
#include "client/graph/call_tree.h"
#include "client/render/render.h"
#include "client/render/summary.h"
#include "client/report/internal.h"
#include "client/report/render_call_tree.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/json.h"

#define THRESHOLD_PERCENT 0.5 /* without --threshold */

define_cleanup(struct profile *, profile_free);

/* The whole tree or, of the functions that have focus, the callers and the callees. */
enum section { SECTION_TREE, SECTION_CALLERS, SECTION_CALLEES, N_SECTIONS };

static const char *const section_keys[N_SECTIONS] = {"tree", "callers", "callees"};

struct tree_page {
	const struct request *request;
	const struct profile_summary *summary;
	struct graph *graphs[N_SECTIONS]; /* NULL: not asked for */
	struct call_tree trees[N_SECTIONS];
	double threshold; /* percent */
};

static void page_done(struct tree_page *page)
{
	for (int i = 0; i < N_SECTIONS; i++) {
		graph_free(page->graphs[i]);
		call_tree_done(&page->trees[i]);
	}
}

/* ---- as text ---- */

static int print_section(const struct tree_page *page, enum section section,
			 const struct screen *screen, FILE *out)
{
	struct call_tree_style style = {
		.samples = page->summary->samples,
		.callers = section == SECTION_CALLERS,
		.utf8 = text_locale_is_utf8(),
	};

	assert(page->graphs[section]);
	if (section == SECTION_CALLERS)
		fputs("Callers, upwards:\n", out);
	else if (section == SECTION_CALLEES)
		fputs("\nCallees:\n", out);
	return render_call_tree(page->graphs[section], &page->trees[section], &style, screen, out);
}

static void print_cut(const struct tree_page *page, FILE *out)
{
	uint32_t n = 0;

	for (int i = 0; i < N_SECTIONS; i++)
		n += page->trees[i].n_cut;
	if (n)
		fprintf(out,
			"%" PRIu32 " branch%s with less than %g %% %s left out, where it says "
			"\"more\"; --threshold=0 shows all.\n",
			n, n == 1 ? "" : "es", page->threshold, n == 1 ? "is" : "are");
}

static int print_footer(const struct tree_page *page, FILE *out)
{
	_cleanup_tree_ struct json_object *answer = NULL;
	int r = summary_make_tree(page->summary, &answer);

	if (r < 0)
		return r;
	r = render_footer(answer, page->request, out);
	if (r < 0)
		return r;
	print_cut(page, out);
	return 0;
}

static int print_page(const struct tree_page *page, const struct screen *screen, FILE *out)
{
	for (int i = 0; i < N_SECTIONS; i++) {
		int r;

		if (!page->graphs[i] || (page->request->focus && i == SECTION_TREE))
			continue;
		r = print_section(page, i, screen, out);
		if (r < 0)
			return r;
	}
	return print_footer(page, out);
}

/* ---- as JSON ---- */

static void write_line(const struct tree_page *page, enum section section,
		       const struct call_line *line, struct json *json)
{
	const struct graph *graph = page->graphs[section];
	uint64_t self = graph_self(graph, line->node, GRAPH_BASE);
	uint64_t total = graph_total(graph, line->node, GRAPH_BASE);
	double samples = (double)page->summary->samples;

	json_open(json, NULL, '{');
	json_add_u64(json, "depth", line->depth);
	summary_write_function(graph_function(graph, graph_function_of(graph, line->node)), json);
	if (section == SECTION_CALLERS)
		json_add_null(json, "self");
	else
		json_add_u64(json, "self", self);
	json_add_u64(json, "total", total);
	json_add_double(json, "self_share",
			section == SECTION_CALLERS ? NAN : (double)self / samples);
	json_add_double(json, "total_share", (double)total / samples);
	json_add_u64(json, "left_out", line->n_cut);
	json_add_u64(json, "left_out_total", line->cut);
	json_close(json, '}');
}

static void write_section(const struct tree_page *page, enum section section, struct json *json)
{
	const struct call_tree *tree = &page->trees[section];

	if (!page->graphs[section] || (page->request->focus && section == SECTION_TREE)) {
		json_add_null(json, section_keys[section]);
		return;
	}
	json_open(json, section_keys[section], '{');
	json_add_u64(json, "left_out", tree->n_cut);
	json_add_u64(json, "left_out_total", tree->cut);
	json_open(json, "nodes", '[');
	for (size_t i = 0; i < tree->n_lines; i++)
		write_line(page, section, &tree->lines[i], json);
	json_close(json, ']');
	json_close(json, '}');
}

static void write_page(const struct tree_page *page, FILE *out)
{
	struct json json = {out, 1};

	json_open(&json, NULL, '{');
	summary_write(page->summary, &json);
	json_add_null(&json, "distinct"); /* Query tells lines apart, this graph does not */
	json_add_double(&json, "threshold", page->threshold);
	json_add_text(&json, "focus", page->request->focus ?: "");
	for (int i = 0; i < N_SECTIONS; i++)
		write_section(page, i, &json);
	json_close(&json, '}');
	fputc('\n', out);
}

/* ---- the report ---- */

static int on_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	return graph_add(userdata, GRAPH_BASE, profile, hit->node, hit->n);
}

static int make_sections(struct tree_page *page)
{
	double least = page->threshold / 100 * (double)page->summary->samples;
	const struct graph *graph = page->graphs[SECTION_TREE];
	int r;

	if (!page->request->focus)
		return call_tree_make(graph, least, &page->trees[SECTION_TREE]);
	r = graph_new_callers(graph, &page->graphs[SECTION_CALLERS]);
	if (r < 0)
		return r;
	r = graph_new_callees(graph, &page->graphs[SECTION_CALLEES]);
	if (r < 0)
		return r;
	r = call_tree_make(page->graphs[SECTION_CALLERS], least, &page->trees[SECTION_CALLERS]);
	if (r < 0)
		return r;
	return call_tree_make(page->graphs[SECTION_CALLEES], least, &page->trees[SECTION_CALLEES]);
}

int tree_report(struct report *report)
{
	const struct request *request = report->request;
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	_cleanup_(page_done) struct tree_page page = {
		.request = request,
		.threshold = request->has_threshold ? request->threshold : THRESHOLD_PERCENT,
	};
	int r;

	page.graphs[SECTION_TREE] = graph_new();
	if (!page.graphs[SECTION_TREE])
		return -ENOMEM;
	r = report_read(report, request, &(struct bus_export_options){.stacks = true}, on_hit,
			page.graphs[SECTION_TREE], &profile);
	if (r < 0)
		return r;
	page.summary = profile_summary(profile);
	r = graph_finish(page.graphs[SECTION_TREE]);
	if (r < 0)
		return r;
	r = make_sections(&page);
	if (r < 0)
		return r;
	if (!request->json)
		return print_page(&page, report->screen, report->out);
	write_page(&page, report->out);
	return 0;
}
