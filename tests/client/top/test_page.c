/* SPDX-License-Identifier: MIT */
/* The page of top on terminals of every size, with names that are hostile to a terminal. */
#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "client/base/text.h"
#include "client/top/page.h"

#define WIDE      "\xe6\xbc\xa2"
#define COMBINING "\xcc\x81"
#define DOTS      "\xe2\x80\xa6"

static void use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

TestSuite(client_top_page, .init = use_utf8);
TestSuite(client_top_view);
TestSuite(client_top_line, .init = use_utf8);

#define _cleanup_page_ _cleanup_(top_page_done)

static struct top_name names[] = {
	{.name = (char *)"work(app)",
	 .file = (char *)"/srv/app.py",
	 .kind = (char *)"python",
	 .line = 12},
	{.name = (char *)"std::vector<int, std::allocator<int> >::push_back(int&&)(libfoo.so)",
	 .file = (char *)"",
	 .kind = (char *)"native"},
	{.name = (char *)"a\033[2J\nb" WIDE COMBINING WIDE WIDE WIDE WIDE WIDE WIDE WIDE "(x)",
	 .file = (char *)"",
	 .kind = (char *)"kernel"},
	{.name = (char *)"worker",
	 .file = (char *)"",
	 .kind = (char *)"",
	 .pid = 4711,
	 .tid = 4712},
};

static struct top_row rows[] = {{&names[0], 0, 50, 75},
				{&names[1], 1, 30, 30},
				{&names[2], 2, 20, 20},
				{&names[3], 3, 0, 9}};

static const char *const status_text =
	"{\"state\":\"running\",\"interval_ns\":10000000,\"achieved_mean_ns\":10012345.5,"
	"\"achieved_sd_ns\":2000.0,\"sample_cost_ns\":850.25,\"running_usec\":62000000,"
	"\"targets\":[{\"target\":\"pid:42\",\"state\":\"running\"},"
	"{\"target\":\"comm:a\\nb\",\"state\":\"waiting\"}]}";

struct world {
	struct top_sum sum;
	struct top_picture picture;
	struct top_view view;
};

static struct world make_world(void)
{
	struct world world = {
		.sum = {5, 100, json_tokener_parse("{\"late\":7,\"no-table\":3}"),
			json_tokener_parse("{\"root\":97,\"no-table\":3}"), rows,
			array_length(rows)},
		.picture = {.status = json_tokener_parse(status_text),
			    .daemon_share = 0.012,
			    .by = "function",
			    .problem = ""},
		.view = {.span_s = 5, .selected = TOP_NO_ITEM},
	};

	return world;
}

static void world_done(struct world *world)
{
	json_object_put(world->sum.lost);
	json_object_put(world->sum.stacks);
	json_object_put(world->picture.status);
	free(world->view.message);
}

#define _cleanup_world_ _cleanup_(world_done)

static struct top_page make_page(struct world *world, size_t n_rows, size_t columns)
{
	struct top_page page;

	world->picture.sum = &world->sum;
	cr_assert_eq(top_page_make(&world->picture, &world->view, n_rows, columns, &page), 0);
	cr_assert_eq(page.rows, n_rows);
	return page;
}

static void expect_line(const struct top_page *page, size_t line, const char *wanted)
{
	cr_expect_str_eq(page->lines[line].text ?: "", wanted, "line %zu: \"%s\", not \"%s\"", line,
			 page->lines[line].text ?: "", wanted);
}

Test(client_top_page, a_usual_terminal)
{
	_cleanup_world_ struct world world = make_world();
	_cleanup_page_ struct top_page page = make_page(&world, 24, 80);

	expect_line(&page, 0, "running for 1min 2s | last 5 s | by function | sort self");
	expect_line(&page, 1, "Samples  100 in 5.0 s, 20.0/s");
	expect_line(&page, 2, "Lost     7 late; incomplete: 3 no-table");
	expect_line(&page, 3, "Interval 10ms wanted (100 Hz), 10.01ms \xc2\xb1 2us achieved");
	expect_line(&page, 4,
		    "Targets  pid:42 running, comm:a\xef\xbf\xbd"
		    "b waiting");
	expect_line(&page, 5,
		    "Stacks   97.0 % of the stacks are whole; 3.0 % end early: no-table 3");
	expect_line(&page, 6, "Daemon   1.2 % of a CPU, kernel 850ns per sample");
	expect_line(&page, 7, "   SELF  SELF%   TOTAL TOTAL% KIND   NAME");
	expect_line(&page, 8, "     50  50.00      75  75.00 python work(app)");
	expect_line(&page, 9,
		    "     30  30.00      30  30.00 native std::vector<int, std:" DOTS
		    "ack(int&&)(libfoo.so)");
	expect_line(&page, 22, "work(app)  /srv/app.py:12");
	cr_expect_eq(page.lines[0].style, TOP_STYLE_GOOD);
	cr_expect_eq(page.lines[8].style, TOP_STYLE_SELECTED);
	cr_expect_eq(page.lines[10].style, TOP_STYLE_KERNEL);
	cr_expect_lt(page.cursor, 0);
}

/* Nothing is wider than the table may be, nothing has a control character, nothing breaks. */
Test(client_top_page, every_size)
{
	static const char *const by[] = {"function", "process", "thread"};
	_cleanup_world_ struct world world = make_world();

	for (size_t i = 0; i < array_length(by) * 3; i++) {
		world.picture.by = by[i % 3];
		world.view.mode = (enum top_mode)(i / 3);
		for (size_t n_rows = 0; n_rows < 30; n_rows++) {
			for (size_t columns = 1; columns < 100; columns++) {
				_cleanup_page_ struct top_page page =
					make_page(&world, n_rows, columns);

				for (size_t k = 0; k < n_rows; k++) {
					const char *text = page.lines[k].text;

					cr_assert(!text || !strpbrk(text, "\033\n"));
					if (page.lines[k].style == TOP_STYLE_PYTHON ||
					    page.lines[k].style == TOP_STYLE_KERNEL)
						cr_assert(columns < 10 ||
							  text_width(text) <= columns);
				}
			}
		}
	}
}

Test(client_top_page, a_tiny_terminal_says_what_was_lost)
{
	_cleanup_world_ struct world world = make_world();
	_cleanup_page_ struct top_page page = make_page(&world, 5, 20);

	expect_line(&page, 0, "running for 1min 2s | 7 lost | last 5 s | by function | sort self");
	expect_line(&page, 1, " SELF% NAME");
	expect_line(&page, 2, " 50.00 work(app)");
	expect_line(&page, 3, " 30.00 std::v" DOTS "oo.so)");
	expect_line(&page, 4, "q quit  h help");
}

Test(client_top_page, processes_and_threads_have_ids)
{
	_cleanup_world_ struct world world = make_world();
	_cleanup_page_ struct top_page page = {0};

	world.picture.by = "thread";
	world.sum.rows = &rows[3];
	world.sum.n = 1;
	page = make_page(&world, 24, 80);
	expect_line(&page, 7, "  TOTAL TOTAL%     PID     TID NAME");
	expect_line(&page, 8, "      9   9.00    4711    4712 worker");
}

Test(client_top_page, what_is_not_there_is_explained)
{
	static const struct {
		const char *status;
		const char *filter;
		uint64_t samples;
		const char *wanted;
	} cases[] = {
		{"{\"state\":\"paused\"}", NULL, 0,
		 "Nothing is sampled. Press u to resume the previous targets, or run: "
		 "oxprofctl unpause --pid=N"},
		{"{\"state\":\"running\"}", NULL, 0, "No samples in this span."},
		{"{\"state\":\"running\"}", "x", 0, "No samples in this span."},
		{"{\"state\":\"running\"}", "x", 5, "No name matches the filter."},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		_cleanup_world_ struct world world = make_world();
		_cleanup_page_ struct top_page page = {0};

		json_object_put(world.picture.status);
		world.picture.status = json_tokener_parse(cases[i].status);
		world.picture.filter = cases[i].filter;
		world.sum.samples = cases[i].samples;
		world.sum.n = 0;
		page = make_page(&world, 24, 100);
		expect_line(&page, 8, cases[i].wanted);
	}
}

Test(client_top_page, without_an_answer_it_says_why)
{
	_cleanup_world_ struct world world = make_world();
	_cleanup_page_ struct top_page page = {0};

	json_object_put(world.picture.status);
	world.picture.status = NULL;
	world.picture.problem = "top: cannot reach oxprofd on the system bus: it is not running; "
				"start it with: systemctl start oxprofd";
	page = make_page(&world, 24, 80);
	expect_line(&page, 0, "no answer | last 5 s | by function | sort self");
	cr_expect_eq(page.lines[0].style, TOP_STYLE_BAD);
	/* Both lines, since the end says what to do. */
	expect_line(
		&page, 22,
		"top: cannot reach oxprofd on the system bus: it is not running; start it with:");
	expect_line(&page, 23, "systemctl start oxprofd");
	/* The rows stay as they were counted. */
	expect_line(&page, 8, "     50  50.00      75  75.00 python work(app)");
}

Test(client_top_page, the_filter_is_typed_in_the_last_line)
{
	_cleanup_world_ struct world world = make_world();
	_cleanup_page_ struct top_page page = {0}, narrow = {0};

	world.view.mode = TOP_MODE_FILTER;
	top_line_set(&world.view.line, WIDE "abcdefghij");
	page = make_page(&world, 24, 80);
	expect_line(&page, 23, "Filter: " WIDE "abcdefghij");
	cr_expect_eq(page.cursor, 20);
	narrow = make_page(&world, 24, 14);
	expect_line(&narrow, 23, "Filter: fghij");
	cr_expect_eq(narrow.cursor, 13);
}

Test(client_top_view, the_selection_follows_its_row)
{
	struct top_row shown[20];
	struct top_sum sum = {.rows = shown, .n = array_length(shown)};
	struct top_view view = {.selected = TOP_NO_ITEM};
	struct top_row row;

	for (uint32_t i = 0; i < array_length(shown); i++)
		shown[i] = (struct top_row){.item = i};
	top_view_fit(&view, &sum, 5);
	cr_expect_eq(view.at, 0);
	top_view_move(&view, &sum, 7);
	top_view_fit(&view, &sum, 5);
	cr_expect_eq(view.selected, 7);
	cr_expect_eq(view.first, 3);
	/* The selected row comes to the front, */
	row = shown[7];
	shown[7] = shown[1];
	shown[1] = row;
	top_view_fit(&view, &sum, 5);
	cr_expect_eq(view.at, 1);
	cr_expect_eq(view.first, 1);
	/* then most rows go, and it goes, too. */
	sum.n = 1;
	top_view_fit(&view, &sum, 5);
	cr_expect_eq(view.at, 0);
	cr_expect_eq(view.first, 0);
	top_view_move(&view, &sum, -3);
	cr_expect_eq(view.selected, TOP_NO_ITEM);
	sum.n = 0;
	top_view_fit(&view, &sum, 0);
	top_view_move(&view, &sum, 10);
	top_view_move(&view, &sum, -10);
	cr_expect_eq(view.at, 0);
}

/* A selection at the top stays at the top, whichever item comes there. */
Test(client_top_view, the_first_row_is_not_held)
{
	struct top_row shown[] = {{.item = 4}, {.item = 5}};
	struct top_sum sum = {.rows = shown, .n = 2};
	struct top_view view = {.selected = TOP_NO_ITEM};

	top_view_move(&view, &sum, 1);
	cr_expect_eq(view.selected, 5);
	top_view_move(&view, &sum, -1);
	shown[0].item = 6;
	top_view_fit(&view, &sum, 5);
	cr_expect_eq(view.at, 0);
}

/* There are no rows between a key that restarts the count and the next count. */
Test(client_top_view, it_moves_in_rows_that_have_gone)
{
	struct top_row shown[] = {{.item = 4}, {.item = 5}, {.item = 6}};
	struct top_sum sum = {.rows = shown, .n = 3}, none = {0};
	struct top_view view = {.selected = TOP_NO_ITEM};

	top_view_move(&view, &sum, 2);
	cr_expect_eq(view.selected, 6);
	top_view_move(&view, &none, 1);
	top_view_move(&view, &none, -1);
	cr_expect_eq(view.selected, 6);
	sum.n = 2;
	top_view_move(&view, &sum, 1);
	cr_expect_eq(view.selected, 5);
}

Test(client_top_view, spans_and_orders_have_ends_and_none)
{
	static const unsigned int longer[] = {5, 15, 60, 0, 0}, shorter[] = {60, 15, 5, 1, 1};
	struct top_view view = {.span_s = 1};

	for (size_t i = 0; i < array_length(longer); i++) {
		top_view_widen(&view, true);
		cr_expect_eq(view.span_s, longer[i]);
	}
	for (size_t i = 0; i < array_length(shorter); i++) {
		top_view_widen(&view, false);
		cr_expect_eq(view.span_s, shorter[i]);
	}
	top_view_turn_sort(&view, -1);
	cr_expect_eq(view.sort, TOP_SORT_NAME);
	top_view_turn_sort(&view, 1);
	cr_expect_eq(view.sort, TOP_SORT_SELF);
}

static void expect_text(const struct top_line *line, const char *wanted)
{
	_cleanup_free_ char *text = top_line_get(line, 0);

	cr_expect_str_eq(text, wanted, "\"%s\", not \"%s\"", text, wanted);
}

Test(client_top_line, it_is_edited_by_characters)
{
	struct top_line line;

	top_line_set(&line, "a" WIDE "c\xff\033");
	expect_text(&line, "a" WIDE "c");
	cr_expect_eq(top_line_width(&line, 0), 4);
	top_line_move(&line, -1);
	top_line_insert(&line, L'b');
	expect_text(&line, "a" WIDE "bc");
	top_line_erase(&line, true);
	top_line_erase(&line, true);
	expect_text(&line, "ac");
	top_line_erase(&line, false);
	top_line_erase(&line, false);
	expect_text(&line, "a");
	top_line_move(&line, -TOP_LINE_MAX);
	top_line_erase(&line, true);
	top_line_insert(&line, L'\n');
	top_line_insert(&line, L'z');
	expect_text(&line, "za");
	top_line_move(&line, TOP_LINE_MAX);
	cr_expect_eq(line.at, 2);
	top_line_set(&line, NULL);
	expect_text(&line, "");
}

Test(client_top_line, it_has_an_end)
{
	struct top_line line = {0};

	for (size_t i = 0; i < TOP_LINE_MAX + 5; i++)
		top_line_insert(&line, L'x');
	cr_expect_eq(line.n, TOP_LINE_MAX);
	cr_expect_eq(line.text[TOP_LINE_MAX], L'\0');
}
