/* SPDX-License-Identifier: MIT */
#include "client/diff/compare.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "client/diff/chance.h"
#include "daemon/base/cleanup.h"

/* The most degrees of freedom that the other functions add to those of one function. */
#define COMMON_FREEDOM_MAX 30
/* With fewer hits a slot Pearson's statistic is not distributed as chi squared. */
#define COMMON_HITS_MIN 2
#define VARIATION_LEAST 1e-3
/*
 * Phases that go on from one slot into the next make neighbours alike, and a rate less certain than
 * independent slots would: so the variation in excess of Poisson's counts twice, as at a
 * correlation of 1/3. The correlation cannot be estimated from a few slots; where there are many,
 * the wider blocks show it.
 */
#define EXCESS_FACTOR 2
#define BLOCKS_MIN    4

struct compare_sums {
	uint64_t hits[2];
	double exposure[2];
};

struct compare_state {
	const struct compare_span *spans;
	const uint64_t *const *hits;
	size_t n_functions;
	struct compare_result *results;
	double freedom; /* of the slots; 0: there are too few slots */
	double common_freedom;
	double common_variation;
};

static const uint64_t *hits_of(const struct compare_state *c, int side, size_t function)
{
	return c->hits[side] + function * c->spans[side].n_slots;
}

static struct compare_sums sum_up(const struct compare_state *c, size_t function)
{
	struct compare_sums sums = {0};

	for (int side = 0; side < 2; side++) {
		for (size_t i = 0; i < c->spans[side].n_slots; i++) {
			sums.hits[side] += hits_of(c, side, function)[i];
			sums.exposure[side] += c->spans[side].exposures[i];
		}
	}
	return sums;
}

/* Returns Pearson's statistic of blocks of so many neighbouring slots; slots that are left over go
 * to the last block. */
static double find_chi_squared(const struct compare_span *span, const uint64_t *hits, double rate,
			       size_t width, size_t *ret_blocks)
{
	size_t n_blocks = span->n_slots / width;
	double sum = 0;

	assert(n_blocks > 0);
	for (size_t block = 0; block < n_blocks; block++) {
		size_t end = block + 1 == n_blocks ? span->n_slots : (block + 1) * width;
		double seen = 0, expected = 0;

		for (size_t i = block * width; i < end; i++) {
			seen += (double)hits[i];
			expected += rate * span->exposures[i];
		}
		sum += (seen - expected) * (seen - expected) / expected;
	}
	*ret_blocks = n_blocks;
	return sum;
}

/* Returns how much the hits vary between blocks of so many slots, compared with Poisson's variance:
 * 1 where equally, 0 where it cannot be told. */
static double find_variation(const struct compare_state *c, size_t function,
			     const struct compare_sums *sums, size_t width)
{
	double sum = 0, freedom = 0;

	for (int side = 0; side < 2; side++) {
		size_t n_blocks;

		/* A side without hits of the function says nothing about how they vary. */
		if (sums->hits[side] == 0)
			continue;
		sum += find_chi_squared(&c->spans[side], hits_of(c, side, function),
					(double)sums->hits[side] / sums->exposure[side], width,
					&n_blocks);
		freedom += (double)n_blocks - 1;
	}
	return freedom > 0 ? sum / freedom : 0;
}

/* Returns a variation that is at least Poisson's, at least that of the function alone, at least
 * what is usual, and at least that over longer times. */
static double choose_variation(const struct compare_state *c, size_t function,
			       const struct compare_sums *sums)
{
	const struct compare_span *spans = c->spans;
	double own = find_variation(c, function, sums, 1), phi;

	phi = (own * c->freedom + c->common_variation * c->common_freedom) /
	      (c->freedom + c->common_freedom);
	phi = fmax(fmax(1, own), phi);
	for (size_t width = 2;
	     width * BLOCKS_MIN <= spans[0].n_slots && width * BLOCKS_MIN <= spans[1].n_slots;
	     width *= 2)
		phi = fmax(phi, find_variation(c, function, sums, width));
	return 1 + EXCESS_FACTOR * (phi - 1);
}

static double find_p_of_rates(const struct compare_state *c, size_t function,
			      const struct compare_sums *sums)
{
	double rate =
		(double)(sums->hits[0] + sums->hits[1]) / (sums->exposure[0] + sums->exposure[1]);
	double difference = (double)sums->hits[1] / sums->exposure[1] -
			    (double)sums->hits[0] / sums->exposure[0];
	double variance = rate * (1 / sums->exposure[0] + 1 / sums->exposure[1]);

	return chance_t(difference / sqrt(choose_variation(c, function, sums) * variance),
			c->freedom + c->common_freedom);
}

/* Fits the variation that is usual, from the functions that are seen often enough to tell. Returns
 * 0 or -ENOMEM. */
static int fit_common(struct compare_state *c)
{
	_cleanup_free_ double *variations = calloc(c->n_functions ?: 1, sizeof(*variations));
	size_t n = 0;

	if (!variations)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_functions; i++) {
		struct compare_sums sums = sum_up(c, i);

		if (sums.hits[0] >= COMMON_HITS_MIN * c->spans[0].n_slots &&
		    sums.hits[1] >= COMMON_HITS_MIN * c->spans[1].n_slots)
			variations[n++] = fmax(find_variation(c, i, &sums, 1), VARIATION_LEAST);
	}
	if (n < 2)
		return 0;
	chance_fit(variations, n, c->freedom, &c->common_variation, &c->common_freedom);
	c->common_freedom = fmin(c->common_freedom, COMMON_FREEDOM_MAX);
	c->common_freedom = fmin(c->common_freedom, c->freedom * (double)(n - 1));
	return 0;
}

static bool may_be_tested(const struct compare_sums *sums)
{
	return sums->hits[0] + sums->hits[1] >= COMPARE_HITS_MIN;
}

static void test_function(struct compare_state *c, size_t function)
{
	struct compare_result *result = &c->results[function];
	struct compare_sums sums = sum_up(c, function);

	*result = (struct compare_result){VERDICT_UNTESTED, 1, 1};
	if (!may_be_tested(&sums))
		return;
	result->verdict =
		(double)sums.hits[1] * sums.exposure[0] > (double)sums.hits[0] * sums.exposure[1]
			? VERDICT_MORE
			: VERDICT_LESS;
	result->p = chance_binomial(sums.hits[0], sums.hits[1],
				    sums.exposure[0] / (sums.exposure[0] + sums.exposure[1]));
	if (c->freedom > 0)
		result->p = fmax(result->p, find_p_of_rates(c, function, &sums));
}

/* Corrects the p of the functions that are tested, which are moved together for that and back.
 * Returns 0 or -ENOMEM. */
static int correct(struct compare_state *c, struct compare_about *about)
{
	_cleanup_free_ double *p = calloc(c->n_functions ?: 1, sizeof(*p));
	size_t n = 0;
	int r;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_functions; i++)
		if (c->results[i].verdict != VERDICT_UNTESTED)
			p[n++] = c->results[i].p;
	r = chance_holm(p, n);
	if (r < 0)
		return r;
	about->n_tested = n;
	n = 0;
	for (size_t i = 0; i < c->n_functions; i++) {
		struct compare_result *result = &c->results[i];

		if (result->verdict == VERDICT_UNTESTED)
			continue;
		result->p_adjusted = p[n++];
		if (c->freedom == 0)
			result->verdict = VERDICT_UNKNOWN;
		else if (result->p_adjusted > COMPARE_LEVEL)
			result->verdict = VERDICT_CHANCE;
		else
			about->n_differ++;
	}
	return 0;
}

int compare_functions(const struct compare_span spans[2], const uint64_t *const hits[2],
		      size_t n_functions, struct compare_result *ret,
		      struct compare_about *ret_about)
{
	struct compare_state c = {
		.spans = spans, .hits = hits, .n_functions = n_functions, .results = ret};
	struct compare_about about = {0};
	int r;

	assert(spans[0].n_slots > 0 && spans[1].n_slots > 0);
	if (spans[0].n_slots >= COMPARE_SLOTS_MIN && spans[1].n_slots >= COMPARE_SLOTS_MIN) {
		about.n_slots = spans[0].n_slots + spans[1].n_slots;
		c.freedom = (double)about.n_slots - 2;
		r = fit_common(&c);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n_functions; i++)
		test_function(&c, i);
	r = correct(&c, &about);
	if (r < 0)
		return r;
	*ret_about = about;
	return 0;
}
