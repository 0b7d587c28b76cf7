/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "client/diff/compare.h"
#include "daemon/base/cleanup.h"
#include "tests/support/made/load.h"

#define SEEDS 20

struct made_case {
	enum made_kind kind;
	double seconds;
	size_t n_functions;
	double first_share[2]; /* of the first function, on each side */
};

struct compare_outcome {
	size_t n_differ;
	enum verdict first;
	struct compare_about about;
};

static struct compare_outcome compare_case(const struct made_case *c, uint64_t seed)
{
	struct made_load load = made_load(seed);
	_cleanup_free_ struct compare_result *results = NULL;
	uint64_t *hits[2];
	double exposures[100];
	struct compare_span spans[2];
	struct compare_outcome outcome = {0};

	load.kind = c->kind;
	load.seconds = c->seconds;
	load.n_functions = c->n_functions;
	for (int side = 0; side < 2; side++) {
		load.first_share = c->first_share[side];
		made_load_share(&load, 0);
		for (size_t phase = 1; phase < MADE_PHASES && side == 0; phase++)
			made_load_share(&load, phase);
		hits[side] = made_load_hits(&load);
		spans[side] = (struct compare_span){exposures, made_load_slots(&load)};
	}
	for (size_t i = 0; i < made_load_slots(&load); i++)
		exposures[i] = MADE_HZ *
			       fmin(MADE_SLOT_SECONDS, c->seconds - (double)i * MADE_SLOT_SECONDS);
	results = calloc(made_load_functions(&load), sizeof(*results));
	cr_assert_eq(compare_functions(spans, (const uint64_t *const *)hits,
				       made_load_functions(&load), results, &outcome.about),
		     0);
	for (size_t i = 0; i < made_load_functions(&load); i++)
		outcome.n_differ += results[i].verdict >= VERDICT_LESS;
	cr_expect_eq(outcome.n_differ, outcome.about.n_differ);
	outcome.first = results[0].verdict;
	free(hits[0]);
	free(hits[1]);
	return outcome;
}

/* Counts the seeds for which anything differs. */
static int count_alarms(const struct made_case *c)
{
	int n = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		n += compare_case(c, seed).n_differ > 0;
	return n;
}

Test(client_compare, the_same_load_does_not_differ)
{
	static const struct made_case cases[] = {
		{MADE_STEADY, 60, 100, {0.1, 0.1}},   {MADE_STEADY, 60, 500, {0.1, 0.1}},
		{MADE_STEADY, 30, 40, {0.1, 0.1}},    {MADE_STEADY, 300, 40, {0.1, 0.1}},
		{MADE_STEADY, 35, 4, {0.5, 0.5}},     {MADE_STEADY, 10, 100, {0.1, 0.1}},
		{MADE_CHANGING, 60, 40, {0.1, 0.1}},  {MADE_CHANGING, 60, 100, {0.1, 0.1}},
		{MADE_CHANGING, 60, 500, {0.1, 0.1}}, {MADE_CHANGING, 300, 100, {0.1, 0.1}},
		{MADE_CHANGING, 10, 100, {0.1, 0.1}}, {MADE_LOCKED, 60, 100, {0.1, 0.1}},
		{MADE_LOCKED, 10, 100, {0.1, 0.1}},   {MADE_LOCKED, 300, 500, {0.1, 0.1}},
		{MADE_IDLE, 60, 100, {0.1, 0.1}},     {MADE_BURST, 60, 100, {0.1, 0.1}},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		int n = count_alarms(&cases[i]);

		cr_expect_leq(n, SEEDS / 20, "case %zu: %d of %d runs find a difference", i, n,
			      SEEDS);
	}
}

Test(client_compare, ten_percent_that_become_fifteen_are_found)
{
	static const struct made_case cases[] = {
		{MADE_STEADY, 60, 40, {0.1, 0.15}},
		{MADE_STEADY, 60, 100, {0.1, 0.15}},
		{MADE_STEADY, 60, 500, {0.1, 0.15}},
		{MADE_STEADY, 60, 100, {0.15, 0.1}},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		int n = 0;

		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			n += compare_case(&cases[i], seed).first ==
			     (cases[i].first_share[1] > 0.1 ? VERDICT_MORE : VERDICT_LESS);
		cr_expect_geq(n, SEEDS - 1, "case %zu: found in %d of %d runs", i, n, SEEDS);
	}
}

static struct compare_result compare_one(const uint64_t *base, size_t n_base, const uint64_t *with,
					 size_t n_with, double exposure)
{
	double exposures[100];
	struct compare_result result;
	struct compare_about about;

	for (size_t i = 0; i < array_length(exposures); i++)
		exposures[i] = exposure;
	cr_assert_eq(
		compare_functions((struct compare_span[]){{exposures, n_base}, {exposures, n_with}},
				  (const uint64_t *const[]){base, with}, 1, &result, &about),
		0);
	return result;
}

Test(client_compare, the_same_window_does_not_differ)
{
	static const uint64_t hits[] = {100, 0, 3000, 7};
	struct compare_result result = compare_one(hits, 4, hits, 4, 990);

	cr_expect_eq(result.verdict, VERDICT_CHANCE);
	cr_expect_eq(result.p, 1);
}

/* All of the difference is in one slot: the load may do that by itself, in any window. */
Test(client_compare, one_burst_is_no_difference_and_steady_hits_are)
{
	static const uint64_t none[6], burst[] = {0, 0, 900, 0, 0, 0},
				       steady[] = {150, 160, 140, 155, 145, 150};

	cr_expect_eq(compare_one(none, 6, burst, 6, 990).verdict, VERDICT_CHANCE);
	cr_expect_eq(compare_one(none, 6, steady, 6, 990).verdict, VERDICT_MORE);
	cr_expect_eq(compare_one(steady, 6, none, 6, 990).verdict, VERDICT_LESS);
}

/* The same rate, in a window that is four times as long. */
Test(client_compare, windows_may_be_of_different_length)
{
	static const uint64_t shorter[] = {100, 103, 97},
			      longer[] = {101, 99, 100, 98, 102, 100, 97, 103, 100, 99, 101, 100};

	cr_expect_eq(compare_one(shorter, 3, longer, 12, 990).verdict, VERDICT_CHANCE);
}

Test(client_compare, where_little_is_known_nothing_is_said)
{
	static const uint64_t few[] = {1, 2, 1}, fewer[] = {0, 1, 0}, much[] = {500, 500},
			      more[] = {900, 900};
	struct compare_result result = compare_one(much, 2, more, 2, 990);

	cr_expect_eq(compare_one(few, 3, fewer, 3, 990).verdict, VERDICT_UNTESTED);
	cr_expect_eq(result.verdict, VERDICT_UNKNOWN);
	cr_expect_lt(result.p, 1e-10);
}

/* The load has slow waves, longer than a slot: blocks of slots show them better than single
 * slots. */
Test(client_compare, phases_longer_than_a_slot_are_noticed)
{
	uint64_t base[32], with[32], quick_base[32], quick_with[32];

	for (size_t i = 0; i < 32; i++) {
		base[i] = i / 8 % 2 ? 60 : 100;
		with[i] = i / 8 != 1 ? 100 : 60;
		quick_base[i] = i % 2 ? 60 : 100;
		quick_with[i] = i % 4 != 1 ? 100 : 60;
	}
	cr_expect_eq(compare_one(base, 32, with, 32, 990).verdict, VERDICT_CHANCE);
	cr_expect_lt(compare_one(quick_base, 32, quick_with, 32, 990).p,
		     compare_one(base, 32, with, 32, 990).p);
}

Test(client_compare, nothing_to_compare)
{
	struct compare_about about;
	static const double exposures[] = {1, 1, 1};

	cr_expect_eq(compare_functions((struct compare_span[]){{exposures, 3}, {exposures, 3}},
				       (const uint64_t *const[]){NULL, NULL}, 0, NULL, &about),
		     0);
	cr_expect_eq(about.n_tested, 0);
}
