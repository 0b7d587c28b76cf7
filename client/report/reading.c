/* SPDX-License-Identifier: MIT */
/* The call for the stacks of a report, the reading of them, and the warnings about what they
 * lack. */
#include <assert.h>
#include <errno.h>

#include "client/base/failure.h"
#include "client/bus/password.h"
#include "client/render/render.h"
#include "client/render/summary.h"
#include "client/report/internal.h"
#include "client/report/report.h"
#include "daemon/base/cleanup.h"

define_cleanup(struct progress *, progress_free);

bool report_is_text(const struct request *request)
{
	return request->verb == VERB_TREE ||
	       (request->verb == VERB_DIFF && request->format < FORMAT_FOLDED);
}

struct export_call {
	const struct bus_export_options *options;
	int fd;
};

static int ask(struct bus *bus, const struct request *request, void *userdata)
{
	struct export_call *call = userdata;

	return bus_export(bus, request, call->options, &call->fd);
}

static void warn(const char *verb, const char *text)
{
	fprintf(stderr, "oxprofctl: %s: %s\n", verb, text);
}

void report_warn_of_gaps(const char *verb, const struct profile_summary *summary)
{
	if (summary->restricted)
		warn(verb, "only your own processes are included; those of others need "
			   "authorisation (sudo)");
	if (summary->without_kernel)
		warn(verb, "the frames of the kernel are left out; they need authorisation (sudo)");
	if (!summary->samples)
		warn(verb, "there are no samples in this window; see oxprofctl history");
}

/* Returns the line about the session, to be freed; "" where there is nothing to say, NULL where
 * memory ran out. */
static char *describe_session(const struct request *request, struct json_object *answer)
{
	char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	if (!out)
		return NULL;
	render_session(answer, request, out);
	fclose(out);
	return line;
}

void report_tell_session(const struct request *request, struct json_object *answer)
{
	_cleanup_free_ char *line = describe_session(request, answer);

	if (line && *line)
		warn(verb_infos[request->verb].name, line);
}

/* Tells what a report that is no text cannot say below its table. Which session it is about is told
 * in the end, where the report was written. */
static int tell_rest(struct report *report, const struct request *request,
		     const struct profile_summary *summary)
{
	_cleanup_tree_ struct json_object *answer = NULL;
	int r = summary_make_tree(summary, &answer);

	if (r < 0)
		return r;
	if (!request->json && !report->session)
		report->session = describe_session(request, answer);
	report_warn_of_gaps(verb_infos[request->verb].name, summary);
	return 0;
}

/* True if the daemon waits for whoever reads the output of this program. */
static bool is_streamed(const struct request *request)
{
	return !request->output && request->format >= FORMAT_FOLDED &&
	       request->format <= FORMAT_SPEEDSCOPE;
}

/* Describes a failure of reading. The daemon cannot say why it closed the pipe. */
static char *describe_failure(const struct request *request, const char *why, int error)
{
	const char *verb = verb_infos[request->verb].name;

	if (error == -EPIPE && is_streamed(request))
		why = "the answer of oxprofd broke off; it waits at most a minute while nobody "
		      "reads the output, as in a pager: write it to a file with -o FILE, or look "
		      "at: journalctl -u oxprofd";
	return failure_describe(verb, NULL, why, error);
}

int report_check(const struct report *report)
{
	return ferror(report->out) ? -EIO : 0;
}

int report_read(struct report *report, const struct request *request,
		const struct bus_export_options *options, profile_hit_fn fn, void *userdata,
		struct profile **ret)
{
	_cleanup_(progress_free_p) struct progress *progress = NULL;
	const char *verb = verb_infos[request->verb].name;
	struct export_call call = {options, -1};
	char *why = NULL;
	int r;

	assert(!report->why);
	r = question_call(report->bus, request, ask, &call);
	if (r < 0) {
		report->why = failure_describe(verb, bus_get_error(report->bus),
					       bus_get_error_text(report->bus), r);
		return r;
	}
	if (!report->streams_to_terminal)
		progress = progress_new(STDERR_FILENO, "reading");
	r = profile_read(call.fd, progress, fn, userdata, ret, &why);
	progress = progress_free(progress);
	if (why) {
		report->why = describe_failure(request, why, r);
		free(why);
	}
	return r < 0 || report_is_text(request) ? r
						: tell_rest(report, request, profile_summary(*ret));
}
