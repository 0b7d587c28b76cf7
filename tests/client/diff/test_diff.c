/* SPDX-License-Identifier: MIT */
/* From two exports to the table: tally.c, diff.c, render_diff.c. */
#include <criterion/criterion.h>
#include <locale.h>

#include "client/base/json_tree.h"
#include "client/diff/render.h"
#include "daemon/base/cleanup.h"
#include "tests/support/made/export.h"

static void use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
	setenv("TZ", "UTC", 1);
}

TestSuite(client_diff, .init = use_utf8);

struct made_diff {
	struct graph_names *names;
	struct profile *profiles[2];
	struct tally *tallies[2];
	struct diff *diff;
	struct profile_summary summaries[2]; /* may be changed before compare() */
};

static void diff_done(struct made_diff *made)
{
	for (int side = 0; side < 2; side++) {
		tally_free(made->tallies[side]);
		profile_free(made->profiles[side]);
	}
	diff_free(made->diff);
	graph_names_unref(made->names);
}

#define _cleanup_made_ _cleanup_(diff_done)

static void read_side(struct made_diff *made, int side, const struct made_export *export)
{
	char *why = NULL;

	made->names = made->names ?: graph_names_new();
	made->tallies[side] = tally_new(made->names);
	cr_assert_eq(profile_read(made_export_from(export), NULL, tally_add, made->tallies[side],
				  &made->profiles[side], &why),
		     0);
	cr_assert_eq(tally_finish(made->tallies[side], made->profiles[side], 10000000), 0);
	made->summaries[side] = *profile_summary(made->profiles[side]);
}

static void compare(struct made_diff *made, bool focus_only)
{
	struct diff_input inputs[2];

	for (int side = 0; side < 2; side++)
		inputs[side] = (struct diff_input){&made->summaries[side], made->tallies[side]};
	cr_assert_eq(diff_new(inputs, made->names, focus_only, &made->diff), 0);
}

static const struct profile_slot slots[] = {
	{.start_usec = MADE_SINCE_USEC, .usec = 10000000},
	{.start_usec = MADE_SINCE_USEC + 10000000, .usec = 10000000},
	{.start_usec = MADE_SINCE_USEC + 20000000, .usec = 10000000},
	{.start_usec = MADE_SINCE_USEC + 30000000, .usec = 10000000},
	{.start_usec = MADE_SINCE_USEC + 40000000, .usec = 10000000},
	{.start_usec = MADE_SINCE_USEC + 50000000, .usec = 10000000},
};

/* Makes a side of six slots of 10 s at 100 Hz: in each so many hits of work, the rest of 800 in
 * rest, and 5 in rare. */
static struct made_export make_side(unsigned hits, char *text, size_t size)
{
	size_t used = 0;

	for (unsigned slot = 1; slot <= 6; slot++)
		used += (size_t)snprintf(text + used, size - used,
					 "main;work %u/0/%u\nmain;rest %u/0/%u\n",
					 hits + slot % 3 - 1, slot, 800 - hits - slot % 2, slot);
	snprintf(text + used, size - used, "main;py:rare 5/0/1\n");
	return (struct made_export){.stacks = text, .slots = slots, .n_slots = 6};
}

static struct made_diff make_diff(unsigned base, unsigned with)
{
	struct made_diff made = {0};
	char text[2][2048];
	struct made_export exports[2] = {make_side(base, text[0], sizeof(text[0])),
					 make_side(with, text[1], sizeof(text[1]))};

	read_side(&made, 0, &exports[0]);
	read_side(&made, 1, &exports[1]);
	/* An hour later. */
	made.summaries[1].since_usec += UINT64_C(3600000000);
	made.summaries[1].until_usec += UINT64_C(3600000000);
	return made;
}

static struct diff_page make_page(const struct made_diff *made)
{
	return (struct diff_page){.diff = made->diff,
				  .summaries = {&made->summaries[0], &made->summaries[1]}};
}

static char *print(const struct diff_page *page, bool as_json)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (as_json)
		render_diff_json(page, out);
	else
		cr_expect_eq(render_diff(page, &(struct screen){0}, out), 0);
	fclose(out);
	return text;
}

Test(client_diff, what_changed_comes_first)
{
	_cleanup_made_ struct made_diff made = make_diff(100, 150);
	_cleanup_free_ char *text = NULL;
	struct diff_page page;

	compare(&made, false);
	page = make_page(&made);
	text = print(&page, false);
	cr_expect_str_eq(
		text,
		" BASE   WITH  CHANGE  CHANGE%   SELF       P  VERDICT  KIND    NAME\n"
		"10.00  15.00   +5.00      +50  +5.00  <.0001  more     native  work(app)\n"
		"69.95  64.95   -5.00       -7  -5.00  0.0158  less     native  rest(app)\n"
		"80.03  80.03    0.00       +0   0.00  1.0000  chance   native  main(app)\n"
		" 0.08   0.08    0.00       +0   0.00  1.0000  chance   python  rare(app.py)\n"
		"\n"
		"BASE, WITH, CHANGE: CPU time per second of observed time, of TOTAL, in % of a "
		"CPU; SELF: change of the self time.\n"
		"base: 4802 samples in 1min, 80.03 % of a CPU; 2025-11-24 16:00:00 to 2025-11-24 "
		"16:01:00 (1min); lost: 3 late\n"
		"with: 4802 samples in 1min, 80.03 % of a CPU; 2025-11-24 17:00:00 to 2025-11-24 "
		"17:01:00 (1min); lost: 3 late\n"
		"2 of 4 tested functions differ. Functions with 10 hits or more are tested, by "
		"their TOTAL: P is the larger one of the exact binomial test and of the t test "
		"with the variation between 12 slots of about 10s, adjusted (Holm); level 5 %.\n");
}

Test(client_diff, the_same_load_does_not_differ)
{
	_cleanup_made_ struct made_diff made = make_diff(100, 101);

	compare(&made, false);
	cr_expect_eq(diff_about(made.diff)->compare.n_differ, 0);
	cr_expect_eq(diff_about(made.diff)->compare.n_slots, 12);
}

/* All keys of oxprofctl(1) are there, null where the value is unknown. */
Test(client_diff, json_has_everything)
{
	_cleanup_made_ struct made_diff made = make_diff(100, 150);
	_cleanup_tree_ struct json_object *tree = NULL;
	_cleanup_free_ char *text = NULL;
	struct json_object *record, *test;
	struct diff_page page;

	compare(&made, false);
	page = make_page(&made);
	page.max = 1;
	text = print(&page, true);
	tree = json_tokener_parse(text);
	cr_assert_not_null(tree, "%s", text);
	test = tree_get_object(tree, "test");
	cr_expect_eq(tree_get_u64(test, "tested"), 4);
	cr_expect_eq(tree_get_u64(test, "differ"), 2);
	cr_expect_eq(tree_get_u64(test, "slots"), 12);
	cr_expect_eq(tree_get_u64(tree_get_object(tree, "base"), "samples"), 4802);
	cr_expect_float_eq(tree_get_double(tree_get_object(tree, "with"), "rate"), 0.8003, 1e-4);
	cr_expect_eq(json_object_array_length(tree_get_rows(tree, "records")), 1);
	record = json_object_array_get_idx(tree_get_rows(tree, "records"), 0);
	cr_expect_str_eq(tree_get_text(record, "name"), "work(app)");
	cr_expect_str_eq(tree_get_text(record, "verdict"), "more");
	cr_expect_eq(tree_get_u64(record, "base_total"), 600);
	cr_expect_eq(tree_get_u64(record, "with_self"), 900);
	cr_expect_float_eq(tree_get_double(record, "base_total_rate"), 0.1, 1e-9);
	cr_expect_float_eq(tree_get_double(record, "change"), 0.05, 1e-9);
	cr_expect_float_eq(tree_get_double(record, "relative_change"), 0.5, 1e-9);
	cr_expect_not(tree_has(record, "line"));
}

Test(client_diff, functions_come_and_go)
{
	_cleanup_made_ struct made_diff made = {0};
	_cleanup_free_ char *text = NULL;
	struct diff_page page;

	read_side(&made, 0, &(struct made_export){.stacks = "main;old 40\nmain;main;old 20\n"});
	read_side(&made, 1, &(struct made_export){.stacks = "main;new 60\nmain 9\n"});
	compare(&made, false);
	page = make_page(&made);
	text = print(&page, false);
	/* A window without slots counts as one slot, and then there is no verdict. Recursion counts
	 * once. */
	cr_expect_not_null(strstr(text,
				  "0.00  1.00   +1.00      new  +1.00  <.0001  ?        native  "
				  "new(app)\n"),
			   "%s", text);
	cr_expect_not_null(strstr(text,
				  "1.00  0.00   -1.00     gone  -1.00  <.0001  ?        native  "
				  "old(app)\n"));
	cr_expect_not_null(strstr(text, "1.00  1.15   +0.15      +15  +0.15  "), "%s", text);
	cr_expect_not_null(strstr(text, "\nNo verdict: each window needs 3 slots"));
	cr_expect_not_null(strstr(text, "\nThe windows overlap: "));
	cr_expect_null(strstr(text, "\nThe intervals"));
}

/* Ten times the hits at a tenth of the interval are the same CPU time. */
Test(client_diff, cpu_time_is_compared_where_intervals_differ)
{
	_cleanup_made_ struct made_diff made = make_diff(100, 100);
	struct profile_session session = *made.summaries[1].sessions;
	_cleanup_free_ char *text = NULL;
	struct diff_page page;

	session.interval_ns /= 10;
	made.summaries[1].sessions = &session;
	compare(&made, false);
	cr_expect_str_eq(diff_row(made.diff, 0)->function->name, "main(app)");
	cr_expect_float_eq(diff_row(made.diff, 0)->total_rate[1], 0.08, 1e-3);
	page = make_page(&made);
	text = print(&page, false);
	cr_expect_not_null(strstr(text, "\nThe intervals differ (10ms and 1ms): CPU time"));
}

Test(client_diff, sessions_of_several_intervals_have_a_mean)
{
	_cleanup_made_ struct made_diff made = make_diff(100, 100);
	struct profile_session sessions[] = {
		{.interval_ns = MADE_INTERVAL_NS, .observed_usec = 30000000},
		{.interval_ns = MADE_INTERVAL_NS / 4, .observed_usec = 30000000},
	};
	_cleanup_free_ char *text = NULL;
	struct diff_page page;

	made.summaries[0].sessions = sessions;
	made.summaries[0].n_sessions = 2;
	compare(&made, false);
	cr_expect(diff_about(made.diff)->mixed[0]);
	/* 3000 and 12000 samples of a busy CPU in 60 s. */
	cr_expect_float_eq(diff_about(made.diff)->interval_ns[0], 4e6, 1);
	page = make_page(&made);
	text = print(&page, false);
	cr_expect_not_null(strstr(text, "\nThe sessions of base have different intervals: a hit "
					"counts as the mean, 4ms.\n"));
}

Test(client_diff, what_is_not_in_it_is_said)
{
	_cleanup_made_ struct made_diff made = make_diff(100, 100);
	_cleanup_free_ char *text = NULL;
	struct diff_page page;

	made.summaries[1].without_kernel = made.summaries[1].restricted = true;
	compare(&made, false);
	page = make_page(&made);
	text = print(&page, false);
	cr_expect_not_null(strstr(text, "\nFrames of the kernel are left out in with only.\n"));
	cr_expect_not_null(strstr(text, "\nOnly your own processes are counted; "));
}

Test(client_diff, only_functions_that_match_are_tested)
{
	static const struct made_frame frames[] = {
		{"work", {.function = "work", .module = "app", .focus = true}},
		{.word = NULL},
	};
	_cleanup_made_ struct made_diff made = {0};

	for (int side = 0; side < 2; side++)
		read_side(&made, side,
			  &(struct made_export){.stacks = "main;work 40\nmain 99\n",
						.frames = frames});
	compare(&made, true);
	cr_expect_eq(diff_count(made.diff), 1);
	cr_expect_eq(diff_about(made.diff)->compare.n_tested, 1);
	cr_expect_str_eq(diff_row(made.diff, 0)->function->name, "work(app)");
}

Test(client_diff, small_shares_and_many_rows_can_be_left_out)
{
	_cleanup_made_ struct made_diff made = make_diff(100, 150);
	_cleanup_tree_ struct json_object *tree = NULL;
	_cleanup_free_ char *text = NULL;
	struct diff_page page;

	compare(&made, false);
	page = make_page(&made);
	page.threshold = 1;
	text = print(&page, true);
	tree = json_tokener_parse(text);
	cr_expect_eq(json_object_array_length(tree_get_rows(tree, "records")), 3);
	cr_expect_eq(diff_about(made.diff)->compare.n_tested, 4);
}

/* ---- slots ---- */

static const struct tally *tally_slots(struct made_diff *made, const char *stacks,
				       const struct profile_slot *times, size_t n,
				       uint64_t observed_usec)
{
	read_side(made, 0,
		  &(struct made_export){.stacks = stacks,
					.slots = times,
					.n_slots = n,
					.observed_usec = observed_usec});
	return made->tallies[0];
}

Test(client_diff, short_slots_join_their_neighbours)
{
	static const struct profile_slot times[] = {
		{.start_usec = MADE_SINCE_USEC + 30000000, .usec = 2000000},
		{.start_usec = MADE_SINCE_USEC, .usec = 3000000},
		{.start_usec = MADE_SINCE_USEC + 10000000, .usec = 10000000},
		{.start_usec = MADE_SINCE_USEC + 20000000, .usec = 10000000},
	};
	_cleanup_made_ struct made_diff made = {0};
	const struct tally *tally =
		tally_slots(&made, "f 1/0/1\nf 2/0/2\nf 4/0/3\nf 8/0/4\n", times, 4, 25000000);

	cr_assert_eq(tally_count_slots(tally), 2);
	cr_expect_eq(tally_slot_usec(tally, 0), 13000000);
	cr_expect_eq(tally_slot_total(tally, 0, 0), 6);
	cr_expect_eq(tally_slot_usec(tally, 1), 12000000);
	cr_expect_eq(tally_slot_total(tally, 1, 0), 9);
	cr_expect_eq(tally_total(tally, 0), 15);
}

Test(client_diff, quiet_time_has_slots_as_well)
{
	_cleanup_made_ struct made_diff made = {0};
	const struct tally *tally = tally_slots(&made, "f 100/0/1\n", slots, 1, 60000000);
	uint64_t usec = 0, hits = 0;

	cr_assert_eq(tally_count_slots(tally), 6);
	for (size_t i = 0; i < 6; i++) {
		usec += tally_slot_usec(tally, i);
		hits += tally_slot_total(tally, i, 0);
	}
	cr_expect_eq(usec, 60000000);
	cr_expect_eq(hits, 100);
}

Test(client_diff, there_are_never_more_slots_than_can_be_told_apart)
{
	static struct profile_slot times[1000];
	_cleanup_made_ struct made_diff made = {0};
	const struct tally *tally;

	for (size_t i = 0; i < array_length(times); i++)
		times[i] = (struct profile_slot){.start_usec = MADE_SINCE_USEC + i * 10000000,
						 .usec = 10000000};
	tally = tally_slots(&made, "f 7/0/1000\n g 3/0/1\n", times, array_length(times),
			    UINT64_C(10000000000));
	cr_expect_leq(tally_count_slots(tally), 64);
	cr_expect_geq(tally_count_slots(tally), 32);
	cr_expect_eq(tally_slot_total(tally, tally_count_slots(tally) - 1, 0), 7);
}

Test(client_diff, samples_without_a_stack_or_a_time)
{
	_cleanup_made_ struct made_diff made = {0};
	const struct tally *tally =
		tally_slots(&made, "f 5/0/0\nf 6/0/1\n 9/0/1\n", slots, 1, 10000000);

	cr_expect_eq(tally_hits(tally), 11);
	cr_expect_eq(tally_count_slots(tally), 1);
	cr_expect_eq(tally_slot_total(tally, 0, 0), 11);
}
