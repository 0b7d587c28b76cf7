/* SPDX-License-Identifier: MIT */
#include "client/report/render_call_tree.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "client/base/text.h"
#include "daemon/base/array.h"
#include "daemon/base/cleanup.h"

#define LEVEL_COLUMNS 2
#define NAME_LEAST    16
#define HOT_PERCENT   10 /* own share that is worth a look */
#define HITS_TITLE    "HITS"
#define NUMBER_BYTES  24
#define MORE_BYTES    64

/* How branches are drawn. */
struct strokes {
	const char *branch, *last, *bar, *gap, *dropped;
};

static const struct strokes strokes_utf8 = {"├─", "└─", "│ ", "  ", "… "};
static const struct strokes strokes_ascii = {"|-", "`-", "| ", "  ", ".."};

struct call_tree_drawing {
	const struct graph *graph;
	const struct call_tree_style *style;
	const struct screen *screen;
	const struct strokes *strokes;
	FILE *out;
	int hits_width;
	size_t numbers_width;
	uint32_t *levels; /* of the last line of each depth */
	size_t levels_size;
	bool *open; /* by level: its branch goes on below */
	size_t open_size;
	bool *alone; /* of the last line of each depth: it has one child, which is not indented */
	size_t alone_size;
};

static void drawing_done(struct call_tree_drawing *drawing)
{
	free(drawing->levels);
	free(drawing->open);
	free(drawing->alone);
}

static double get_share(const struct call_tree_drawing *drawing, uint64_t hits)
{
	return drawing->style->samples ? 100.0 * (double)hits / (double)drawing->style->samples : 0;
}

static void print_title(const struct call_tree_drawing *drawing)
{
	fprintf(drawing->out, "%sTOTAL%%  %s%*s  NAME%s\n",
		screen_style(drawing->screen, STYLE_HEADER),
		drawing->style->callers ? "" : " SELF%  ", drawing->hits_width, HITS_TITLE,
		screen_style(drawing->screen, STYLE_OFF));
}

static void print_numbers(const struct call_tree_drawing *drawing, uint32_t node)
{
	uint64_t total = graph_total(drawing->graph, node, GRAPH_BASE);
	double self = get_share(drawing, graph_self(drawing->graph, node, GRAPH_BASE));
	bool hot = !drawing->style->callers && self >= HOT_PERCENT;

	fprintf(drawing->out, "%6.2f  ", get_share(drawing, total));
	if (!drawing->style->callers)
		fprintf(drawing->out, "%s%6.2f%s  ",
			hot ? screen_style(drawing->screen, STYLE_BAD) : "", self,
			hot ? screen_style(drawing->screen, STYLE_OFF) : "");
	fprintf(drawing->out, "%*" PRIu64 "  ", drawing->hits_width, total);
}

/* Returns how many levels of branches may be drawn, so that half of the line is left for names; the
 * levels nearest to the function are the ones that are drawn. 0: no limit. */
static uint32_t count_levels_max(const struct call_tree_drawing *drawing)
{
	size_t columns = drawing->screen->columns;

	if (columns == 0)
		return 0;
	if (columns < drawing->numbers_width + 2 * NAME_LEAST)
		return 1;
	return (uint32_t)((columns - drawing->numbers_width) / 2 / LEVEL_COLUMNS);
}

/* Draws the branches in front of a name. Returns how many columns they take. */
static size_t print_branches(const struct call_tree_drawing *drawing, uint32_t level,
			     bool is_branch, bool is_last)
{
	uint32_t max = count_levels_max(drawing), first = 1;
	const struct strokes *strokes = drawing->strokes;

	if (max > 0 && level > max) {
		fputs(strokes->dropped, drawing->out);
		first = level - max + 2;
	}
	for (uint32_t i = first; i <= level; i++) {
		if (is_branch && i == level)
			fputs(is_last ? strokes->last : strokes->branch, drawing->out);
		else
			fputs(drawing->open[i] ? strokes->bar : strokes->gap, drawing->out);
	}
	return LEVEL_COLUMNS * (max > 0 && level > max ? max : level);
}

static void format_more(const struct call_tree_drawing *drawing, const struct call_line *line,
			char ret[static MORE_BYTES])
{
	ret[0] = '\0';
	if (line->n_cut)
		snprintf(ret, MORE_BYTES, "  + %" PRIu32 " more, %.2f %%", line->n_cut,
			 get_share(drawing, line->cut));
}

static int print_name(const struct call_tree_drawing *drawing, const struct call_line *line,
		      size_t used)
{
	uint32_t function = graph_function_of(drawing->graph, line->node);
	const char *name = graph_function(drawing->graph, function)->name;
	_cleanup_free_ char *clean = text_clean_copy(name), *cut = NULL;
	size_t columns = drawing->screen->columns;
	char more[MORE_BYTES];

	if (!clean)
		return -ENOMEM;
	format_more(drawing, line, more);
	if (columns > 0) {
		used += text_width(more);
		cut = text_cut_middle(clean,
				      columns > used + NAME_LEAST ? columns - used : NAME_LEAST);
		if (!cut)
			return -ENOMEM;
	}
	fprintf(drawing->out, "%s%s\n", cut ?: clean, more);
	return 0;
}

static int make_room(struct call_tree_drawing *drawing, uint32_t depth)
{
	size_t n = (size_t)depth + 2;

	if (array_reserve(drawing->levels, drawing->levels_size, n) < 0 ||
	    array_reserve(drawing->open, drawing->open_size, n) < 0 ||
	    array_reserve(drawing->alone, drawing->alone_size, n) < 0)
		return -ENOMEM;
	return 0;
}

static int print_line(struct call_tree_drawing *drawing, const struct call_line *line, bool alone)
{
	uint32_t level = 0;
	size_t used;

	/* Callers have their lines before what they call. */
	assert(line->depth == 0 || line->depth < drawing->levels_size);
	if (line->depth)
		level = drawing->levels[line->depth - 1];
	if (make_room(drawing, line->depth) < 0)
		return -ENOMEM;
	level += !alone;
	drawing->levels[line->depth] = level;
	drawing->alone[line->depth] = line->n_shown == 1;
	if (!alone)
		drawing->open[level] = !line->last;
	print_numbers(drawing, line->node);
	used = drawing->numbers_width + print_branches(drawing, level, !alone, line->last);
	return print_name(drawing, line, used);
}

static void measure(struct call_tree_drawing *drawing)
{
	uint64_t most = graph_total(drawing->graph, 0, GRAPH_BASE);
	char number[NUMBER_BYTES];

	drawing->hits_width = snprintf(number, sizeof(number), "%" PRIu64, most);
	if (drawing->hits_width < (int)sizeof(HITS_TITLE) - 1)
		drawing->hits_width = sizeof(HITS_TITLE) - 1;
	drawing->numbers_width =
		(drawing->style->callers ? 8 : 16) + (size_t)drawing->hits_width + 2;
}

int render_call_tree(const struct graph *graph, const struct call_tree *tree,
		     const struct call_tree_style *style, const struct screen *screen, FILE *out)
{
	_cleanup_(drawing_done) struct call_tree_drawing drawing = {
		.graph = graph,
		.style = style,
		.screen = screen,
		.strokes = style->utf8 ? &strokes_utf8 : &strokes_ascii,
		.out = out,
	};
	size_t n_roots = 0;

	measure(&drawing);
	print_title(&drawing);
	for (size_t i = 0; i < tree->n_lines; i++)
		n_roots += tree->lines[i].depth == 0;
	for (size_t i = 0; i < tree->n_lines; i++) {
		uint32_t depth = tree->lines[i].depth;
		int r = print_line(&drawing, &tree->lines[i],
				   depth ? drawing.alone[depth - 1] : n_roots == 1);

		if (r < 0)
			return r;
	}
	if (tree->n_lines == 0)
		fputs("-- No entries --\n", out);
	return 0;
}
