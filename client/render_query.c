/* SPDX-License-Identifier: MIT */
#include "client/render.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/grid.h"
#include "client/text.h"
#include "daemon/clock.h"

define_cleanup(struct grid *, grid_free);

enum field { SELF, SELF_SHARE, TOTAL, TOTAL_SHARE, PID, TID, KIND, NAME, N_FIELDS };

static const struct grid_column columns[N_FIELDS] = {
	[SELF] = {"SELF", .right = true},   [SELF_SHARE] = {"SELF%", .right = true},
	[TOTAL] = {"TOTAL", .right = true}, [TOTAL_SHARE] = {"TOTAL%", .right = true},
	[PID] = {"PID", .right = true},     [TID] = {"TID", .right = true},
	[KIND] = {.title = "KIND"},         [NAME] = {"NAME", .flexible = true},
};

/* A whole stack, process or user has no callers: its hits are its own, so one column says it all.
 */
static const struct layout {
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

static const struct layout *find_layout(const char *by)
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

	sources[field].add(grid, record, sources[field].key);
}

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

	for (size_t i = 0; i < array_length(reasons); i++)
		if (!strcmp(reason, reasons[i]))
			return true;
	return false;
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

static int print_footer(struct json_object *answer, FILE *out)
{
	uint64_t samples = tree_get_u64(answer, "samples");
	uint64_t distinct = tree_get_u64(answer, "distinct");

	int r;

	fprintf(out, "\n%" PRIu64 " sample%s, %" PRIu64 " distinct stack%s", samples,
		samples == 1 ? "" : "s", distinct, distinct == 1 ? "" : "s");
	print_window(answer, out);
	r = print_losses(answer, "lost", false, out);
	r = r < 0 ? r : print_losses(answer, "incomplete", true, out);
	if (r < 0)
		return r;
	fputc('\n', out);
	r = print_stacks(answer, out);
	if (r < 0)
		return r;
	if (tree_get_bool(answer, "restricted"))
		fputs("Only your own processes are counted; those of others need authorisation "
		      "(sudo).\n",
		      out);
	return 0;
}

static int render(struct json_object *answer, const struct grid_column *titles,
		  const enum field *fields, size_t n, const struct screen *screen, FILE *out)
{
	_cleanup_(grid_free_p) struct grid *grid = grid_new(titles, n);
	struct json_object *records = tree_get_rows(answer, "records");
	size_t n_records = json_object_array_length(records);
	int r;

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
	return print_footer(answer, out);
}

int render_query(struct json_object *answer, const struct request *request,
		 const struct screen *screen, FILE *out)
{
	const struct layout *layout = find_layout(request->by);
	struct grid_column titles[N_FIELDS];

	for (size_t i = 0; i < layout->n; i++)
		titles[i] = columns[layout->fields[i]];
	return render(answer, titles, layout->fields, layout->n, screen, out);
}

int render_top(struct json_object *answer, const struct screen *screen, FILE *out)
{
	static const struct grid_column titles[] = {
		{"Function", .flexible = true},
		{"Hits", .right = true},
		{"%", .right = true},
	};
	static const enum field fields[] = {NAME, TOTAL, TOTAL_SHARE};

	return render(answer, titles, fields, array_length(fields), screen, out);
}
