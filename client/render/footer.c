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

static void print_window(struct json_object *answer, FILE *out)
{
	uint64_t since = tree_get_u64(answer, "since"), until = tree_get_u64(answer, "until");
	char from[CLOCK_TEXT_BYTES], to[CLOCK_TEXT_BYTES], span[CLOCK_TEXT_BYTES];

	if (since == 0 || until <= since)
		return;
	fprintf(out, "; %s to %s (%s)", clock_format_local(since, from),
		clock_format_local(until, to), clock_format_span(until - since, span));
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

int render_extent(struct json_object *answer, const char *also, FILE *out)
{
	uint64_t samples = tree_get_u64(answer, "samples");
	int r;

	fprintf(out, "%" PRIu64 " sample%s%s", samples, samples == 1 ? "" : "s", also);
	print_window(answer, out);
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

int render_footer(struct json_object *answer, FILE *out)
{
	uint64_t distinct = tree_get_u64(answer, "distinct");
	char also[64] = "";
	int r;

	if (tree_has(answer, "distinct"))
		snprintf(also, sizeof(also), ", %" PRIu64 " distinct stack%s", distinct,
			 distinct == 1 ? "" : "s");
	fputc('\n', out);
	r = render_extent(answer, also, out);
	if (r < 0)
		return r;
	r = print_stacks(answer, out);
	if (r < 0)
		return r;
	render_gaps(tree_get_bool(answer, "restricted"), tree_get_bool(answer, "without_kernel"),
		    out);
	return 0;
}
