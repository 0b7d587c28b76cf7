/* SPDX-License-Identifier: MIT */
/* The verb tree, from the command line to what is printed. */
#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>

#include "client/base/json_tree.h"
#include "daemon/base/cleanup.h"
#include "tests/support/export_service.h"

static void use_ascii(void)
{
	setenv("LC_ALL", "C", 1);
	setenv("TZ", "UTC", 1);
}

TestSuite(client_tree_report, .init = use_ascii);

static const struct made_frame frames[] = {
	{"work", {.function = "work", .module = "app", .focus = true}},
	{.word = NULL},
};

#define STACKS                         \
	"main;py:<script>&\";work 6\n" \
	"main;work 3\n"                \
	"main 190\n"                   \
	" 1\n"

static char *report(const char *line, const struct made_export *export, char **ret_asked)
{
	return export_service_text(export, 1, line, ret_asked);
}

#define FOOTER "\n200 samples; 2025-11-24 16:00:00 to 2025-11-24 16:01:00 (1min); lost: 3 late\n"

Test(client_tree_report, as_text)
{
	static const struct made_export export = {
		.stacks = STACKS, .frames = frames, .restricted = true, .without_kernel = true};
	_cleanup_free_ char *asked = NULL;
	_cleanup_free_ char *text = report("tree --threshold=2 --session=3", &export, &asked);

	cr_expect_str_eq(asked, "session 3 dimensions stack\n");
	cr_expect_str_eq(text,
			 "TOTAL%   SELF%  HITS  NAME\n"
			 " 99.50   95.00   199  main(app)  + 1 more, 1.50 %\n"
			 "  3.00    0.00     6  <script>&\"(app.py)\n"
			 "  3.00    3.00     6  work(app)\n" FOOTER
			 "Only your own processes are counted; those of others need authorisation "
			 "(sudo).\n"
			 "Frames of the kernel are left out; they need authorisation (sudo).\n"
			 "1 branch with less than 2 % is left out, where it says \"more\"; "
			 "--threshold=0 shows "
			 "all.\n");
}

Test(client_tree_report, of_the_session_that_the_daemon_chose)
{
	static const struct made_export export = {.stacks = STACKS, .frames = frames, .session = 7};
	_cleanup_free_ char *asked = NULL, *asked_json = NULL;
	_cleanup_free_ char *text = report("tree", &export, &asked);
	_cleanup_free_ char *json = report("tree --json", &export, &asked_json);

	cr_expect_str_eq(asked, "dimensions stack\n");
	cr_expect_not_null(strstr(text, "\n200 samples; session 7, 2025-11-24 16:00:00 to now "
					"(1min); --session=all for everything; lost: 3 late\n"),
			   "%s", text);
	cr_expect_not_null(strstr(json, ",\"session\":7,"), "%s", json);
}

Test(client_tree_report, callers_and_callees)
{
	static const struct made_export export = {.stacks = STACKS, .frames = frames};
	_cleanup_free_ char *asked = NULL;
	_cleanup_free_ char *text = report("tree --focus=^work", &export, &asked);

	cr_expect_str_eq(asked, "focus ^work dimensions stack\n");
	cr_expect_str_eq(text, "Callers, upwards:\n"
			       "TOTAL%  HITS  NAME\n"
			       "  4.50     9  work(app)\n"
			       "  3.00     6  |-<script>&\"(app.py)\n"
			       "  3.00     6  | main(app)\n"
			       "  1.50     3  `-main(app)\n"
			       "\n"
			       "Callees:\n"
			       "TOTAL%   SELF%  HITS  NAME\n"
			       "  4.50    4.50     9  work(app)\n" FOOTER);
}

Test(client_tree_report, nothing_matches)
{
	static const struct made_export export = {.stacks = "main 1\n"};
	_cleanup_free_ char *asked = NULL;
	_cleanup_free_ char *text = report("tree --focus=nosuch", &export, &asked);

	cr_expect_not_null(
		strstr(text, "Callers, upwards:\nTOTAL%  HITS  NAME\n-- No entries --\n"));
	cr_expect_not_null(strstr(text, "-- No entries --\n\n1 sample; "));
}

Test(client_tree_report, as_json)
{
	static const struct made_export export = {.stacks = STACKS, .frames = frames};
	_cleanup_free_ char *asked = NULL;
	_cleanup_free_ char *text = report("tree --json --threshold=2", &export, &asked);
	_cleanup_tree_ struct json_object *tree = json_tokener_parse(text);
	struct json_object *section, *nodes, *node;

	cr_assert_not_null(tree, "%s", text);
	section = tree_get_object(tree, "tree");
	nodes = tree_get_rows(section, "nodes");
	cr_expect_eq(tree_get_u64(tree, "samples"), 200);
	cr_expect(strstr(text, "\"distinct\":null"), "%s", text);
	cr_expect_eq(tree_get_u64(section, "left_out"), 1);
	cr_expect_eq(tree_get_u64(section, "left_out_total"), 3);
	cr_expect_not(tree_has(tree, "callers") || tree_has(tree, "focus"));
	cr_assert_eq(json_object_array_length(nodes), 3);
	node = json_object_array_get_idx(nodes, 1);
	cr_expect_eq(tree_get_u64(node, "depth"), 1);
	cr_expect_str_eq(tree_get_text(node, "name"), "<script>&\"(app.py)");
	cr_expect_str_eq(tree_get_text(node, "kind"), "python");
	cr_expect_eq(tree_get_u64(node, "total"), 6);
	cr_expect_float_eq(tree_get_double(node, "total_share"), 0.03, 1e-9);
	cr_expect_eq(tree_get_u64(json_object_array_get_idx(nodes, 0), "left_out"), 1);
}
