/* SPDX-License-Identifier: MIT */
/* The slots of the time line are few, in the order of time, and have all hits. */
#include <criterion/criterion.h>

#include "client/web/timeline.h"
#include "daemon/base/api.h"
#include "tests/support/made/export.h"

#define MINUTE UINT64_C(60000000)

define_cleanup(struct web_timeline *, web_timeline_free);
define_cleanup(struct profile *, profile_free);

/* Returns the sum of a column, and its length. */
static uint64_t sum_column(struct json_object *tree, const char *key, size_t *ret_n)
{
	struct json_object *rows = tree_get_rows(tree, key);
	uint64_t sum = 0;

	cr_assert_not_null(rows, "%s", key);
	*ret_n = json_object_array_length(rows);
	for (size_t i = 0; i < *ret_n; i++)
		sum += json_object_get_uint64(json_object_array_get_idx(rows, i));
	return sum;
}

static uint64_t get_at(struct json_object *tree, const char *key, size_t i)
{
	return json_object_get_uint64(json_object_array_get_idx(tree_get_rows(tree, key), i));
}

/* Returns what the time line writes about an export; NULL: about none. */
static struct json_object *make_timeline(const struct made_export *export)
{
	_cleanup_(web_timeline_free_p) struct web_timeline *timeline = web_timeline_new();
	_cleanup_(profile_free_p) struct profile *profile = NULL;
	_cleanup_free_ char *text = NULL, *why = NULL;
	struct json_object *tree;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (export)
		cr_assert_eq(profile_read(made_export_from(export), NULL, web_timeline_add,
					  timeline, &profile, &why),
			     0);
	cr_assert_eq(web_timeline_write(timeline, profile, out), 0);
	fclose(out);
	tree = json_tokener_parse(text);
	cr_assert_not_null(tree, "%s", text);
	return tree;
}

Test(web_timeline, hits_by_time)
{
	static const struct profile_slot slots[] = {
		{MADE_SINCE_USEC + 20000000, 5000000, MADE_SINCE_USEC + 29000000}, /* a gap */
		{MADE_SINCE_USEC, 10000000, MADE_SINCE_USEC + 10000000},
		/* nothing in it */
		{MADE_SINCE_USEC + 10000000, 10000000, MADE_SINCE_USEC + 20000000},
	};
	_cleanup_tree_ struct json_object *tree =
		make_timeline(&(struct made_export){.stacks = "a 5/0/1\n"
							      "b 7/0/2\n"
							      "a;c 1/0/1\n",
						    .slots = slots,
						    .n_slots = 3,
						    .restricted = true});
	size_t n;

	cr_assert_eq(sum_column(tree, "hits", &n), 13);
	cr_assert_eq(n, 2);
	cr_assert_eq(get_at(tree, "start", 0), MADE_SINCE_USEC);
	cr_assert_eq(get_at(tree, "end", 0), MADE_SINCE_USEC + 10000000);
	cr_assert_eq(get_at(tree, "hits", 0), 7);
	cr_assert_eq(get_at(tree, "start", 1), MADE_SINCE_USEC + 20000000);
	cr_assert_eq(get_at(tree, "end", 1), MADE_SINCE_USEC + 29000000);
	cr_assert_eq(get_at(tree, "hits", 1), 6);
	cr_assert_eq(sum_column(tree, "observed_usec", &n), 15000000);
	cr_assert_eq(tree_get_u64(tree, "samples"), 13);
	cr_assert_eq(tree_get_u64(tree, "since"), MADE_SINCE_USEC);
	cr_assert(tree_get_bool(tree, "restricted"));
}

/* A thousand short sessions have as many slots. */
Test(web_timeline, very_many_slots_become_few)
{
	_cleanup_free_ char *stacks = NULL;
	struct profile_slot slots[1000];
	_cleanup_tree_ struct json_object *tree = NULL;
	size_t length, n;
	FILE *out = open_memstream(&stacks, &length);

	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t start = MADE_SINCE_USEC + i * 20000000;

		slots[i] = (struct profile_slot){start, 3000000, start + 3000000};
		fprintf(out, "f%d %d/0/%d\n", (int)i % 7, (int)i + 1, (int)i + 1);
	}
	fclose(out);
	tree = make_timeline(
		&(struct made_export){.stacks = stacks, .slots = slots, .n_slots = 1000});
	cr_assert_eq(sum_column(tree, "hits", &n), 500500);
	cr_assert(n <= 400 && n > 200, "%zu", n);
	cr_assert_eq(sum_column(tree, "observed_usec", &n), UINT64_C(3000000000));
	cr_assert_eq(get_at(tree, "start", 0), MADE_SINCE_USEC);
	cr_assert_eq(get_at(tree, "end", n - 1),
		     MADE_SINCE_USEC + 999 * UINT64_C(20000000) + 3000000);
	for (size_t i = 1; i < n; i++)
		cr_assert_leq(get_at(tree, "end", i - 1), get_at(tree, "start", i));
}

Test(web_timeline, nothing)
{
	_cleanup_tree_ struct json_object *none = make_timeline(NULL);
	_cleanup_tree_ struct json_object *empty =
		make_timeline(&(struct made_export){.stacks = ""});
	size_t n;

	cr_assert_eq(sum_column(none, "hits", &n), 0);
	cr_assert(n == 0 && tree_get_u64(none, "since") == 0);
	cr_assert_eq(sum_column(empty, "hits", &n), 0);
	cr_assert_eq(n, 0);
}

Test(web_timeline, the_step_is_that_of_what_was_observed)
{
	/* Ten minutes, a day later half a day, and a session that still runs. */
	static const char text[] = "[{\"id\":1,\"started\":1000000000,\"ended\":1600000000},"
				   "{\"id\":2,\"started\":90000000000,\"ended\":133200000000},"
				   "{\"id\":3,\"started\":200000000000,\"ended\":null}]";
	_cleanup_tree_ struct json_object *sessions = json_tokener_parse(text);
	const uint64_t now = 200000000000 + 30 * MINUTE;
	static const struct {
		uint64_t since, until;
		int64_t session;
		uint64_t step;
	} cases[] = {
		{0, UINT64_MAX, 1, OX_WINDOW_USEC},
		{0, UINT64_MAX, 2, 11 * OX_WINDOW_USEC},
		{0, UINT64_MAX, 3, OX_WINDOW_USEC},
		{0, UINT64_MAX, 0, 12 * OX_WINDOW_USEC},
		{0, UINT64_MAX, 4, 0},
		{200000000000, UINT64_MAX, 0, OX_WINDOW_USEC},
		{100000000000, 120000000000, 0, 6 * OX_WINDOW_USEC},
		{2000000000, 80000000000, 0, 0},
	};

	for (size_t i = 0; i < array_length(cases); i++)
		cr_assert_eq(web_timeline_choose_step(sessions, cases[i].since, cases[i].until,
						      cases[i].session, now),
			     cases[i].step, "%zu", i);
	cr_assert_eq(web_timeline_choose_step(NULL, 0, UINT64_MAX, 0, now), 0);
}
