/* SPDX-License-Identifier: MIT */
#include "client/render/render.h"

#include <errno.h>
#include <inttypes.h>

#include "client/base/grid.h"
#include "client/base/text.h"
#include "daemon/base/clock.h"

define_cleanup(struct grid *, grid_free);

static const struct grid_column columns[] = {
	{"ID", .right = true},   {.title = "STARTED"},          {.title = "DURATION"},
	{.title = "MODE"},       {"INTERVAL", .right = true},   {"SAMPLES", .right = true},
	{"LOST", .right = true}, {"TARGETS", .flexible = true},
};

static void add_times(struct grid *grid, struct json_object *session)
{
	uint64_t started = tree_get_u64(session, "started");
	uint64_t ended = tree_get_u64(session, "ended");
	char text[CLOCK_TEXT_BYTES];

	grid_add(grid, clock_format_local(started, text));
	if (!tree_has(session, "ended"))
		grid_add(grid, "running");
	else
		grid_add(grid, clock_format_span(ended > started ? ended - started : 0, text));
}

static uint64_t sum_losses(struct json_object *lost)
{
	uint64_t sum = 0;

	if (!lost)
		return 0;
	json_object_object_foreach(lost, reason, n)
	{
		if (!loss_is_in_part(reason))
			sum += json_object_get_uint64(n);
	}
	return sum;
}

static int add_targets(struct grid *grid, struct json_object *session)
{
	struct json_object *targets = tree_get_rows(session, "targets");
	size_t n = targets ? json_object_array_length(targets) : 0;
	_cleanup_free_ char *line = NULL;
	_cleanup_fclose_ FILE *writer = NULL;
	size_t size;

	writer = open_memstream(&line, &size);
	if (!writer)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		fprintf(writer, "%s%s", i > 0 ? " " : "",
			json_object_get_string(json_object_array_get_idx(targets, i)) ?: "");
	if (fflush(writer) != 0)
		return -ENOMEM;
	grid_add(grid, line);
	return 0;
}

static int add_session(struct grid *grid, struct json_object *session)
{
	char text[TEXT_NUMBER_BYTES];

	grid_add_format(grid, "%" PRIu64, tree_get_u64(session, "id"));
	add_times(grid, session);
	grid_add(grid, tree_has(session, "mode") ? tree_get_text(session, "mode") : "-");
	grid_add(grid, tree_has(session, "interval_ns")
			       ? text_format_interval(tree_get_double(session, "interval_ns"), text)
			       : "-");
	grid_add_format(grid, "%" PRIu64, tree_get_u64(session, "samples"));
	grid_add_format(grid, "%" PRIu64, sum_losses(tree_get_object(session, "lost")));
	return add_targets(grid, session);
}

int render_history(struct json_object *history, const struct screen *screen, FILE *out)
{
	_cleanup_(grid_free_p) struct grid *grid = grid_new(columns, array_length(columns));
	struct json_object *sessions = tree_get_rows(history, "sessions");
	size_t n = json_object_array_length(sessions);
	int r;

	if (!grid)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		r = add_session(grid, json_object_array_get_idx(sessions, i));
		if (r < 0)
			return r;
	}
	r = grid_print(grid, screen, out);
	if (r < 0)
		return r;
	if (n == 0)
		fputs("-- No entries --\n", out);
	return 0;
}
