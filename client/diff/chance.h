/* SPDX-License-Identifier: MIT */
/*
 * The distributions and the corrections by which a comparison tells a difference from chance. Pure
 * numbers. Good to nine digits, to six where counts are in the billions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Returns the regularized incomplete beta function, 0 <= x <= 1, a and b above 0: the continued
 * fraction of DLMF 8.17.22, by Lentz' method as Thompson and Barnett modified it (1986). */
double chance_beta(double x, double a, double b);

/* Returns the probability that Student's t of so many degrees of freedom (INFINITY: the normal
 * distribution) is at least so far from 0, on either side. */
double chance_t(double t, double freedom);

/*
 * Returns the probability that two counts differ at least so much where things happen equally often
 * at any time, each by itself: given that there are n1 + n2, each falls to the first side with
 * probability share (0 to 1). Exact, conditional, twice the smaller tail, at most 1.
 */
double chance_binomial(uint64_t n1, uint64_t n2, double share);

/* Applies Holm's step-down procedure: makes each p the smallest level at which its hypothesis would
 * be rejected, for all of them together, whatever depends on what. Returns 0 or -ENOMEM. */
int chance_holm(double *p, size_t n);

/*
 * Fits the common variance of n things. Their variances, each estimated with so many degrees of
 * freedom, are spread about it as that variance times inverse chi squared; the fit is by the
 * moments of the logarithm (Smyth 2004, section 6.2). *ret_freedom: how many degrees of freedom the
 * common variance is worth, INFINITY where the others are spread no wider than by chance. Variances
 * are above 0, n is at least 2.
 */
void chance_fit(const double *variances, size_t n, double freedom, double *ret_variance,
		double *ret_freedom);
