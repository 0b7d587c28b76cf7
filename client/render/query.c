/* SPDX-License-Identifier: MIT */
#include "client/render/render.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/base/grid.h"

define_cleanup(struct grid *, grid_free);

enum field { SELF, SELF_SHARE, TOTAL, TOTAL_SHARE, PID, TID, KIND, NAME, N_FIELDS };

static const struct grid_column columns[N_FIELDS] = {
	[SELF] = {"SELF", .right = true},   [SELF_SHARE] = {"SELF%", .right = true},
	[TOTAL] = {"TOTAL", .right = true}, [TOTAL_SHARE] = {"TOTAL%", .right = true},
	[PID] = {"PID", .right = true},     [TID] = {"TID", .right = true},
	[KIND] = {.title = "KIND"},         [NAME] = {"NAME", .flexible = true},
};

/* A whole stack, process or user has no callers: SELF is TOTAL, so one of the columns is enough. */
static const struct table_layout {
	const char *by;
	enum field fields[N_FIELDS];
	size_t n;
} layouts[] = {
	{"function", {SELF, SELF_SHARE, TOTAL, TOTAL_SHARE, KIND, NAME}, 6},
	{"module", {SELF, SELF_SHARE, TOTAL, TOTAL_SHARE, KIND, NAME}, 6},
	{"file", {SELF, SELF_SHARE, TOTAL, TOTAL_SHARE, KIND, NAME}, 6},
	{"line", {SELF, SELF_SHARE, TOTAL, TOTAL_SHARE, KIND, NAME}, 6},
	{"stack", {TOTAL, TOTAL_SHARE, NAME}, 3},
	{"process", {TOTAL, TOTAL_SHARE, PID, NAME}, 4},
	{"thread", {TOTAL, TOTAL_SHARE, PID, TID, NAME}, 5},
	{"unit", {TOTAL, TOTAL_SHARE, NAME}, 3},
	{"user", {TOTAL, TOTAL_SHARE, NAME}, 3},
};

static const struct table_layout *find_layout(const char *by)
{
	for (size_t i = 0; by && i < array_length(layouts); i++)
		if (strcmp(layouts[i].by, by) == 0)
			return &layouts[i];
	return &layouts[0];
}

static void add_number(struct grid *grid, struct json_object *record, const char *key)
{
	if (tree_has(record, key))
		grid_add_format(grid, "%" PRIu64, tree_get_u64(record, key));
	else
		grid_add(grid, "-");
}

static void add_share(struct grid *grid, struct json_object *record, const char *key)
{
	if (tree_has(record, key))
		grid_add_format(grid, "%.2f", 100 * tree_get_double(record, key));
	else
		grid_add(grid, "-");
}

static void add_text(struct grid *grid, struct json_object *record, const char *key)
{
	grid_add(grid, tree_has(record, key) ? tree_get_text(record, key) : "-");
}

static void add_field(struct grid *grid, struct json_object *record, enum field field)
{
	static const struct {
		void (*add)(struct grid *grid, struct json_object *record, const char *key);
		const char *key;
	} sources[N_FIELDS] = {
		[SELF] = {add_number, "self"},   [SELF_SHARE] = {add_share, "self_share"},
		[TOTAL] = {add_number, "total"}, [TOTAL_SHARE] = {add_share, "total_share"},
		[PID] = {add_number, "pid"},     [TID] = {add_number, "tid"},
		[KIND] = {add_text, "kind"},     [NAME] = {add_text, "name"},
	};

	assert((size_t)field < array_length(sources));
	sources[field].add(grid, record, sources[field].key);
}

static int render(struct json_object *answer, const struct request *request,
		  const struct grid_column *titles, const enum field *fields, size_t n,
		  const struct screen *screen, FILE *out)
{
	_cleanup_(grid_free_p) struct grid *grid = grid_new(titles, n);
	struct json_object *records = tree_get_rows(answer, "records");
	size_t n_records = json_object_array_length(records);
	int r;

	assert(n > 0 && n <= N_FIELDS);
	if (!grid)
		return -ENOMEM;
	for (size_t i = 0; i < n_records; i++)
		for (size_t k = 0; k < n; k++)
			add_field(grid, json_object_array_get_idx(records, i), fields[k]);
	r = grid_print(grid, screen, out);
	if (r < 0)
		return r;
	if (n_records == 0)
		fputs("-- No entries --\n", out);
	return render_footer(answer, request, out);
}

int render_query(struct json_object *answer, const struct request *request,
		 const struct screen *screen, FILE *out)
{
	const struct table_layout *layout = find_layout(request->by);
	struct grid_column titles[N_FIELDS];

	for (size_t i = 0; i < layout->n; i++)
		titles[i] = columns[layout->fields[i]];
	return render(answer, request, titles, layout->fields, layout->n, screen, out);
}

int render_top(struct json_object *answer, const struct request *request,
	       const struct screen *screen, FILE *out)
{
	static const struct grid_column titles[] = {
		{"Function", .flexible = true},
		{"Hits", .right = true},
		{"%", .right = true},
	};
	static const enum field fields[] = {NAME, TOTAL, TOTAL_SHARE};

	return render(answer, request, titles, fields, array_length(fields), screen, out);
}
