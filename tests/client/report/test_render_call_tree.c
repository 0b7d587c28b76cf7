/* SPDX-License-Identifier: MIT */
/* The list of a call tree, and the text drawn from it. */
#include <criterion/criterion.h>
#include <locale.h>

#include "client/base/text.h"
#include "client/graph/call_tree.h"
#include "client/report/render_call_tree.h"
#include "daemon/base/cleanup.h"
#include "tests/support/made/export.h"

static void use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

TestSuite(client_call_tree, .init = use_utf8);

define_cleanup(struct graph *, graph_free);

static int on_hit(void *userdata, const struct profile *profile, const struct profile_hit *hit)
{
	return graph_add(userdata, GRAPH_BASE, profile, hit->node, hit->n);
}

static struct graph *make_graph(const struct made_export *export)
{
	struct graph *graph = graph_new();
	struct profile *profile;
	char *why = NULL;

	cr_assert_eq(profile_read(made_export_from(export), NULL, on_hit, graph, &profile, &why),
		     0);
	cr_assert_eq(graph_finish(graph), 0);
	profile_free(profile);
	return graph;
}

static char *draw(const struct graph *graph, double least, const struct call_tree_style *style,
		  const struct screen *screen)
{
	struct call_tree tree;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert_eq(call_tree_make(graph, least, &tree), 0);
	cr_expect_eq(render_call_tree(graph, &tree, style, screen, out), 0);
	call_tree_done(&tree);
	fclose(out);
	return text;
}

static char *draw_stacks(const char *stacks, uint64_t samples, double least, bool utf8)
{
	_cleanup_(graph_free_p) struct graph *graph =
		make_graph(&(struct made_export){.stacks = stacks});

	return draw(graph, least, &(struct call_tree_style){.samples = samples, .utf8 = utf8},
		    &(struct screen){0});
}

static const char stacks[] = "main;run;load;parse 40\n"
			     "main;run;load;read 20\n"
			     "main;run;load 10\n"
			     "main;run;store;write 25\n"
			     "main;run;store;write;flush 2\n"
			     "main;exit 1\n"
			     "main;log 1\n"
			     "thread;loop 1\n";

Test(client_call_tree, branches_are_drawn_and_chains_are_not_indented)
{
	_cleanup_free_ char *text = draw_stacks(stacks, 100, 0, true);

	cr_expect_str_eq(text, "TOTAL%   SELF%  HITS  NAME\n"
			       " 99.00    0.00    99  ├─main(app)\n"
			       " 97.00    0.00    97  │ ├─run(app)\n"
			       " 70.00   10.00    70  │ │ ├─load(app)\n"
			       " 40.00   40.00    40  │ │ │ ├─parse(app)\n"
			       " 20.00   20.00    20  │ │ │ └─read(app)\n"
			       " 27.00    0.00    27  │ │ └─store(app)\n"
			       " 27.00   25.00    27  │ │   write(app)\n"
			       "  2.00    2.00     2  │ │   flush(app)\n"
			       "  1.00    1.00     1  │ ├─exit(app)\n"
			       "  1.00    1.00     1  │ └─log(app)\n"
			       "  1.00    0.00     1  └─thread(app)\n"
			       "  1.00    1.00     1    loop(app)\n");
}

Test(client_call_tree, what_is_cut_is_said_where_it_is_cut)
{
	_cleanup_free_ char *text = draw_stacks(stacks, 100, 5, false);

	cr_expect_str_eq(text, "TOTAL%   SELF%  HITS  NAME\n"
			       " 99.00    0.00    99  main(app)  + 2 more, 2.00 %\n"
			       " 97.00    0.00    97  run(app)\n"
			       " 70.00   10.00    70  |-load(app)\n"
			       " 40.00   40.00    40  | |-parse(app)\n"
			       " 20.00   20.00    20  | `-read(app)\n"
			       " 27.00    0.00    27  `-store(app)\n"
			       " 27.00   25.00    27    write(app)  + 1 more, 2.00 %\n");
}

Test(client_call_tree, what_is_cut_is_counted)
{
	_cleanup_(graph_free_p) struct graph *graph =
		make_graph(&(struct made_export){.stacks = stacks});
	struct call_tree tree;

	cr_assert_eq(call_tree_make(graph, 5, &tree), 0);
	cr_expect_eq(tree.n_lines, 7);
	cr_expect_eq(tree.n_cut, 4);
	cr_expect_eq(tree.cut, 5);
	call_tree_done(&tree);
	/* A share that equals the threshold is shown. */
	cr_assert_eq(call_tree_make(graph, 27, &tree), 0);
	cr_expect_eq(tree.n_lines, 6);
	call_tree_done(&tree);
}

Test(client_call_tree, there_may_be_nothing)
{
	_cleanup_free_ char *text = draw_stacks("", 0, 0, true);
	_cleanup_free_ char *bare = draw_stacks(" 12\n", 12, 0, true);

	cr_expect_str_eq(text, "TOTAL%   SELF%  HITS  NAME\n-- No entries --\n");
	cr_expect_str_eq(bare, "TOTAL%   SELF%  HITS  NAME\n-- No entries --\n");
}

#define DEPTH 1000

/* Makes a stack of a thousand frames, each of which also calls another function. */
static char *make_deep(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (int side = 0; side < 2; side++) {
		for (int depth = 1; depth <= DEPTH; depth++) {
			if (side && depth != DEPTH)
				continue;
			for (int i = 0; i < depth; i++)
				fprintf(out, "f%d;", i % 50);
			fprintf(out, "%s 1\n", side ? "end" : "side");
		}
	}
	fclose(out);
	return text;
}

static void expect_narrow(const char *text, size_t columns)
{
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		_cleanup_free_ char *copy = strndup(line, strcspn(line, "\n"));

		cr_expect_leq(text_width(copy), columns, "%s", copy);
		cr_expect_not_null(line == text ? "" : strstr(copy, "(app)"), "%s", copy);
	}
}

Test(client_call_tree, deep_stacks_stay_readable)
{
	_cleanup_free_ char *deep = make_deep();
	_cleanup_(graph_free_p) struct graph *graph =
		make_graph(&(struct made_export){.stacks = deep});
	struct call_tree_style style = {.samples = 2000, .utf8 = true};
	_cleanup_free_ char *narrow = draw(graph, 0, &style, &(struct screen){.columns = 80});
	_cleanup_free_ char *tiny = draw(graph, 0, &style, &(struct screen){.columns = 45});

	expect_narrow(narrow, 80);
	expect_narrow(tiny, 45);
	cr_expect_not_null(strstr(narrow, "  … │ │ "));
}

Test(client_call_tree, long_names_are_cut_on_a_terminal_only)
{
	static const struct made_frame frames[] = {
		{"long",
		 {.function = "std::vector<std::string>::push_back_something_rather_long(int&&)",
		  .module = "libfoo.so.1"}},
		{.word = NULL},
	};
	_cleanup_(graph_free_p) struct graph *graph = make_graph(
		&(struct made_export){.stacks = "long;a 9\nlong;b 1\n", .frames = frames});
	struct call_tree_style style = {.samples = 10, .utf8 = true};
	_cleanup_free_ char *wide = draw(graph, 0, &style, &(struct screen){0});
	_cleanup_free_ char *cut =
		draw(graph, 2, &style,
		     &(struct screen){.terminal = true, .colour = true, .columns = 60});

	cr_expect_not_null(strstr(wide, "100.00    0.00    10  std::vector<std::string>::"
					"push_back_something_rather_long(int&&)(libfoo.so.1)\n"));
	cr_expect_str_eq(cut, "\033[1;4mTOTAL%   SELF%  HITS  NAME\033[0m\n"
			      "100.00    0.00    10  std::vect…foo.so.1)  + 1 more, 10.00 %\n"
			      " 90.00  \033[1;31m 90.00\033[0m     9  a(app)\n");
}

Test(client_call_tree, callers_and_callees)
{
	static const struct made_frame frames[] = {
		{"work", {.function = "work", .module = "app", .focus = true}},
		{.word = NULL},
	};
	_cleanup_(graph_free_p) struct graph *graph = make_graph(&(struct made_export){
		.stacks = "main;a;work;x 6\nmain;b;work;x 3\nmain;b;work 1\nmain;b 90\n",
		.frames = frames});
	_cleanup_(graph_free_p) struct graph *callers = NULL, *callees = NULL;
	_cleanup_free_ char *up = NULL, *down = NULL;

	cr_assert_eq(graph_new_callers(graph, &callers), 0);
	cr_assert_eq(graph_new_callees(graph, &callees), 0);
	up = draw(callers, 0, &(struct call_tree_style){.samples = 100, .callers = true},
		  &(struct screen){0});
	down = draw(callees, 0, &(struct call_tree_style){.samples = 100}, &(struct screen){0});
	cr_expect_str_eq(up, "TOTAL%  HITS  NAME\n"
			     " 10.00    10  work(app)\n"
			     "  6.00     6  |-a(app)\n"
			     "  6.00     6  | main(app)\n"
			     "  4.00     4  `-b(app)\n"
			     "  4.00     4    main(app)\n");
	cr_expect_str_eq(down, "TOTAL%   SELF%  HITS  NAME\n"
			       " 10.00    1.00    10  work(app)\n"
			       "  9.00    9.00     9  x(app)\n");
}
