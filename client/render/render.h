/* SPDX-License-Identifier: MIT */
/*
 * Answers as text for people. They come as the trees of client/bus/bus.h. Functions return 0 or
 * -ENOMEM; errors of writing stay in the FILE.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "client/args/request.h"
#include "client/base/json_tree.h"
#include "client/base/screen.h"

int render_status(struct json_object *status, const struct request *request,
		  const struct screen *screen, FILE *out);
/* Prints the table of query; the columns depend on what a row stands for. */
int render_query(struct json_object *answer, const struct request *request,
		 const struct screen *screen, FILE *out);
/* Prints the table of show: function, hits, share. */
int render_top(struct json_object *answer, const struct request *request,
	       const struct screen *screen, FILE *out);
/* Prints the sessions, with their owners where they may be others'. */
int render_history(struct json_object *history, const struct request *request,
		   const struct screen *screen, FILE *out);
int render_resymbolize(struct json_object *answer, const struct screen *screen, FILE *out);

/* Returns "97.3 % of the stacks are whole; 2.7 % end early: no-table 210", or "" where all are
 * whole or none is known. The caller frees it. NULL: no memory. */
char *render_stacks(struct json_object *stacks);
/* Returns the stacks that are not whole, "no-table 210, broken 3", likewise. */
char *render_ends(struct json_object *stacks);
/* Returns the percentage of whole stacks, cut to a tenth; below 0: there are no stacks. */
double stacks_get_share(struct json_object *stacks);
/* True if a loss for this reason keeps the sample, with a part of its stack missing. */
bool loss_is_in_part(const char *reason);
/* Returns the number of samples that were lost as a whole. lost may be NULL. */
uint64_t sum_losses(struct json_object *lost);
/* Returns the losses, "12 late, 3 store": those that keep the sample (in_part), or the others; ""
 * where there are none. The caller frees it. NULL: no memory. */
char *render_losses(struct json_object *lost, bool in_part);

/* Prints the lines below a table: samples, distinct stacks where they are known, window, losses,
 * stacks that are not whole, processes and frames that are left out. The answer has the fields of
 * that of query. The request says whether the window was chosen by the user. */
int render_footer(struct json_object *answer, const struct request *request, FILE *out);
/* Prints the first of these lines: "12 samples ALSO; FROM to UNTIL (10s); lost: ...". request: NULL
 * where all windows were chosen. */
int render_extent(struct json_object *answer, const char *also, const struct request *request,
		  FILE *out);
/* Prints "session 7, FROM to now (10s); --session=all for everything" where the daemon chose the
 * session. */
void render_session(struct json_object *answer, const struct request *request, FILE *out);
/* Returns the user's name, or the number where there is none. The caller frees it. NULL: no memory.
 */
char *render_user(uint64_t uid);
/* Prints a line for each that is true. */
void render_gaps(bool restricted, bool without_kernel, FILE *out);
