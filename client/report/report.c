/* SPDX-License-Identifier: MIT */
#include "client/report/report.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "client/base/failure.h"
#include "client/base/output.h"
#include "client/report/internal.h"
#include "daemon/base/cleanup.h"

#define FLAMEGRAPH_FILE "oxprof-flamegraph.html"

define_cleanup(struct output *, output_free);

/* ---- which ---- */

typedef int (*report_fn)(struct report *report);

/* Verbs that make all their formats themselves. */
static const report_fn by_verb[N_VERBS] = {
	[VERB_FLAMEGRAPH] = flamegraph_report,
	[VERB_TREE] = tree_report,
	[VERB_DIFF] = diff_report,
};

static const report_fn by_format[N_FORMATS] = {
	[FORMAT_FLAMEGRAPH] = flamegraph_report, [FORMAT_SVG] = flamegraph_report,
	[FORMAT_FOLDED] = folded_report,         [FORMAT_PPROF] = pprof_report,
	[FORMAT_SPEEDSCOPE] = speedscope_report,
};

static report_fn find_report(const struct request *request)
{
	return by_verb[request->verb] ?: by_format[request->format];
}

bool report_is_wanted(const struct request *request)
{
	return request->verb == VERB_FLAMEGRAPH || request->verb == VERB_TREE ||
	       request->verb == VERB_DIFF || request->format >= FORMAT_FOLDED;
}

/* ---- writing ---- */

/* Chooses the file to be written, so that no unreadable bytes go to a terminal. *ret NULL: standard
 * output. Returns 0, or -EINVAL and *ret_why. */
static int choose_name(const struct request *request, const struct screen *screen, const char **ret,
		       char **ret_why)
{
	*ret = request->output;
	if (*ret || !screen->terminal)
		return 0;
	if (request->format == FORMAT_FLAMEGRAPH)
		*ret = FLAMEGRAPH_FILE;
	if (request->format != FORMAT_PPROF)
		return 0;
	if (asprintf(ret_why,
		     "%s: pprof is a binary format, not for a terminal; write it to a file with "
		     "-o FILE.pb.gz",
		     verb_infos[request->verb].name) < 0)
		*ret_why = NULL;
	return -EINVAL;
}

static int write_report(struct report *report)
{
	const struct request *request = report->request;
	int r;

	assert(report_is_wanted(request));
	r = find_report(request)(report);
	if (r < 0 && !report->why)
		report->why = failure_describe(verb_infos[request->verb].name, NULL, NULL, r);
	return r;
}

static int write_to(struct report *report, struct output *output)
{
	int r;

	report->out = output_file(output);
	r = write_report(report);
	/* An error of writing explains whatever failed after it. */
	if (r < 0 && !output_error(output))
		return r;
	free(take_ptr(report->why));
	return output_finish(output, &report->why);
}

static int write_by_itself(struct report *report)
{
	_cleanup_(output_free_p) struct output *output = NULL;
	const char *name;
	int r;

	r = choose_name(report->request, report->screen, &name, &report->why);
	if (r < 0)
		return r;
	report->streams_to_terminal = !name && report->screen->terminal;
	r = output_open(name, &output, &report->why);
	if (r < 0)
		return r;
	r = write_to(report, output);
	if (r < 0)
		return r;
	if (name && !report->request->output)
		fprintf(stderr, "oxprofctl: wrote %s\n", name);
	if (report->session && *report->session)
		fprintf(stderr, "oxprofctl: %s: %s\n", verb_infos[report->request->verb].name,
			report->session);
	return 0;
}

int report_run(struct bus *bus, const struct request *request, const struct screen *screen,
	       FILE *out, char **ret_why)
{
	struct report report = {.bus = bus, .request = request, .screen = screen, .out = out};
	int r = report_is_text(request) ? write_report(&report) : write_by_itself(&report);

	free(report.session);
	*ret_why = report.why;
	return r;
}
