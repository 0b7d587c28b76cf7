/* SPDX-License-Identifier: MIT */
/* The lines below a table: samples, window, losses, and what is not in it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/base/text.h"
#include "client/render/render.h"
#include "daemon/base/clock.h"
#include "daemon/base/loss.h"
#include "daemon/base/parse.h"

static int add_loss(char **text, const char *reason, uint64_t n)
{
	char *longer;

	if (asprintf(&longer, "%s%s%" PRIu64 " %s", *text, **text ? ", " : "", n, reason) < 0)
		return -ENOMEM;
	free(*text);
	*text = longer;
	return 0;
}

bool loss_is_in_part(const char *reason)
{
	static const char *const reasons[] = {OX_LOSSES_IN_PART};
	unsigned int place;

	return parse_word(reason, reasons, array_length(reasons), &place) == 0;
}

uint64_t sum_losses(struct json_object *lost)
{
	uint64_t sum = 0;

	if (!lost)
		return 0;
	json_object_object_foreach(lost, reason, n)
	{
		sum += loss_is_in_part(reason) ? 0 : json_object_get_uint64(n);
	}
	return sum;
}

char *render_losses(struct json_object *lost, bool in_part)
{
	_cleanup_free_ char *text = strdup("");

	if (!text)
		return NULL;
	if (!lost)
		return take_ptr(text);
	json_object_object_foreach(lost, reason, value)
	{
		uint64_t n = json_object_get_uint64(value);

		if (n > 0 && loss_is_in_part(reason) == in_part && add_loss(&text, reason, n) < 0)
			return NULL;
	}
	return take_ptr(text);
}

#define HINT "; --session=all for everything"

/* Prints "; session 7, FROM to now (10s)", as far as it is known. */
static void print_window(struct json_object *answer, const char *before, FILE *out)
{
	uint64_t since = tree_get_u64(answer, "since"), until = tree_get_u64(answer, "until");
	uint64_t session = tree_get_u64(answer, "session");
	char from[CLOCK_TEXT_BYTES], to[CLOCK_TEXT_BYTES] = "now", span[CLOCK_TEXT_BYTES];

	if (session)
		fprintf(out, "%ssession %" PRIu64, before, session);
	if (since == 0 || until <= since)
		return;
	if (!session || strcmp(tree_get_text(answer, "state"), "running") != 0)
		clock_format_local(until, to);
	fprintf(out, "%s%s to %s (%s)", session ? ", " : before, clock_format_local(since, from),
		to, clock_format_span(until - since, span));
}

/* True if the daemon chose the session that the answer is about. */
static bool is_default(struct json_object *answer, const struct request *request)
{
	return tree_get_u64(answer, "session") && request && !request_has_window(request);
}

void render_session(struct json_object *answer, const struct request *request, FILE *out)
{
	if (!is_default(answer, request))
		return;
	print_window(answer, "", out);
	fputs(HINT, out);
}

static int print_losses(struct json_object *answer, const char *title, bool in_part, FILE *out)
{
	_cleanup_free_ char *losses = render_losses(tree_get_object(answer, "lost"), in_part);
	_cleanup_free_ char *clean = losses ? text_clean_copy(losses) : NULL;

	if (!clean)
		return -ENOMEM;
	if (*clean)
		fprintf(out, "; %s: %s", title, clean);
	return 0;
}

static int print_stacks(struct json_object *answer, FILE *out)
{
	_cleanup_free_ char *stacks = render_stacks(tree_get_object(answer, "stacks"));
	_cleanup_free_ char *clean = stacks ? text_clean_copy(stacks) : NULL;

	if (!clean)
		return -ENOMEM;
	if (*clean)
		fprintf(out, "%s\n", clean);
	return 0;
}

int render_extent(struct json_object *answer, const char *also, const struct request *request,
		  FILE *out)
{
	uint64_t samples = tree_get_u64(answer, "samples");
	int r;

	fprintf(out, "%" PRIu64 " sample%s%s", samples, samples == 1 ? "" : "s", also);
	print_window(answer, "; ", out);
	if (is_default(answer, request))
		fputs(HINT, out);
	r = print_losses(answer, "lost", false, out);
	if (r < 0)
		return r;
	r = print_losses(answer, "incomplete", true, out);
	if (r < 0)
		return r;
	fputc('\n', out);
	return 0;
}

void render_gaps(bool restricted, bool without_kernel, FILE *out)
{
	if (restricted)
		fputs("Only your own processes are counted; those of others need authorisation "
		      "(sudo).\n",
		      out);
	if (without_kernel)
		fputs("Frames of the kernel are left out; they need authorisation (sudo).\n", out);
}

int render_footer(struct json_object *answer, const struct request *request, FILE *out)
{
	uint64_t distinct = tree_get_u64(answer, "distinct");
	char also[64] = "";
	int r;

	if (tree_has(answer, "distinct"))
		snprintf(also, sizeof(also), ", %" PRIu64 " distinct stack%s", distinct,
			 distinct == 1 ? "" : "s");
	fputc('\n', out);
	r = render_extent(answer, also, request, out);
	if (r < 0)
		return r;
	r = print_stacks(answer, out);
	if (r < 0)
		return r;
	render_gaps(tree_get_bool(answer, "restricted"), tree_get_bool(answer, "without_kernel"),
		    out);
	return 0;
}
