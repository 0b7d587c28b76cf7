/* SPDX-License-Identifier: MIT */
/*
 * What was sampled from one second to the next. The counts of an answer only grow while its window
 * begins at the same time, so that the difference of two is exactly what was sampled between them.
 * Knows no bus: it is given the trees of bus_query().
 */
#pragma once

#include "client/base/json_tree.h"

#define TOP_SPAN_MAX  60      /* seconds that are kept one by one */
#define TOP_NAMES_MAX 500000u /* also of one process; beyond, everything begins anew */
#define TOP_NEWEST    UINT32_MAX
#define TOP_NO_ITEM   UINT32_MAX

/* Who has the hits: as a question tells rows apart, by name, file and kind, or by process. */
struct top_name {
	char *name;
	char *file; /* "": unknown, as below */
	char *kind;
	uint64_t line; /* 0: unknown, as below */
	uint64_t pid;
	uint64_t tid;
	struct top_name *older; /* what the process was called before; may be on show */
};

struct top_model;

struct top_model *top_model_new(void); /* NULL: no memory */
struct top_model *top_model_free(struct top_model *model);

/*
 * The next answer, `seconds` after the one before. The first is what the others are held against.
 * 1: it is not a later state of the same counts (the history was replaced, or names have changed),
 * or top_model_move() has failed before it: so what was sampled since the one before is not known,
 * and the next are held against this one. What top_model_sum() has given may then be gone.
 * -EBADMSG, -ENOMEM: nothing was taken.
 */
int top_model_add(struct top_model *model, struct json_object *answer, double seconds);

/* From now on the answers begin later: this one has what they leave out, none of it new. 1: it does
 * not fit, and the next answer is held against nothing. -EBADMSG, -ENOMEM: likewise. */
int top_model_move(struct top_model *model, struct json_object *answer);

/* Names are shown that are in the answer to a question with the filter. Whether a name is, has to
 * be asked but once. */
void top_model_forget_filter(struct top_model *model); /* all is shown */
bool top_model_needs_filter(const struct top_model *model);
int top_model_filter(struct top_model *model, struct json_object *answer);

/* ---- what is shown ---- */

enum top_sort { TOP_SORT_SELF, TOP_SORT_TOTAL, TOP_SORT_NAME, N_TOP_SORTS };

struct top_row {
	const struct top_name *name; /* borrowed until top_model_add() returns 1 */
	uint32_t item;
	uint64_t self;
	uint64_t total;
};

struct top_sum {
	double seconds; /* less than was asked for where there is no more yet */
	uint64_t samples;
	struct json_object *lost;   /* {"REASON":N}, as in an answer */
	struct json_object *stacks; /* {"END":N} */
	struct top_row *rows;       /* those with hits */
	size_t n;
};

/* Of the last so many seconds; 0: all since the first answer; TOP_NEWEST: what the last answer
 * brought. The caller ends it with top_sum_done(). 0 or -ENOMEM. */
int top_model_sum(const struct top_model *model, unsigned int seconds, enum top_sort sort,
		  struct top_sum *ret);
void top_sum_sort(struct top_sum *sum, enum top_sort sort);
void top_sum_done(struct top_sum *sum);
