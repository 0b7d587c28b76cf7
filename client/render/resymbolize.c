/* SPDX-License-Identifier: MIT */
#include "client/render/render.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/base/grid.h"

define_cleanup(struct grid *, grid_free);

static const struct grid_column columns[] = {
	{"UNNAMED", .right = true},
	{.title = "WHY"},
	{.title = "BUILD-ID"},
	{"FILE", .flexible = true},
};

static const char *explain(const char *reason)
{
	static const struct {
		const char *reason;
		const char *text;
	} known[] = {
		{"no-file", "no such file here, nor a debug file"},
		{"no-symbol", "no symbol in the files that are here"},
		{"too-slow", "reading took too long"},
		{"unreadable", "cannot be read"},
	};

	for (size_t i = 0; i < array_length(known); i++)
		if (!strcmp(known[i].reason, reason))
			return known[i].text;
	return *reason ? reason : "-";
}

static int print_files(struct json_object *files, const struct screen *screen, FILE *out)
{
	_cleanup_(grid_free_p) struct grid *grid = grid_new(columns, array_length(columns));
	size_t n = json_object_array_length(files);

	if (!grid)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct json_object *file = json_object_array_get_idx(files, i);

		if (!tree_get_u64(file, "unnamed"))
			continue;
		grid_add_format(grid, "%" PRIu64, tree_get_u64(file, "unnamed"));
		grid_add(grid, explain(tree_get_text(file, "reason")));
		grid_add(grid, tree_get_text(file, "build_id"));
		grid_add(grid, tree_get_text(file, "file"));
	}
	return grid_print(grid, screen, out);
}

int render_resymbolize(struct json_object *answer, const struct screen *screen, FILE *out)
{
	struct json_object *files = tree_get_rows(answer, "files");
	uint64_t named = tree_get_u64(answer, "named"), unnamed = tree_get_u64(answer, "unnamed");
	size_t n = json_object_array_length(files);
	int r;

	if (!named && !unnamed) {
		fputs("There is no address without a name.\n", out);
		return 0;
	}
	fprintf(out, "Named %" PRIu64 " of %" PRIu64 " address%s in %zu file%s.\n", named,
		named + unnamed, named + unnamed == 1 ? "" : "es", n, n == 1 ? "" : "s");
	if (!unnamed)
		return 0;
	fputc('\n', out);
	r = print_files(files, screen, out);
	if (r < 0)
		return r;
	fputs("\nDebug files are looked for by build-id under /usr/lib/debug/.build-id; see "
	      "oxprofctl(1).\n",
	      out);
	return 0;
}
