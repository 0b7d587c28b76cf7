/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "client/base/text.h"
#include "client/flame/internal.h"
#include "daemon/base/cleanup.h"
#include "daemon/base/clock.h"

/* In pixels; letters are of one width. */
#define WIDTH     1200.0
#define MARGIN    10.0
#define ROW       17.0
#define TOP       52.0
#define BOTTOM    122.0
#define LINE      16.0 /* of the footer */
#define LETTER    6.7
#define LEAST     0.3 /* narrower boxes are not drawn */
#define CUT_WIDTH 3   /* letters; shorter texts are not written */
#define APART     2.0 /* standard deviations of the counts; this is no test as that of compare.h */

/* The words of the page (client/page/flame_words.js). */
#define COLOURS_NOTE                                                                      \
	"Colours compare the counts of single frames (about the same: within 2 standard " \
	"deviations) and are no test of chance: that is the verdict of oxprofctl diff's table."

struct picture {
	const struct flame *flame;
	FILE *out;
	double *x;    /* of each node that is shown */
	double *next; /* where its next child begins */
	uint32_t *depth;
	double scale; /* pixels for a hit */
	int side;     /* whose hits are the widths */
	uint32_t n_narrow;
};

/* Writes a text, of which text_clean() has replaced the control characters; XML allows neither of
 * U+FFFE and U+FFFF. */
static void write_escaped(const char *text, FILE *out)
{
	for (const char *c = text; *c; c++)
		if (strchr("<>&\"'", *c)) {
			fprintf(out, "&#%d;", *c);
		} else if (!strncmp(c, "\xef\xbf\xbe", 3) || !strncmp(c, "\xef\xbf\xbf", 3)) {
			fputs("\xef\xbf\xbd", out);
			c += 2;
		} else {
			fputc(*c, out);
		}
}

static int write_text(double x, double y, const char *text, double width, FILE *out)
{
	size_t columns = width > 0 ? (size_t)(width / LETTER) : 0;
	_cleanup_free_ char *clean = text_clean_copy(text);
	_cleanup_free_ char *cut = clean ? text_cut_middle(clean, columns) : NULL;

	if (!cut)
		return -ENOMEM;
	if (columns < CUT_WIDTH)
		return 0;
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">", x, y);
	write_escaped(cut, out);
	fputs("</text>\n", out);
	return 0;
}

/* ---- layout ---- */

static double share_of(uint64_t n, uint64_t all)
{
	return all ? (double)n / (double)all : 0;
}

static uint64_t total_of(const struct picture *picture, uint32_t i)
{
	return flame_total(picture->flame, i, picture->side);
}

/* Places children side by side from where their parent begins; the parent's own hits are the rest
 * on the right. Returns the number of rows. */
static uint32_t place_nodes(struct picture *picture)
{
	const struct flame *flame = picture->flame;
	uint32_t deepest = 0;

	picture->x[0] = picture->next[0] = MARGIN;
	for (uint32_t i = 1; i < flame->n_nodes; i++) {
		uint32_t parent = flame->parents[i];

		assert(parent < i);
		picture->x[i] = picture->next[i] = picture->next[parent];
		picture->next[parent] += (double)total_of(picture, i) * picture->scale;
		picture->depth[i] = picture->depth[parent] + 1;
		if (picture->depth[i] > deepest)
			deepest = picture->depth[i];
	}
	return deepest + 1;
}

/* ---- drawing ---- */

/* Returns how far the rates of both sides lie apart, in standard deviations of two independent
 * counts. */
static double deviations(const double rates[N_GRAPH_SIDES], const double weights[N_GRAPH_SIDES])
{
	double variance = 0;

	for (int side = 0; side < N_GRAPH_SIDES; side++)
		variance += rates[side] * weights[side];
	return variance > 0 ? (rates[GRAPH_WITH] - rates[GRAPH_BASE]) / sqrt(variance) : 0;
}

/* Returns the class of a change as the page does (client/page/flame_layout.js). A weight is what
 * one hit adds to the rate of its side. */
static const char *class_of_change(const struct flame *flame, uint32_t i)
{
	static const char *const classes[2][3] = {{"less1", "less2", "less3"},
						  {"more1", "more2", "more3"}};
	double weights[N_GRAPH_SIDES], rates[N_GRAPH_SIDES], change;

	for (int side = 0; side < N_GRAPH_SIDES; side++) {
		const struct flame_side *about = &flame->about->sides[side];

		weights[side] = share_of(about->interval_ns, about->observed_usec);
		rates[side] = (double)flame_total(flame, i, side) * weights[side];
	}
	if (fabs(deviations(rates, weights)) < APART)
		return "same";
	change = (rates[GRAPH_WITH] - rates[GRAPH_BASE]) /
		 fmax(rates[GRAPH_WITH], rates[GRAPH_BASE]);
	return classes[change > 0][fabs(change) > 0.5 ? 2 : fabs(change) > 0.2];
}

static const struct graph_function *function_at(const struct flame *flame, uint32_t i)
{
	return graph_function(flame->graph, flame_function_of(flame, i));
}

static const char *class_of(const struct flame *flame, uint32_t i)
{
	if (flame->about->diff)
		return class_of_change(flame, i);
	return i ? flame_kind(function_at(flame, i)) : "all";
}

static int write_hover(const struct picture *picture, uint32_t i, const char *name)
{
	const struct flame *flame = picture->flame;
	_cleanup_free_ char *clean = text_clean_copy(name);

	if (!clean)
		return -ENOMEM;
	fputs("<title>", picture->out);
	write_escaped(clean, picture->out);
	for (int side = 0; side < (flame->about->diff ? 2 : 1); side++) {
		uint64_t total = flame_total(flame, i, side);

		fprintf(picture->out, "\n%s%" PRIu64 " hits, %.2f %% (self %" PRIu64 ")",
			!flame->about->diff ? ""
			: side              ? "with: "
					    : "base: ",
			total, 100 * share_of(total, flame_total(flame, 0, side)),
			flame_self(flame, i, side));
	}
	fputs("</title>", picture->out);
	return 0;
}

static int write_node(struct picture *picture, uint32_t i)
{
	double width = (double)total_of(picture, i) * picture->scale;
	double y = TOP + picture->depth[i] * ROW;
	const char *name = i ? function_at(picture->flame, i)->name : "all";
	int r;

	if (width < LEAST) {
		picture->n_narrow++;
		return 0;
	}
	fputs("<g>", picture->out);
	r = write_hover(picture, i, name);
	if (r < 0)
		return r;
	fprintf(picture->out,
		"<rect class=\"%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>",
		class_of(picture->flame, i), picture->x[i], y, width, ROW - 1);
	r = write_text(picture->x[i] + 3, y + 12, name, width - 6, picture->out);
	if (r < 0)
		return r;
	fputs("</g>\n", picture->out);
	return 0;
}

/* Writes the head, with the colours and patterns of the page (client/page/flamegraph.css,
 * flame_paint.js). */
static void write_head(const struct picture *picture, double height)
{
	static const char style[] =
		"text{font:11px monospace;fill:#111}.h{font-size:15px;font-weight:bold}"
		"rect{stroke:#fff;stroke-width:.5}.bg{fill:#fff}.all,.same{fill:#dfe2e5}"
		".native{fill:#f0b73f}.python{fill:url(#p)}.kernel{fill:url(#k)}.mark{fill:url(#m)}"
		".more1{fill:#fbdfb8}.more2{fill:#f3b568}.more3{fill:#e38a1e}"
		".less1{fill:#cde2f5}.less2{fill:#8fc1e8}.less3{fill:#4a9bd6}";
	static const char patterns[] =
		"<pattern id=\"p\" y=\"%.0f\" width=\"8\" height=\"%.0f\" "
		"patternUnits=\"userSpaceOnUse\"><path fill=\"#62b8ea\" d=\"M0 0H8V17H0z\"/>"
		"<path fill=\"#45819f\" d=\"M0 14H8V16H0z\"/></pattern>\n"
		"<pattern id=\"k\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
		"<path fill=\"#dfa3c6\" d=\"M0 0H8V8H0z\"/>"
		"<path stroke=\"#b27f9c\" d=\"M0 8L8 0\"/></pattern>\n"
		"<pattern id=\"m\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
		"<path fill=\"#c4c8cc\" d=\"M0 0H8V8H0z\"/>"
		"<path stroke=\"#999\" d=\"M0 8L8 0M0 0L8 8\"/></pattern>\n";

	fprintf(picture->out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\">\n<style>%s</style>\n<defs>\n",
		WIDTH, height, WIDTH, height, style);
	fprintf(picture->out, patterns, TOP, ROW);
	fputs("</defs>\n<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n", picture->out);
}

static int write_titles(const struct picture *picture)
{
	const struct flame_about *about = picture->flame->about;
	_cleanup_free_ char *title = text_clean_copy(about->title ?: "Flame graph");

	if (!title)
		return -ENOMEM;
	fprintf(picture->out, "<text class=\"h\" x=\"%.0f\" y=\"22\">", MARGIN);
	write_escaped(title, picture->out);
	fputs("</text>\n", picture->out);
	return about->filters
		       ? write_text(MARGIN, 40, about->filters, WIDTH - 2 * MARGIN, picture->out)
		       : 0;
}

static void write_legend(const struct picture *picture, double y)
{
	static const struct entry {
		const char *class;
		const char *text;
	} kinds[] = {{"python", "Python"},
		     {"native", "native"},
		     {"kernel", "kernel"},
		     {"mark", "callers are missing"},
		     {NULL, NULL}},
	  changes[] = {{"less3", "less than half"},  {"less1", "less"},
		       {"same", "about the same"},   {"more1", "more"},
		       {"more3", "more than twice"}, {NULL, NULL}};
	const struct entry *entry = picture->flame->about->diff ? changes : kinds;

	for (double x = MARGIN; entry->class; x += 160, entry++)
		fprintf(picture->out,
			"<rect class=\"%s\" x=\"%.0f\" y=\"%.1f\" width=\"20\" height=\"%.0f\"/>"
			"<text x=\"%.0f\" y=\"%.1f\">%s</text>\n",
			entry->class, x, y - 12, ROW - 1, x + 26, y, entry->text);
}

static int write_side(const struct picture *picture, int i, double y)
{
	const struct flame_about *about = picture->flame->about;
	const struct flame_side *side = &about->sides[i];
	char from[CLOCK_TEXT_BYTES] = "?", to[CLOCK_TEXT_BYTES] = "?", text[256];

	if (side->since_usec) {
		clock_format_local(side->since_usec, from);
		clock_format_local(side->until_usec, to);
	}
	snprintf(text, sizeof(text), "%s%" PRIu64 " of %" PRIu64 " samples; %s to %s",
		 !about->diff ? ""
		 : i          ? "with (the widths): "
			      : "base: ",
		 flame_total(picture->flame, 0, i), side->samples, from, to);
	return write_text(MARGIN, y, text, WIDTH - MARGIN, picture->out);
}

static int write_lines(const struct picture *picture, const char *const *lines, size_t n, double y)
{
	for (size_t i = 0; i < n; i++, y += LINE) {
		int r = write_text(MARGIN, y, lines[i], WIDTH - MARGIN, picture->out);

		if (r < 0)
			return r;
	}
	return 0;
}

static int write_footer(const struct picture *picture, double y)
{
	const struct flame *flame = picture->flame;
	const char *lines[3];
	char text[256];
	size_t n = 0;

	for (int i = 0; i < (flame->about->diff ? 2 : 1); i++, y += LINE) {
		int r = write_side(picture, i, y);

		if (r < 0)
			return r;
	}
	snprintf(text, sizeof(text),
		 "not drawn: %" PRIu32 " frames below %g %%, %" PRIu32 " too narrow%s%s",
		 flame->n_left_out, flame->about->threshold, picture->n_narrow,
		 flame->about->restricted ? "; only one's own processes" : "",
		 flame->about->without_kernel ? "; without kernel frames" : "");
	lines[n++] = text;
	if (flame->about->diff)
		lines[n++] = COLOURS_NOTE;
	if (flame->about->note)
		lines[n++] = flame->about->note;
	return write_lines(picture, lines, n, y);
}

static int write_all(struct picture *picture)
{
	double bottom = TOP + place_nodes(picture) * ROW;
	int r;

	write_head(picture, bottom + BOTTOM);
	r = write_titles(picture);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < picture->flame->n_nodes; i++) {
		r = write_node(picture, i);
		if (r < 0)
			return r;
	}
	/* The legend keeps to the grid of the rows, since the pattern of Python does. */
	write_legend(picture, bottom + ROW + 12);
	r = write_footer(picture, bottom + 2 * ROW + 16);
	if (r < 0)
		return r;
	fputs("</svg>\n", picture->out);
	return 0;
}

int flame_write_picture(const struct flame *flame, FILE *out)
{
	_cleanup_free_ double *x = calloc(flame->n_nodes, sizeof(*x));
	_cleanup_free_ double *next = calloc(flame->n_nodes, sizeof(*next));
	_cleanup_free_ uint32_t *depth = calloc(flame->n_nodes, sizeof(*depth));
	struct picture picture = {
		.flame = flame,
		.out = out,
		.x = x,
		.next = next,
		.depth = depth,
		.side = flame->about->diff ? GRAPH_WITH : GRAPH_BASE,
	};

	if (!x || !next || !depth)
		return -ENOMEM;
	if (total_of(&picture, 0) > 0)
		picture.scale = (WIDTH - 2 * MARGIN) / (double)total_of(&picture, 0);
	return write_all(&picture);
}
