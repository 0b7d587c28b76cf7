/* SPDX-License-Identifier: MIT */
/*
 * Reference values: binomial tails and the beta function of whole numbers summed with exact
 * fractions; Student's t in closed form (1 and 2 degrees of freedom), of the published tables
 * (2.228 at 10) and by Simpson's rule.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "client/diff/chance.h"
#include "daemon/base/cleanup.h"
#include "tests/support/made/load.h"

static bool is_near(double value, double wanted, double part)
{
	return fabs(value - wanted) <= part * fabs(wanted);
}

#define expect_near(value, wanted, part)                                               \
	cr_expect(is_near(value, wanted, part), "%.15g is not %.15g", (double)(value), \
		  (double)(wanted))

Test(client_chance, the_beta_function_of_whole_numbers)
{
	static const struct {
		double x, a, b, wanted;
	} cases[] = {
		{0.5, 2, 3, 0.6875},
		{0.1, 5, 3, 0.0001765},
		{0.9, 40, 8, 0.907230019956201},
		{0.3, 200, 300, 1.0496985243293e-06},
		{0.4, 200, 300, 0.502428616319932},
		{0.99, 1, 1, 0.99},
		{0, 3, 4, 0},
		{1, 3, 4, 1},
	};

	for (size_t i = 0; i < array_length(cases); i++)
		expect_near(chance_beta(cases[i].x, cases[i].a, cases[i].b), cases[i].wanted,
			    1e-11);
}

/* I_x(a, b) = 1 - I_1-x(b, a); it grows with x; where a = b the middle is a half. */
Test(client_chance, the_beta_function_is_one_of_its_kind)
{
	static const double sizes[] = {0.5, 1, 2.5, 17, 300, 1e4, 1e7, 1e9};

	for (size_t i = 0; i < array_length(sizes); i++) {
		double before = 0;

		expect_near(chance_beta(0.5, sizes[i], sizes[i]), 0.5, 1e-5);
		for (size_t k = 0; k < array_length(sizes); k++) {
			double middle = sizes[i] / (sizes[i] + sizes[k]);

			cr_expect_float_eq(chance_beta(middle, sizes[i], sizes[k]) +
						   chance_beta(1 - middle, sizes[k], sizes[i]),
					   1, 1e-5);
		}
		for (double x = 0; x <= 1; x += 1. / 64) {
			double value = chance_beta(x, sizes[i], 7);

			cr_expect(value >= before && value <= 1, "%g %g", x, sizes[i]);
			before = value;
		}
	}
}

Test(client_chance, students_t)
{
	expect_near(chance_t(3, 1), 0.20483276469913336, 1e-12);
	expect_near(chance_t(-4, 2), 0.05719095841793653, 1e-12);
	expect_near(chance_t(2.228138852, 10), 0.05, 1e-8);
	expect_near(chance_t(4.5, 40), 5.7344665750580504e-05, 1e-9);
	expect_near(chance_t(1.3, 3.5), 0.2725954158043744, 1e-9);
	expect_near(chance_t(1.959963984540054, INFINITY), 0.05, 1e-12);
	expect_near(chance_t(3, 1e9), chance_t(3, INFINITY), 1e-6);
	cr_expect_eq(chance_t(0, 5), 1);
	cr_expect_eq(chance_t(INFINITY, 5), 0);
}

Test(client_chance, two_counts)
{
	static const struct {
		uint64_t n1, n2;
		double share, wanted;
	} cases[] = {
		{0, 0, 0.5, 1},
		{0, 1, 0.5, 1},
		{0, 10, 0.5, 0.001953125},
		{5, 5, 0.5, 1},
		{3, 12, 0.5, 0.03515625},
		{594, 891, 0.5, 1.29259004191401e-14},
		{1000, 1200, 0.5, 2.18170264079147e-05},
		{20, 10, 1. / 3, 0.000387518602740606},
		{100, 40, 0.75, 0.37769099049602},
		{0, 7, 0.9, 2e-07},
		{12, 0, 0.25, 1.19209289550781e-07},
		{7, 9, 0.2, 0.053314663022592},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		expect_near(chance_binomial(cases[i].n1, cases[i].n2, cases[i].share),
			    cases[i].wanted, 1e-9);
		expect_near(chance_binomial(cases[i].n2, cases[i].n1, 1 - cases[i].share),
			    cases[i].wanted, 1e-9);
	}
}

/* Billions of hits are three standard deviations apart, as in the normal distribution. */
Test(client_chance, very_many_counts)
{
	uint64_t half = UINT64_C(2000000000), far = (uint64_t)(3 * sqrt(2. * 2e9) / 2);

	expect_near(chance_binomial(half - far, half + far, 0.5), chance_t(3, INFINITY), 1e-3);
}

Test(client_chance, holms_procedure)
{
	double p[] = {0.01, 0.04, 0.03, 0.005, 1}, none[1];
	static const double wanted[] = {0.04, 0.09, 0.09, 0.025, 1};

	cr_expect_eq(chance_holm(p, 5), 0);
	for (size_t i = 0; i < 5; i++)
		expect_near(p[i], wanted[i], 1e-12);
	cr_expect_eq(chance_holm(none, 0), 0);
}

/* Variances drawn as the model says: 3 times chi squared of 6 by its freedom, by chi squared of 8.
 */
Test(client_chance, what_variances_have_in_common)
{
	static double variances[100000];
	double variance, freedom;
	struct made_load load = made_load(1);

	for (size_t i = 0; i < array_length(variances); i++)
		variances[i] = 3 * (made_load_chi_squared(&load, 6) / 6) /
			       (made_load_chi_squared(&load, 8) / 8);
	chance_fit(variances, array_length(variances), 6, &variance, &freedom);
	expect_near(variance, 3, 0.02);
	expect_near(freedom, 8, 0.05);
	for (size_t i = 0; i < array_length(variances); i++)
		variances[i] = 2 * made_load_chi_squared(&load, 6) / 6;
	chance_fit(variances, array_length(variances), 6, &variance, &freedom);
	expect_near(variance, 2, 0.02);
	cr_expect_gt(freedom, 100);
	for (size_t i = 0; i < array_length(variances); i++)
		variances[i] = 5;
	chance_fit(variances, array_length(variances), 6, &variance, &freedom);
	cr_expect_eq(freedom, INFINITY);
}
