/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "client/args/arguments.h"
#include "client/args/help.h"
#include "client/base/failure.h"
#include "client/base/output.h"
#include "client/command.h"
#include "client/doctor/doctor.h"
#include "client/report/report.h"
#include "client/top/top.h"
#include "client/web/web.h"
#include "daemon/base/clock.h"

#define EXIT_USAGE 2

define_cleanup(struct bus *, bus_close);
define_cleanup(struct output *, output_free);

/* Chooses a locale in which names are UTF-8; numbers keep their point in every country. */
static void choose_locale(void)
{
	setlocale(LC_CTYPE, "");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

static int print_help(const struct request *request, FILE *out)
{
	if (request->version)
		fputs("oxprofctl " OX_VERSION "\n", out);
	else if (request->has_verb)
		help_print_verb(request->verb, out);
	else
		help_print(out);
	return 0;
}

/* Runs the verb; those that write or show by themselves print nothing into out. */
static int run_by_kind(struct bus *bus, const struct request *request, const struct screen *screen,
		       FILE *out, char **ret_why)
{
	if (request->verb == VERB_TOP)
		return top_run(bus, request, screen, ret_why);
	if (request->verb == VERB_WEB)
		return web_run(bus, request, screen, ret_why);
	if (report_is_wanted(request))
		return report_run(bus, request, screen, out, ret_why);
	return command_run(bus, request, screen, out, ret_why);
}

/* Opens root's direct way to oxprofd, else the bus. top and web always take the bus, since they
 * survive a restart of the daemon, and doctor does since it examines the bus. */
static int open_bus(enum verb verb, struct bus **ret)
{
	bool stays = verb == VERB_TOP || verb == VERB_WEB || verb == VERB_DOCTOR;

	return !stays && bus_open_direct(ret) >= 0 ? 0 : bus_open(ret);
}

/* Opens the bus and runs the verb. Returns 0, 1 where doctor finds that oxprof cannot profile here,
 * or a negative errno; *ret_why explains the last two. */
static int run_verb(const struct request *request, const struct screen *screen, FILE *out,
		    char **ret_why)
{
	_cleanup_(bus_close_p) struct bus *bus = NULL;
	int r = open_bus(request->verb, &bus);

	/* doctor has to work on a machine without a bus. */
	if (request->verb == VERB_DOCTOR)
		return doctor_run(bus, r, request, screen, out, ret_why);
	if (r < 0) {
		*ret_why = failure_describe_bus(verb_infos[request->verb].name, r);
		return r;
	}
	r = run_by_kind(bus, request, screen, out, ret_why);
	return r < 0 ? r : 0;
}

static int write_whole(const char *name, const char *text, size_t length, char **ret_why)
{
	_cleanup_(output_free_p) struct output *output = NULL;
	int r = output_open(name, &output, ret_why);

	if (r < 0)
		return r;
	fwrite(text, 1, length, output_file(output));
	return output_finish(output, ret_why);
}

static int write_file(const char *name, const char *text, size_t length)
{
	_cleanup_free_ char *why = NULL;
	int r = write_whole(name, text, length, &why);

	if (r < 0 && (why || r != -EPIPE))
		failure_print(why, stderr);
	return r;
}

/* Shows the answer. That nobody reads on is a failure without a message. */
static int show(const struct request *request, const struct screen *screen, const char *text,
		size_t length)
{
	_cleanup_free_ char *why = NULL;
	int r;

	if (request->output)
		return write_file(request->output, text, length);
	if (!request->json && !request->no_pager && screen_needs_pager(screen, text, length) &&
	    screen_page(text, length) >= 0)
		return 0;
	r = screen_write(STDOUT_FILENO, text, length);
	if (r >= 0 || r == -EPIPE)
		return r;
	why = failure_describe("cannot write to standard output", NULL, NULL, r);
	failure_print(why, stderr);
	return r;
}

/* Runs the request. The answer is complete before any of it is shown. */
static int run(const struct request *request)
{
	_cleanup_free_ char *text = NULL, *why = NULL;
	_cleanup_fclose_ FILE *out = NULL;
	struct screen screen = {0};
	size_t length;
	int r, shown;

	if (!request->output)
		screen_detect(STDOUT_FILENO, &screen);
	out = open_memstream(&text, &length);
	if (!out) {
		failure_print(NULL, stderr);
		return -ENOMEM;
	}
	r = request->help || request->version ? print_help(request, out)
					      : run_verb(request, &screen, out, &why);
	if (r < 0) {
		if (why || r != -EPIPE)
			failure_print(why, stderr);
		return r;
	}
	if (fflush(out) != 0 || ferror(out)) {
		failure_print(NULL, stderr);
		return -ENOMEM;
	}
	shown = length > 0 ? show(request, &screen, text, length) : 0;
	if (r > 0)
		failure_print(why, stderr);
	return shown < 0 ? shown : r;
}

int main(int argc, char **argv)
{
	char why[ARGUMENTS_WHY_BYTES];
	struct request request;
	int r;

	choose_locale();
	signal(SIGPIPE, SIG_IGN);
	r = arguments_parse(argc, argv, clock_realtime_usec(), &request, why);
	if (r < 0) {
		failure_print(r == -EINVAL ? why : NULL, stderr);
		return r == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	}
	r = run(&request);
	request_done(&request);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
