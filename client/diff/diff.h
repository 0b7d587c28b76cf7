/* SPDX-License-Identifier: MIT */
/*
 * Two exports compared, function by function: CPU time per second of observed time, and whether the
 * difference can be chance (compare.h, of TOTAL).
 */
#pragma once

#include "client/diff/compare.h"
#include "client/diff/tally.h"
#include "client/profile/profile.h"

enum diff_side { DIFF_BASE, DIFF_WITH, N_DIFF_SIDES };

/* Texts and names are borrowed from the names of the tallies. Rates are CPU seconds per second. */
struct diff_row {
	const struct graph_function *function;
	uint64_t self[N_DIFF_SIDES];
	uint64_t total[N_DIFF_SIDES];
	double self_rate[N_DIFF_SIDES];
	double total_rate[N_DIFF_SIDES];
	struct compare_result result;
};

struct diff_about {
	struct compare_about compare;
	double interval_ns[N_DIFF_SIDES]; /* the mean of all samples */
	bool mixed[N_DIFF_SIDES];         /* the sessions have several intervals */
	double rate[N_DIFF_SIDES];        /* of all that has a stack */
	uint64_t step_usec;               /* mean length of a slot */
};

struct diff_input {
	const struct profile_summary *summary;
	const struct tally *tally; /* finished; both have the same names */
};

struct diff;

/* Compares the inputs into *ret, which borrows the names of the tallies. focus_only: only functions
 * that have focus are compared and have a row. Returns 0 or -ENOMEM. */
int diff_new(const struct diff_input inputs[N_DIFF_SIDES], const struct graph_names *names,
	     bool focus_only, struct diff **ret);
struct diff *diff_free(struct diff *diff);

const struct diff_about *diff_about(const struct diff *diff);
/* Returns the number of rows. Functions that differ come first, then the others, both by the size
 * of the change. */
size_t diff_count(const struct diff *diff);
const struct diff_row *diff_row(const struct diff *diff, size_t i);
