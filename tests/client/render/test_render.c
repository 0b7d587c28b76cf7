/* SPDX-License-Identifier: MIT */
/* Cases beside those of tests/client/bus/test_bus.c: terminals, hostile names, missing fields. */
#include <criterion/criterion.h>
#include <locale.h>
#include <string.h>
#include <time.h>

#include "client/base/failure.h"
#include "client/base/grid.h"
#include "client/render/render.h"

#define DOTS "\xe2\x80\xa6"
#define BAD  "\xef\xbf\xbd" /* U+FFFD */

static void use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

TestSuite(client_render, .init = use_utf8);

define_cleanup(struct grid *, grid_free);

static const struct grid_column columns[] = {
	{"N", .right = true},
	{.title = "KIND"},
	{"NAME", .flexible = true},
};

static char *print_grid(const struct grid *grid, const struct screen *screen)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_expect_eq(grid_print(grid, screen, out), 0);
	fclose(out);
	return text;
}

static struct grid *make_grid(void)
{
	struct grid *grid = grid_new(columns, array_length(columns));

	grid_add_format(grid, "%d", 12345);
	grid_add(grid, "\xe6\xbc\xa2");
	grid_add(grid, "std::vector<int, std::allocator<int> >::push_back(int&&)");
	grid_add(grid, "1");
	grid_add(grid, "native");
	grid_add(grid, "a\033[2Jb\nc\xff");
	return grid;
}

Test(client_render, columns_are_aligned)
{
	_cleanup_(grid_free_p) struct grid *grid = make_grid();
	_cleanup_free_ char *text = print_grid(grid, &(struct screen){0});

	cr_expect_str_eq(text, "    N  KIND    NAME\n"
			       "12345  \xe6\xbc\xa2      "
			       "std::vector<int, std::allocator<int> >::push_back(int&&)\n"
			       "    1  native  a" BAD "[2Jb" BAD "c" BAD "\n");
}

Test(client_render, a_terminal_has_an_edge_and_colours)
{
	_cleanup_(grid_free_p) struct grid *grid = make_grid();
	_cleanup_free_ char *text =
		print_grid(grid, &(struct screen){.terminal = true, .colour = true, .columns = 40});

	cr_expect_str_eq(text, "\033[1;4m    N  KIND    NAME\033[0m\n"
			       "12345  \xe6\xbc\xa2      std::vector<" DOTS "_back(int&&)\n"
			       "    1  native  a" BAD "[2Jb" BAD "c" BAD "\n");
}

Test(client_render, a_narrow_terminal_still_shows_names)
{
	_cleanup_(grid_free_p) struct grid *grid = make_grid();
	_cleanup_free_ char *text = print_grid(grid, &(struct screen){.columns = 1});

	cr_expect_not_null(strstr(text, "  std::vec" DOTS "(int&&)\n"));
}

static char *render(const char *json, const char *by)
{
	_cleanup_tree_ struct json_object *answer = json_tokener_parse(json);
	struct request request = {.verb = VERB_QUERY, .by = by};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_assert_not_null(answer);
	cr_expect_eq(render_query(answer, &request, &(struct screen){0}, out), 0);
	fclose(out);
	return text;
}

#define RECORD                                                                            \
	"{\"samples\":1,\"distinct\":1,\"restricted\":true,\"records\":[{\"name\":\"x\"," \
	"\"kind\":null,\"pid\":42,\"tid\":43,\"self\":1,\"total\":1,\"self_share\":1,"    \
	"\"total_share\":1.0}]}"
#define FOOTER                           \
	"\n1 sample, 1 distinct stack\n" \
	"Only your own processes are counted; those of others need authorisation (sudo).\n"

Test(client_render, columns_follow_what_a_row_is)
{
	static const struct {
		const char *by;
		const char *wanted;
	} cases[] = {
		{NULL, "SELF   SELF%  TOTAL  TOTAL%  KIND  NAME\n"
		       "   1  100.00      1  100.00  -     x\n" FOOTER},
		{"line", "SELF   SELF%  TOTAL  TOTAL%  KIND  NAME\n"
			 "   1  100.00      1  100.00  -     x\n" FOOTER},
		{"stack", "TOTAL  TOTAL%  NAME\n    1  100.00  x\n" FOOTER},
		{"process", "TOTAL  TOTAL%  PID  NAME\n    1  100.00   42  x\n" FOOTER},
		{"thread", "TOTAL  TOTAL%  PID  TID  NAME\n    1  100.00   42   43  x\n" FOOTER},
		{"user", "TOTAL  TOTAL%  NAME\n    1  100.00  x\n" FOOTER},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		_cleanup_free_ char *text = render(RECORD, cases[i].by);

		cr_expect_str_eq(text, cases[i].wanted);
	}
}

Test(client_render, nothing_found_is_said)
{
	_cleanup_free_ char *text = render("{\"records\":[],\"samples\":0}", "user");

	cr_expect_str_eq(text, "TOTAL  TOTAL%  NAME\n-- No entries --\n\n"
			       "0 samples\n");
}

#define DAY "\"since\":1764000000000000,\"until\":1764000060000000"

Test(client_render, a_session_that_was_not_chosen_is_told)
{
	static const struct {
		const char *json;
		bool chosen;
		const char *wanted;
	} cases[] = {
		{"\"state\":\"running\",\"session\":7," DAY, false,
		 "; session 7, 2025-11-24 16:00:00 to now (1min); --session=all for everything\n"},
		{"\"state\":\"running\",\"session\":7," DAY, true,
		 "; session 7, 2025-11-24 16:00:00 to now (1min)\n"},
		{"\"state\":\"paused\",\"session\":7," DAY, false,
		 "; session 7, 2025-11-24 16:00:00 to 2025-11-24 16:01:00 (1min); --session=all "
		 "for "
		 "everything\n"},
		{"\"state\":\"running\",\"session\":7,\"since\":0", false,
		 "; session 7; --session=all for everything\n"},
		{"\"state\":\"running\",\"session\":null," DAY, false,
		 "; 2025-11-24 16:00:00 to 2025-11-24 16:01:00 (1min)\n"},
	};

	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < array_length(cases); i++) {
		struct request request = {.window.until_usec = UINT64_MAX};
		_cleanup_tree_ struct json_object *answer = NULL;
		_cleanup_free_ char *text = NULL, *wanted = NULL, *json = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		cr_assert_gt(asprintf(&json, "{\"samples\":12,%s}", cases[i].json), 0);
		cr_assert_gt(asprintf(&wanted, "\n12 samples%s", cases[i].wanted), 0);
		answer = json_tokener_parse(json);
		request.window.session = cases[i].chosen ? 7 : 0;
		cr_expect_eq(render_footer(answer, &request, out), 0);
		fclose(out);
		cr_expect_str_eq(text, wanted);
	}
}

static char *render_state(const char *json)
{
	_cleanup_tree_ struct json_object *status = json_tokener_parse(json);
	struct screen screen = {.terminal = true, .colour = true, .columns = 80};
	struct request request = {.verb = VERB_STATUS};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_expect_eq(render_status(status, &request, &screen, out), 0);
	fclose(out);
	return text;
}

Test(client_render, a_daemon_that_is_paused_and_not_well)
{
	_cleanup_free_ char *text = NULL;

	setenv("TZ", "UTC", 1);
	text = render_state(
		"{\"state\":\"paused\",\"version\":\"0.1.0\",\"mode\":\"cpu\",\"interval_ns\":"
		"1000000,\"samples\":0,\"lost\":{\"a\\u001bb\":0},\"notice\":\"disk\\nfull\","
		"\"targets\":[],\"database_path\":\"/x\",\"database_bytes\":0,\"running_usec\":5,"
		"\"database_max_bytes\":1073741824,\"history_since\":1764000060000000}");

	cr_expect_str_eq(text, "\xe2\x97\x8f oxprofd 0.1.0\n"
			       "   Notice: \033[1;31mdisk" BAD "full\033[0m\n"
			       "    State: paused\n"
			       "  Targets: none\n"
			       "     Mode: cpu\n"
			       " Interval: 1ms wanted (1000 Hz)\n"
			       "  Samples: 0\n"
			       "     Lost: none\n"
			       "     Cost: daemon 0.000s CPU\n"
			       " Database: /x (0B of at most 1.0G, since 2025-11-24 16:01:00)\n");
}

/* One session is what the other lines are about; several are told apart. */
Test(client_render, sessions_are_listed_where_there_are_several)
{
	_cleanup_free_ char *one = render_state(
		"{\"state\":\"running\",\"session\":7,\"sessions\":[{\"session\":7}],\"targets\":[{"
		"\"target\":\"pid:1\",\"state\":\"running\",\"session\":7}]}");
	_cleanup_free_ char *two = render_state(
		"{\"state\":\"running\",\"session\":8,\"sessions\":[{\"session\":7,"
		"\"state\":\"running\",\"owner\":4000000000,\"interval_ns\":1000000,\"samples\":12,"
		"\"running_usec\":62000000,\"lost\":{\"late\":2,\"cut\":1,\"child\":1}},"
		"{\"state\":\"paused\",\"interval_ns\":10101010,\"samples\":0}],"
		"\"other_sessions\":2,\"targets\":[{\"target\":\"pid:1\",\"state\":\"running\","
		"\"session\":7}]}");

	cr_expect_null(strstr(one, "Sessions"), "%s", one);
	cr_expect_not_null(strstr(one, "  Targets: pid:1 - running\n"), "%s", one);
	cr_expect_not_null(strstr(two,
				  " Sessions: 7 - running for 1min 2s, by 4000000000, 1ms, "
				  "12 samples, 4 lost\n"
				  "           paused, 10.1ms, 0 samples\n"
				  "   Others: 2 sessions of other users run; --all-users shows "
				  "them\n"
				  "  Targets: pid:1 - running, session 7\n"),
			   "%s", two);
}

Test(client_render, the_kernel_side_says_what_it_waits_for)
{
	_cleanup_free_ char *loading =
		render_state("{\"targets\":[],\"kernel\":\"loading\",\"loading_usec\":12000000}");
	_cleanup_free_ char *loaded = render_state("{\"targets\":[],\"kernel\":\"loaded\"}");
	_cleanup_free_ char *other = render_state("{\"targets\":[],\"kernel\":\"new word\"}");

	cr_expect_not_null(strstr(loading, "   Kernel: loading: the kernel verifies the BPF "
					   "programs, for 12s\n"),
			   "%s", loading);
	cr_expect_not_null(strstr(loaded, "   Kernel: BPF programs loaded\n"), "%s", loaded);
	cr_expect_null(strstr(other, "Kernel"), "%s", other);
}

/* Returns n rows of one name and state; the caller frees them. */
static char *make_rows(unsigned n, unsigned pid, const char *name, const char *state,
		       const char *note)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (unsigned i = 0; i < n; i++)
		fprintf(out,
			"%s{\"pid\":%u,\"comm\":\"app\",\"name\":\"%s\",\"state\":\"%s\","
			"\"note\":%s}",
			i ? "," : "", pid + i, name, state, note);
	fclose(out);
	return text;
}

Test(client_render, interpreters_are_counted_and_those_that_are_not_read_named)
{
	_cleanup_free_ char *old = make_rows(2, 100, "CPython 3.9.18", "read", "null");
	_cleanup_free_ char *new = make_rows(10, 200, "CPython 3.11.2", "read", "null");
	_cleanup_free_ char *other = make_rows(11, 300, "PyPy 7.3.11", "pypy", "\"not\\nread\"");
	_cleanup_free_ char *some = NULL, *many = NULL, *none = NULL, *unread = NULL;
	char json[4096];

	snprintf(json, sizeof(json), "{\"targets\":[],\"interpreters\":[%s,%s]}", old, new);
	some = render_state(json);
	cr_expect_not_null(strstr(some, "   Python: 12 processes (CPython 3.11.2: 10, "
					"CPython 3.9.18: 2)\n     Cost:"),
			   "%s", some);
	snprintf(json, sizeof(json),
		 "{\"targets\":[],\"interpreters\":[%s,%s],\"interpreters_total\":20}", other, old);
	many = render_state(json);
	cr_expect_not_null(strstr(many, "   Python: 2 processes (CPython 3.9.18: 2)\n"
					"           pid 300 (app): PyPy 7.3.11: not" BAD "read\n"));
	cr_expect_not_null(strstr(many, "           pid 309 (app): PyPy 7.3.11: not" BAD "read\n"
					"           and 8 more\n     Cost:"),
			   "%s", many);
	none = render_state("{\"targets\":[],\"interpreters\":[],\"interpreters_total\":0}");
	cr_expect_null(strstr(none, "Python"));
	unread = render_state(
		"{\"targets\":[],\"interpreters\":[{\"pid\":7,\"state\":\"x\\u001b\"}]}");
	cr_expect_not_null(strstr(unread, "   Python: pid 7 (): : x" BAD "\n     Cost:"), "%s",
			   unread);
}

Test(client_render, losses_are_clean_wherever_they_stand)
{
	_cleanup_free_ char *text =
		render("{\"records\":[],\"lost\":{\"a\\u001bb\":1,\"c\":0,\"d\":2}}", NULL);
	_cleanup_free_ char *state =
		render_state("{\"targets\":[],\"lost\":{\"a\\u001bb\":1,\"c\":0,\"d\":2}}");

	cr_expect_not_null(strstr(text, "; lost: 1 a" BAD "b, 2 d\n"));
	cr_expect_not_null(strstr(state, "     Lost: 1 a" BAD "b\n           2 d\n"));
}

/* There is no line where all stacks are whole, and no 100 % where one is not. */
Test(client_render, stacks_that_are_not_whole_are_told)
{
	static const struct {
		const char *stacks;
		const char *wanted;
	} cases[] = {
		{"null", ""},
		{"{}", ""},
		{"{\"root\":0,\"cut\":0}", ""},
		{"{\"root\":1000,\"cut\":0}", ""},
		{"{\"root\":999999,\"cut\":1}",
		 "99.9 % of the stacks are whole; 0.1 % end early: cut 1"},
		{"{\"root\":1946,\"no-table\":51,\"broken\":3}",
		 "97.3 % of the stacks are whole; 2.7 % end early: no-table 51, broken 3"},
		{"{\"root\":0,\"unreadable\":3}",
		 "0.0 % of the stacks are whole; 100.0 % end early: unreadable 3"},
		{"{\"no-rule\":3}", "0.0 % of the stacks are whole; 100.0 % end early: no-rule 3"},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		_cleanup_tree_ struct json_object *stacks = json_tokener_parse(cases[i].stacks);
		_cleanup_free_ char *text = render_stacks(stacks);

		cr_expect_str_eq(text, cases[i].wanted);
	}
}

Test(client_render, ends_are_clean_wherever_they_stand)
{
	_cleanup_free_ char *text =
		render("{\"records\":[],\"stacks\":{\"root\":1,\"a\\u001bb\":1}}", NULL);
	_cleanup_free_ char *state =
		render_state("{\"targets\":[],\"stacks\":{\"root\":1,\"a\\u001bb\":1}}");

	cr_expect_not_null(
		strstr(text, "\n50.0 % of the stacks are whole; 50.0 % end early: a" BAD "b 1\n"));
	cr_expect_not_null(strstr(state, "   Stacks: 50.0 % of the stacks are whole; 50.0 % end "
					 "early: a" BAD "b 1\n"));
}

Test(client_render, all_names_are_given)
{
	_cleanup_tree_ struct json_object *answer = json_tokener_parse(
		"{\"named\":1,\"unnamed\":0,\"files\":[{\"file\":\"/a\",\"named\":1}]}");
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_expect_eq(render_resymbolize(answer, &(struct screen){0}, out), 0);
	fclose(out);
	cr_expect_str_eq(text, "Named 1 of 1 address in 1 file.\n");
}

Test(client_render, a_history_without_sessions)
{
	_cleanup_tree_ struct json_object *history = json_tokener_parse("{\"sessions\":[]}");
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	cr_expect_eq(render_history(history, &(struct request){0}, &(struct screen){0}, out), 0);
	fclose(out);
	cr_expect_str_eq(text, "ID  STARTED  DURATION  MODE  INTERVAL  SAMPLES  LOST  TARGETS\n"
			       "-- No entries --\n");
}

Test(client_render, a_failure_is_one_clean_line)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	failure_print("unpause: evil\n\033[31mname", out);
	failure_print(NULL, out);
	fclose(out);
	cr_expect_str_eq(text, "oxprofctl: unpause: evil" BAD BAD "[31mname\n"
			       "oxprofctl: out of memory\n");
}

Test(client_render, a_pager_is_for_what_does_not_fit)
{
	struct screen screen = {.terminal = true, .rows = 3};

	cr_expect_not(screen_needs_pager(&screen, "1\n2\n", 4));
	cr_expect(screen_needs_pager(&screen, "1\n2\n3\n", 6));
	cr_expect_not(screen_needs_pager(&(struct screen){.rows = 1}, "1\n2\n3\n", 6));
	cr_expect_not(screen_needs_pager(&screen, "", 0));
}
