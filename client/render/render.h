/* SPDX-License-Identifier: MIT */
/*
 * Answers as text for people. They know no bus: what they are given are the trees of bus.h.
 * 0 or -ENOMEM; errors of writing stay in the FILE.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "client/args/request.h"
#include "client/base/json_tree.h"
#include "client/base/screen.h"

int render_status(struct json_object *status, const struct screen *screen, FILE *out);
/* query: what a row stands for decides on the columns. */
int render_query(struct json_object *answer, const struct request *request,
		 const struct screen *screen, FILE *out);
/* show: function, hits, share. */
int render_top(struct json_object *answer, const struct screen *screen, FILE *out);
int render_history(struct json_object *history, const struct screen *screen, FILE *out);
int render_resymbolize(struct json_object *answer, const struct screen *screen, FILE *out);

/* "97.3 % of the stacks are whole; 2.7 % end early: no-table 210"; "" where all are, or none is
 * known. The caller frees. NULL: no memory. */
char *render_stacks(struct json_object *stacks);
/* "no-table 210, broken 3": those that are not whole, likewise. */
char *render_ends(struct json_object *stacks);
/* Percent that are whole, to a tenth; below 0: there are none. */
double stacks_get_share(struct json_object *stacks);
/* Is the reason one of a sample that is there, with a part of its stack missing? */
bool loss_is_in_part(const char *reason);
/* "12 late, 3 store" of one of the two sorts; no loss: "". The caller frees. NULL: no memory. */
char *render_losses(struct json_object *lost, bool in_part);

/* Below a table: samples, distinct stacks where they are known, window, losses, stacks that are not
 * whole, and whose processes or what frames are not in it. The answer has the fields of that of
 * query. */
int render_footer(struct json_object *answer, FILE *out);
/* One line of it: "12 samples ALSO; FROM to UNTIL (10s); lost: ...". */
int render_extent(struct json_object *answer, const char *also, FILE *out);
/* A line for each that is so. */
void render_gaps(bool restricted, bool without_kernel, FILE *out);
