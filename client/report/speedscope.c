/* SPDX-License-Identifier: MIT */
/*
 * The file format of speedscope (https://www.speedscope.app/file-format-schema.json): one profile
 * of the type "sampled", whose samples are the stacks, root first, and whose weights are their
 * hits. Samples are written as they come; weights and frames, which have to be in lists of their
 * own, are kept until the end: 8 bytes a stack.
 */
#include <errno.h>
#include <inttypes.h>

#include "client/report/internal.h"
#include "daemon/base/api.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"
#include "daemon/base/json.h"

#define SCHEMA "https://www.speedscope.app/file-format-schema.json"

define_cleanup(struct profile *, profile_free);

struct scope {
	struct report *report;
	struct json json;
	struct stack stack;
	uint64_t *weights;
	size_t n_weights;
	size_t room;
	uint64_t hits;
};

static void scope_done(struct scope *scope)
{
	stack_done(&scope->stack);
	free(scope->weights);
}

/* Writes the stack of a hit and keeps its weight. Frame 0 of the file stands for no stack, the
 * others are the names of the profile. */
static int on_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct scope *scope = userdata;
	struct stack *stack = &scope->stack;
	int r = stack_list(stack, profile, hit->node);

	if (r < 0)
		return r;
	r = array_reserve(scope->weights, scope->room, scope->n_weights + 1);
	if (r < 0)
		return r;
	scope->weights[scope->n_weights++] = hit->n;
	scope->hits += hit->n;
	json_open(&scope->json, NULL, '[');
	if (!stack->n)
		json_add_u64(&scope->json, NULL, 0);
	for (size_t i = stack->n; i > 0; i--)
		json_add_u64(&scope->json, NULL,
			     profile_frame(profile, stack->frames[i - 1])->name + UINT64_C(1));
	json_close(&scope->json, ']');
	return report_check(scope->report);
}

static void write_frame(struct json *json, const char *name, const struct profile_frame *frame)
{
	json_open(json, NULL, '{');
	json_add_text(json, "name", name);
	if (frame && *frame->file)
		json_add_text(json, "file", frame->file);
	if (frame && frame->line)
		json_add_u64(json, "line", frame->line);
	json_close(json, '}');
}

static void write_frames(struct json *json, const struct profile *profile)
{
	json_open(json, "shared", '{');
	json_open(json, "frames", '[');
	write_frame(json, STACK_NONE, NULL);
	for (uint32_t i = 0; i < profile_count_names(profile); i++)
		write_frame(json, profile_name(profile, i), profile_name_frame(profile, i));
	json_close(json, ']');
	json_close(json, '}');
}

static void write_title(struct json *json, const struct profile *profile)
{
	const struct profile_summary *summary = profile_summary(profile);
	char from[CLOCK_TEXT_BYTES], to[CLOCK_TEXT_BYTES], title[2 * CLOCK_TEXT_BYTES + 16];

	if (!summary->since_usec) {
		json_add_text(json, "name", "oxprof");
		return;
	}
	snprintf(title, sizeof(title), "oxprof %s to %s",
		 clock_format_local(summary->since_usec, from),
		 clock_format_local(summary->until_usec, to));
	json_add_text(json, "name", title);
}

static void begin(struct json *json)
{
	json_open(json, NULL, '{');
	json_add_text(json, "$schema", SCHEMA);
	json_add_text(json, "exporter", "oxprof@" OX_VERSION);
	json_add_u64(json, "activeProfileIndex", 0);
	json_open(json, "profiles", '[');
	json_open(json, NULL, '{');
	json_add_text(json, "type", "sampled");
	json_add_text(json, "name", "all");
	json_add_text(json, "unit", "none");
	json_add_u64(json, "startValue", 0);
	json_open(json, "samples", '[');
}

static void end(struct scope *scope, const struct profile *profile)
{
	struct json *json = &scope->json;

	json_close(json, ']');
	json_open(json, "weights", '[');
	for (size_t i = 0; i < scope->n_weights; i++)
		json_add_u64(json, NULL, scope->weights[i]);
	json_close(json, ']');
	json_add_u64(json, "endValue", scope->hits);
	json_close(json, '}');
	json_close(json, ']');
	write_frames(json, profile);
	write_title(json, profile);
	json_close(json, '}');
	fputc('\n', json->out);
}

int speedscope_report(struct report *report)
{
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	_cleanup_(scope_done) struct scope scope = {.report = report, .json = {report->out, 1}};
	int r;

	begin(&scope.json);
	r = report_read(report, report->request, &(struct bus_export_options){.stacks = true},
			on_hit, &scope, &profile);
	if (r < 0)
		return r;
	end(&scope, profile);
	return 0;
}
