/* SPDX-License-Identifier: MIT */
/* The comparison of two windows as a table, and as JSON. */
#pragma once

#include <stdio.h>

#include "client/base/screen.h"
#include "client/diff/diff.h"

struct diff_page {
	const struct diff *diff;
	const struct profile_summary *summaries[N_DIFF_SIDES];
	size_t max;       /* rows; 0: all */
	double threshold; /* percent of the samples; functions below it on both sides have no row */
};

/* Prints the table. Returns 0 or -ENOMEM; errors of writing stay in the FILE. */
int render_diff(const struct diff_page *page, const struct screen *screen, FILE *out);
void render_diff_json(const struct diff_page *page, FILE *out);
