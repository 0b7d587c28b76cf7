/* SPDX-License-Identifier: MIT */
#include "client/diff/chance.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/base/cleanup.h"

#define STEPS_MAX 200000 /* these grow with the root of the counts: enough for billions */
#define PRECISION 1e-15
#define TINY      1e-300

/* Calls lgamma_r(), since lgamma() leaves the sign in a global variable. */
static double log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
}

static double keep_off_zero(double x)
{
	return fabs(x) < TINY ? TINY : x;
}

/* Evaluates the fraction of DLMF 8.17.22 where x < (a + 1) / (a + b + 2): there it converges
 * fast. */
static double find_fraction(double x, double a, double b)
{
	double c = 1, d = 1 / keep_off_zero(1 - (a + b) * x / (a + 1)), value = d;

	for (int m = 1; m < STEPS_MAX; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));

		d = 1 / keep_off_zero(1 + even * d);
		c = keep_off_zero(1 + even / c);
		value *= c * d;
		d = 1 / keep_off_zero(1 + odd * d);
		c = keep_off_zero(1 + odd / c);
		value *= c * d;
		if (fabs(c * d - 1) < PRECISION)
			break;
	}
	return value;
}

double chance_beta(double x, double a, double b)
{
	double front;

	assert(a > 0 && b > 0);
	if (x <= 0 || x >= 1)
		return x <= 0 ? 0 : 1;
	front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * find_fraction(x, a, b) / a;
	return 1 - front * find_fraction(1 - x, b, a) / b;
}

double chance_t(double t, double freedom)
{
	assert(freedom > 0);
	if (isinf(freedom))
		return erfc(fabs(t) / M_SQRT2);
	if (isinf(t))
		return 0;
	return chance_beta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

double chance_binomial(uint64_t n1, uint64_t n2, double share)
{
	double low = (double)n1, high = (double)n2, below, above;

	assert(share >= 0 && share <= 1);
	if (n1 + n2 == 0)
		return 1;
	/* The probabilities of at most n1, and of at least n1, of n1 + n2. */
	below = n2 == 0 ? 1 : chance_beta(1 - share, high, low + 1);
	above = n1 == 0 ? 1 : chance_beta(share, low, high + 1);
	return fmin(1, 2 * fmin(below, above));
}

struct ranked {
	double p;
	size_t index;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	return (left->p > right->p) - (left->p < right->p);
}

int chance_holm(double *p, size_t n)
{
	_cleanup_free_ struct ranked *ranked = calloc(n ?: 1, sizeof(*ranked));
	double least = 0;

	if (!ranked)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		ranked[i] = (struct ranked){p[i], i};
	qsort(ranked, n, sizeof(*ranked), compare_ranked);
	for (size_t i = 0; i < n; i++) {
		least = fmax(least, fmin(1, (double)(n - i) * ranked[i].p));
		p[ranked[i].index] = least;
	}
	return 0;
}

/* Returns the derivative of log gamma: by the recurrence up to where the series (DLMF 5.11.2; for
 * trigamma() its derivative) is good to twelve digits. */
static double digamma(double x)
{
	double value = 0, s;

	for (; x < 10; x++)
		value -= 1 / x;
	s = 1 / (x * x);
	return value + log(x) - 0.5 / x -
	       s * (1. / 12 - s * (1. / 120 - s * (1. / 252 - s * (1. / 240 - s / 132))));
}

static double trigamma(double x)
{
	double value = 0, s;

	for (; x < 10; x++)
		value += 1 / (x * x);
	s = 1 / (x * x);
	return value + 1 / x + s / 2 +
	       s / x * (1. / 6 - s * (1. / 30 - s * (1. / 42 - s * (1. / 30 - s * 5 / 66))));
}

/* Inverts trigamma() by bisection: it falls from infinity to 0. */
static double invert_trigamma(double value)
{
	double low = 1e-8, high = 1e8;

	assert(value > 0);
	for (int i = 0; i < 200; i++) {
		double middle = sqrt(low * high);

		if (trigamma(middle) > value)
			low = middle;
		else
			high = middle;
	}
	return low;
}

void chance_fit(const double *variances, size_t n, double freedom, double *ret_variance,
		double *ret_freedom)
{
	double shift = log(freedom / 2) - digamma(freedom / 2), mean = 0, spread = 0, half;

	assert(n >= 2 && freedom > 0);
	for (size_t i = 0; i < n; i++)
		mean += (log(variances[i]) + shift) / (double)n;
	for (size_t i = 0; i < n; i++)
		spread += pow(log(variances[i]) + shift - mean, 2) / (double)(n - 1);
	spread -= trigamma(freedom / 2);
	if (spread < 1e-6) {
		*ret_freedom = INFINITY;
		*ret_variance = exp(mean);
		return;
	}
	half = invert_trigamma(spread);
	*ret_freedom = 2 * half;
	*ret_variance = exp(mean + digamma(half) - log(half));
}
