/* SPDX-License-Identifier: MIT */
/*
 * Compares how often functions were seen in two spans of time, and says which differences can be
 * chance. Pure numbers: diff.h has the counts.
 *
 * Samples of one program are not independent: it has phases and bursts. Taken for independent, two
 * spans of the same load would nearly always differ. So each span is cut into slots, and how the
 * hits of a function vary between the slots of a span says how sure its rate is. The p of a
 * function is the larger one of two tests:
 *
 *   the exact conditional binomial test of the two counts, which are Poisson's if nothing but the
 *   sampling varies (chance_binomial());
 *
 *   the t test of the two rates, with the variance of a Poisson count times phi: Pearson's chi
 * squared of the slots about the rate of their span, by its degrees of freedom. phi is at least 1,
 * at least what is usual for the functions of this comparison (whose number makes up for that of
 * the slots, chance_fit()), and at least that of blocks of 2, 4, 8 ... slots, where there are
 * enough: these notice phases that are longer than a slot. The excess of phi above 1 counts twice.
 *
 * Then Holm's correction at COMPARE_LEVEL, over all functions with COMPARE_HITS_MIN hits or more in
 * both spans together: a rule that does not look at the difference. The others are not tested.
 * Where a span has fewer than COMPARE_SLOTS_MIN slots nothing is known of how the load varies:
 * there is the p of the first test, and no verdict.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMPARE_LEVEL     0.05
#define COMPARE_HITS_MIN  10
#define COMPARE_SLOTS_MIN 3

struct compare_span {
	const double
		*exposures; /* of each slot: how many samples a busy CPU would have had, above 0 */
	size_t n_slots;     /* at least 1 */
};

enum verdict {
	VERDICT_UNTESTED, /* too few hits */
	VERDICT_UNKNOWN,  /* too few slots */
	VERDICT_CHANCE,
	VERDICT_LESS,
	VERDICT_MORE,
};

struct compare_result {
	enum verdict verdict;
	double p;          /* of this function alone; 1 where untested */
	double p_adjusted; /* corrected for the number of functions */
};

struct compare_about {
	size_t n_tested;
	size_t n_differ;
	size_t n_slots; /* those that the t test used; 0: there are too few */
};

/* Compares n_functions functions; hits of each span are at [function * n_slots + slot], and ret has
 * room for a result of each function. Returns 0 or -ENOMEM. */
int compare_functions(const struct compare_span spans[2], const uint64_t *const hits[2],
		      size_t n_functions, struct compare_result *ret,
		      struct compare_about *ret_about);
