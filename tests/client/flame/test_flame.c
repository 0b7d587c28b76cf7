/* SPDX-License-Identifier: MIT */
#include "client/flame/flame.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <locale.h>

#include "client/base/json_tree.h"
#include "client/base/page.h"
#include "daemon/base/cleanup.h"
#include "tests/support/made/export.h"

define_cleanup(struct graph *, graph_free);

#define HOSTILE "<script>alert(1)</script>&\""

static void use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

TestSuite(client_flame, .init = use_utf8);

struct flame_adding {
	struct graph *graph;
	enum graph_side side;
};

static int add_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	struct flame_adding *adding = userdata;

	return graph_add(adding->graph, adding->side, profile, hit->node, hit->n);
}

/* Adds stacks to one side; interval_ns is that of its session, 0 that of now. */
static void add(struct graph *graph, enum graph_side side, const char *stacks, uint64_t interval_ns,
		struct flame_about *about)
{
	static const struct made_frame frames[] = {
		{"[cut]", {.function = "[cut]"}},
		{"[cut]()", {.function = "[cut]", .module = "app"}},
		{.word = NULL},
	};
	const struct made_export export = {
		.stacks = stacks, .frames = frames, .interval_ns = interval_ns};
	struct flame_adding adding = {graph, side};
	struct profile *profile;
	char *why;

	cr_assert_eq(
		profile_read(made_export_from(&export), NULL, add_hit, &adding, &profile, &why), 0);
	flame_set_side(&about->sides[side], profile_summary(profile));
	profile_free(profile);
}

/* Returns the flame graph that is written of the stacks; the caller frees. */
static char *write_flame(struct flame_about *about, const char *base, const char *with,
			 enum format format)
{
	_cleanup_(graph_free_p) struct graph *graph = graph_new();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	add(graph, GRAPH_BASE, base, 0, about);
	if (with)
		add(graph, GRAPH_WITH, with, 0, about);
	cr_assert_eq(graph_finish(graph), 0);
	about->diff = with;
	cr_assert_eq(flame_begin(about->title, format, out), 0);
	cr_assert_eq(flame_write(graph, about, format, out), 0);
	cr_assert_eq(fclose(out), 0);
	cr_assert_eq(strlen(text), size);
	return text;
}

static struct json_object *read_data(struct flame_about *about, const char *base, const char *with)
{
	_cleanup_free_ char *text = write_flame(about, base, with, FORMAT_JSON);
	struct json_object *data = json_tokener_parse(text);

	cr_assert_not_null(data, "%s", text);
	return data;
}

static void expect_column(struct json_object *data, const char *name, const char *wanted)
{
	struct json_object *rows = tree_get_rows(tree_get_object(data, "nodes"), name);

	cr_assert_not_null(rows, "%s", name);
	cr_expect_str_eq(json_object_to_json_string_ext(rows, JSON_C_TO_STRING_PLAIN), wanted,
			 "%s: %s", name,
			 json_object_to_json_string_ext(rows, JSON_C_TO_STRING_PLAIN));
}

static struct json_object *get_function(struct json_object *data, size_t i)
{
	return json_object_array_get_idx(tree_get_rows(data, "functions"), i);
}

Test(client_flame, data_are_columns_in_preorder)
{
	struct flame_about about = {.title = "one"};
	_cleanup_tree_ struct json_object *data =
		read_data(&about, "main;b;c 4\nmain;a 2\nmain 1\n 3\n[cut];x 5\n[cut]() 1\n", NULL);
	struct json_object *side = json_object_array_get_idx(tree_get_rows(data, "sides"), 0);

	cr_expect_eq(tree_get_u64(data, "version"), 1);
	cr_expect_str_eq(tree_get_text(data, "title"), "one");
	cr_expect_not(tree_has(data, "filters"));
	cr_expect_eq(json_object_array_length(tree_get_rows(data, "sides")), 1);
	cr_expect_eq(tree_get_u64(side, "samples"), 16);
	cr_expect_eq(tree_get_u64(side, "hits"), 16);
	cr_expect_eq(tree_get_u64(side, "since_usec"), MADE_SINCE_USEC);
	cr_expect_eq(tree_get_u64(side, "interval_ns"), MADE_INTERVAL_NS);
	expect_column(data, "parent", "[null,0,1,0,0,4,4,6]");
	expect_column(data, "function", "[null,0,1,2,3,4,5,6]");
	expect_column(data, "self", "[3,0,5,1,1,2,0,4]");
	expect_column(data, "total", "[16,5,5,1,7,2,4,4]");
	cr_expect_not(tree_has(tree_get_object(data, "nodes"), "base_self"));
	cr_expect_eq(tree_get_u64(tree_get_object(data, "left_out"), "nodes"), 0);
	cr_expect_str_eq(tree_get_text(get_function(data, 0), "kind"), "mark");
	cr_expect_str_eq(tree_get_text(get_function(data, 2), "kind"), "native");
	cr_expect_str_eq(tree_get_text(get_function(data, 3), "name"), "main(app)");
}

Test(client_flame, kinds_have_names)
{
	struct flame_about about = {0};
	_cleanup_tree_ struct json_object *data =
		read_data(&about, "py:main:4 1\npy:main:4;k:read 1\n", NULL);

	cr_expect_not(tree_has(data, "title"));
	cr_expect_str_eq(tree_get_text(get_function(data, 0), "kind"), "python");
	cr_expect_eq(tree_get_u64(get_function(data, 0), "line"), 4);
	cr_expect_str_eq(tree_get_text(get_function(data, 1), "kind"), "kernel");
	cr_expect_not(tree_has(get_function(data, 1), "line"));
}

Test(client_flame, small_frames_are_left_out_and_counted)
{
	struct flame_about about = {.threshold = 1};
	_cleanup_tree_ struct json_object *data = read_data(
		&about, "main;big 981\nmain;edge 10\nmain;small;below 5\nmain;small 4\n", NULL);

	/* 10 of 1000 are 1 %, 9 are less. */
	expect_column(data, "total", "[1000,1000,981,10]");
	cr_expect_eq(tree_get_u64(tree_get_object(data, "left_out"), "nodes"), 2);
	cr_expect_eq(tree_get_double(tree_get_object(data, "left_out"), "threshold"), 1);
	cr_expect_eq(json_object_array_length(tree_get_rows(data, "functions")), 3);
}

Test(client_flame, two_sides)
{
	struct flame_about about = {.threshold = 10};
	_cleanup_tree_ struct json_object *data =
		read_data(&about, "main;a 50\nmain;gone 50\n", "main;a 995\nmain;new 5\n");

	cr_expect_eq(json_object_array_length(tree_get_rows(data, "sides")), 2);
	/* A node that is large on one side is shown with both. */
	expect_column(data, "base_total", "[100,100,50,50]");
	expect_column(data, "base_self", "[0,0,50,50]");
	expect_column(data, "total", "[1000,1000,995,0]");
	expect_column(data, "self", "[0,0,995,0]");
	cr_expect_eq(tree_get_u64(tree_get_object(data, "left_out"), "nodes"), 1);
}

Test(client_flame, nothing_is_a_graph_too)
{
	static const enum format formats[] = {FORMAT_JSON, FORMAT_FLAMEGRAPH, FORMAT_SVG};

	for (size_t i = 0; i < array_length(formats); i++) {
		struct flame_about about = {.threshold = 1};
		_cleanup_free_ char *text = write_flame(&about, "", NULL, formats[i]);

		cr_expect(*text);
	}
}

Test(client_flame, other_formats_are_not_its_own)
{
	_cleanup_(graph_free_p) struct graph *graph = graph_new();
	struct flame_about about = {0};

	cr_assert_eq(graph_finish(graph), 0);
	cr_expect_eq(flame_write(graph, &about, FORMAT_PPROF, stdout), -EINVAL);
}

/* All of a page that stands before the data is written without the graph. */
Test(client_flame, what_needs_no_graph_is_written_first)
{
	static const char last[] = "<script type=\"application/json\" id=\"data\">";
	struct flame_about about = {.title = "one"};
	_cleanup_free_ char *page = write_flame(&about, "main 1\n", NULL, FORMAT_FLAMEGRAPH);
	_cleanup_free_ char *head = NULL;
	size_t size, length = (size_t)(strstr(page, last) - page) + strlen(last);
	FILE *out = open_memstream(&head, &size);

	cr_expect_eq(flame_begin("one", FORMAT_SVG, out), 0);
	cr_expect_eq(flame_begin("one", FORMAT_JSON, out), 0);
	cr_expect_eq(ftell(out), 0);
	cr_expect_eq(flame_begin("one", FORMAT_FLAMEGRAPH, out), 0);
	fclose(out);
	cr_assert_eq(size, length);
	cr_expect_arr_eq(head, page, length);
}

Test(client_flame, errors_of_writing_stay_in_the_file)
{
	_cleanup_fclose_ FILE *full = fopen("/dev/full", "w");
	_cleanup_(graph_free_p) struct graph *graph = graph_new();
	struct flame_about about = {0};

	setvbuf(full, NULL, _IONBF, 0);
	cr_assert_eq(graph_finish(graph), 0);
	cr_expect_geq(flame_write(graph, &about, FORMAT_JSON, full), 0);
	cr_expect(ferror(full));
}

/* ---- hostile names ---- */

/* Returns a copy of the text between two others, which may be there only once; the caller frees. */
static char *between(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from), *end = at ? strstr(at + strlen(from), to) : NULL;

	cr_assert(at && end, "%s ... %s", from, to);
	at += strlen(from);
	return strndup(at, (size_t)(end - at));
}

Test(client_flame, no_name_ends_the_data_of_a_page)
{
	struct flame_about about = {.title = HOSTILE, .filters = HOSTILE, .note = "<!--"};
	_cleanup_free_ char *page = write_flame(
		&about, "main;" HOSTILE " 1\nmain;</script><!-- 1\n", NULL, FORMAT_FLAMEGRAPH);
	_cleanup_free_ char *data =
		between(page, "<script type=\"application/json\" id=\"data\">", "</script>");
	_cleanup_free_ char *title = between(page, "<title>", "</title>");
	_cleanup_tree_ struct json_object *tree = json_tokener_parse(data);

	cr_assert_not_null(tree);
	cr_expect_null(strpbrk(data, "<>&"));
	cr_expect_str_eq(title, "&#60;script&#62;alert(1)&#60;/script&#62;&#38;\"");
	cr_expect_str_eq(tree_get_text(tree, "title"), HOSTILE);
	cr_expect_str_eq(tree_get_text(get_function(tree, 1), "function"), "</script><!--");
	cr_expect_str_eq(tree_get_text(get_function(tree, 2), "function"), HOSTILE);
}

Test(client_flame, a_page_allows_its_own_scripts_alone)
{
	static const char *const scripts[] = {"flame_layout.js", "flame_paint.js",
					      "flame_words.js",  "flame_keys.js",
					      "flamegraph.js",   "flamegraph_page.js"};
	struct flame_about about = {0};
	_cleanup_free_ char *page = write_flame(&about, "main 1\n", NULL, FORMAT_FLAMEGRAPH);
	_cleanup_free_ char *policy = between(page, "Content-Security-Policy\" content=\"", "\">");

	cr_expect_eq(strncmp(policy, "default-src 'none'; script-src 'sha256-", 39), 0, "%s",
		     policy);
	cr_expect_null(strstr(policy, "unsafe"));
	for (size_t i = 0; i < array_length(scripts); i++) {
		const char *data;
		size_t size;

		cr_expect(strstr(policy, page_hash(scripts[i])), "%s", scripts[i]);
		cr_assert_eq(page_find(scripts[i], &data, &size), 0);
		cr_expect_eq(strlen(data), size);
		/* The data may not end their own element either. */
		cr_expect_null(strstr(data, "</script"));
		cr_expect_null(strstr(data, "<!--"));
		cr_expect_null(strstr(data, "innerHTML"));
		cr_expect(strstr(page, data));
	}
}

Test(client_flame, there_are_no_other_pages)
{
	const char *data;
	size_t size;

	cr_expect_eq(page_find("../page.h", &data, &size), -ENOENT);
	cr_expect_null(page_hash("flamegraph"));
}

Test(client_flame, a_picture_is_well_formed)
{
	struct flame_about about = {.title = HOSTILE, .filters = "\xff\x01", .note = "a & b"};
	_cleanup_free_ char *picture = write_flame(
		&about, "main;" HOSTILE " 5\nmain;\xef\xbf\xbf\x07'] 5\n", NULL, FORMAT_SVG);

	cr_expect_eq(strncmp(picture, "<?xml", 5), 0);
	cr_expect_null(strstr(picture, "<script"));
	cr_expect(strstr(picture,
			 "&#60;script&#62;alert(1)&#60;/script&#62;&#38;&#34;(app)\n5 hits"));
	cr_expect(strstr(picture, "\xef\xbf\xbd\xef\xbf\xbd&#39;]"));
	cr_expect(strstr(picture, "a &#38; b"));
	cr_expect_null(strstr(picture, "\xef\xbf\xbf"));
}

/* Returns the width in pixels of the box whose hover text begins like this. */
static double box_width(const char *picture, const char *name)
{
	_cleanup_free_ char *title = NULL;
	const char *at;
	double width;

	cr_assert_geq(asprintf(&title, "<title>%s\n", name), 0);
	at = strstr(picture, title);
	at = at ? strstr(at, " width=\"") : NULL;
	cr_assert(at && sscanf(at, " width=\"%lf\"", &width) == 1, "%s", name);
	return width;
}

Test(client_flame, a_picture_has_the_right_widths)
{
	struct flame_about about = {.threshold = 0.01};
	_cleanup_free_ char *picture =
		write_flame(&about, "main;a 75\nmain;b 20\n 5\n", NULL, FORMAT_SVG);

	cr_expect_float_eq(box_width(picture, "all"), 1180, 0.01);
	cr_expect_float_eq(box_width(picture, "main(app)"), 0.95 * 1180, 0.01);
	cr_expect_float_eq(box_width(picture, "a(app)"), 0.75 * 1180, 0.01);
	cr_expect_float_eq(box_width(picture, "b(app)"), 0.2 * 1180, 0.01);
}

Test(client_flame, a_picture_of_a_difference_has_classes)
{
	static const char *const classes[][2] = {{"steady", "same"},
						 {"slower", "more2"},
						 {"new", "more3"},
						 {"less", "less1"},
						 {"rare", "same"}};
	struct flame_about about = {.threshold = 0};
	_cleanup_free_ char *picture =
		write_flame(&about, "steady 300\nslower 150\nless 2000\nrare 4\ngone 9\n",
			    "steady 300\nslower 290\nless 1700\nrare 5\nnew 100\n", FORMAT_SVG);

	for (size_t i = 0; i < array_length(classes); i++) {
		_cleanup_free_ char *title = NULL, *class = NULL;

		cr_assert_geq(asprintf(&title, "<title>%s(app)\n", classes[i][0]), 0);
		class = between(strstr(picture, title), "class=\"", "\"");
		cr_expect_str_eq(class, classes[i][1], "%s: %s", classes[i][0], class);
	}
	cr_expect(strstr(picture, "1 too narrow"));
	/* The picture says that its colours are no verdict. */
	cr_expect(strstr(picture, "no test of chance"));
	cr_expect_null(strstr(picture, "can be chance"));
}

/* A hit stands for the interval of its session, not for that of now: four times the hits at a
 * quarter of it are the same time. */
Test(client_flame, sides_of_different_intervals)
{
	_cleanup_(graph_free_p) struct graph *graph = graph_new();
	_cleanup_free_ char *picture = NULL, *class = NULL;
	struct flame_about about = {.diff = true};
	size_t size;
	FILE *out = open_memstream(&picture, &size);

	add(graph, GRAPH_BASE, "main 300\n", 0, &about);
	add(graph, GRAPH_WITH, "main 1200\n", MADE_INTERVAL_NS / 4, &about);
	cr_expect_eq(about.sides[GRAPH_WITH].interval_ns, MADE_INTERVAL_NS / 4);
	cr_assert_eq(graph_finish(graph), 0);
	cr_assert_eq(flame_write(graph, &about, FORMAT_SVG, out), 0);
	fclose(out);
	class = between(strstr(picture, "<title>main(app)"), "class=\"", "\"");
	cr_expect_str_eq(class, "same");
}
