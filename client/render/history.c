/* SPDX-License-Identifier: MIT */
#include "client/render/render.h"

#include <errno.h>
#include <inttypes.h>

#include "client/base/grid.h"
#include "client/base/text.h"
#include "daemon/base/clock.h"

define_cleanup(struct grid *, grid_free);

/* The first column is left out where all sessions are the user's own. */
static const struct grid_column columns[] = {
	{.title = "OWNER"},         {"ID", .right = true},   {.title = "STARTED"},
	{.title = "DURATION"},      {.title = "MODE"},       {"INTERVAL", .right = true},
	{"SAMPLES", .right = true}, {"LOST", .right = true}, {"TARGETS", .flexible = true},
};

static bool has_owners(const struct request *request)
{
	return request->all_users || request->window.session;
}

static int add_owner(struct grid *grid, struct json_object *session)
{
	_cleanup_free_ char *owner = NULL;

	if (!tree_has(session, "owner")) {
		grid_add(grid, "-");
		return 0;
	}
	owner = render_user(tree_get_u64(session, "owner"));
	if (!owner)
		return -ENOMEM;
	grid_add(grid, owner);
	return 0;
}

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

int render_history(struct json_object *history, const struct request *request,
		   const struct screen *screen, FILE *out)
{
	bool owners = has_owners(request);
	_cleanup_(grid_free_p) struct grid *grid =
		grid_new(columns + !owners, array_length(columns) - !owners);
	struct json_object *sessions = tree_get_rows(history, "sessions");
	size_t n = json_object_array_length(sessions);
	int r;

	if (!grid)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct json_object *session = json_object_array_get_idx(sessions, i);

		r = owners ? add_owner(grid, session) : 0;
		if (r < 0)
			return r;
		r = add_session(grid, session);
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
