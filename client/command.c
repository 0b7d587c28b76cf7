/* SPDX-License-Identifier: MIT */
#include "client/command.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "client/base/failure.h"
#include "client/bus/password.h"
#include "client/render/csv.h"
#include "client/render/render.h"
#include "client/report/report.h"
#include "daemon/base/clock.h"

static int ask_top(struct bus *bus, const struct request *request, struct json_object **ret)
{
	struct request top = *request;

	if (!top.has_max) {
		top.has_max = true;
		top.max = OX_RECORDS_DEFAULT;
	}
	top.sort = "total";
	top.by = "function";
	return bus_query(bus, &top, ret);
}

/* Prints what an unpause is waiting for, at first and then every ten seconds. */
static void tell_waiting(void *userdata, const char *kernel, uint64_t loading_usec)
{
	unsigned *n = userdata;
	char span[CLOCK_TEXT_BYTES];

	if ((*n)++ % 10 == 0)
		fprintf(stderr, "oxprofctl: unpause: waiting until %s (%s so far)\n",
			strcmp(kernel, "opening") == 0 ? "a timer is open on each CPU"
						       : "the kernel has verified the BPF programs",
			clock_format_span(loading_usec, span));
}

static int unpause(struct bus *bus, const struct request *request)
{
	unsigned n = 0;
	int r;

	bus_on_waiting(bus, tell_waiting, &n);
	r = bus_unpause(bus, request);
	bus_on_waiting(bus, NULL, NULL);
	return r;
}

/* Calls the method of the verb. *userdata stays NULL for verbs that have no answer. */
static int call(struct bus *bus, const struct request *request, void *userdata)
{
	struct json_object **ret = userdata;

	assert(ret && !*ret);
	switch (request->verb) {
	case VERB_STATUS:
		return bus_get_status(bus, request, ret);
	case VERB_UNPAUSE:
		return unpause(bus, request);
	case VERB_PAUSE:
		return bus_pause(bus, request);
	case VERB_CANCEL:
		return bus_cancel(bus, request);
	case VERB_SET_INTERVAL:
		return bus_set_interval(bus, request);
	case VERB_QUERY:
		return bus_query(bus, request, ret);
	case VERB_SHOW:
		return ask_top(bus, request, ret);
	case VERB_HISTORY:
		return bus_get_history(bus, request, ret);
	case VERB_RESYMBOLIZE:
		return bus_resymbolize(bus, ret);
	default:
		return -EINVAL;
	}
}

static int render(struct json_object *answer, const struct request *request,
		  const struct screen *screen, FILE *out)
{
	switch (request->verb) {
	case VERB_STATUS:
		return render_status(answer, request, screen, out);
	case VERB_QUERY:
		return render_query(answer, request, screen, out);
	case VERB_SHOW:
		return render_top(answer, request, screen, out);
	case VERB_HISTORY:
		return render_history(answer, request, screen, out);
	case VERB_RESYMBOLIZE:
		return render_resymbolize(answer, screen, out);
	default:
		return 0; /* as with systemctl, no output means success */
	}
}

static int print_json(struct json_object *answer, FILE *out)
{
	if (answer)
		return tree_print(answer, out);
	fputs("{\"ok\":true}\n", out);
	return 0;
}

/* Prints the table; what the lines below it would say goes to standard error. */
static int print_csv(struct json_object *answer, const struct request *request, FILE *out)
{
	const struct profile_summary summary = {
		.samples = tree_get_u64(answer, "samples"),
		.restricted = tree_get_bool(answer, "restricted"),
	};
	int r;

	report_warn_of_gaps(verb_infos[request->verb].name, &summary);
	r = csv_print(answer, out);
	/* A file is written later: whoever gets none is told of that, and of nothing else. */
	if (r >= 0 && !request->output)
		report_tell_session(request, answer);
	return r;
}

int command_run(struct bus *bus, const struct request *request, const struct screen *screen,
		FILE *out, char **ret_why)
{
	_cleanup_tree_ struct json_object *answer = NULL;
	const char *verb = verb_infos[request->verb].name;
	int r;

	r = question_call(bus, request, call, &answer);
	if (r < 0) {
		*ret_why = failure_describe(verb, bus_get_error(bus), bus_get_error_text(bus), r);
		return r;
	}
	r = request->format == FORMAT_CSV ? print_csv(answer, request, out)
	    : request->json               ? print_json(answer, out)
					  : render(answer, request, screen, out);
	if (r < 0)
		*ret_why = failure_describe(verb, NULL, NULL, r);
	return r;
}
