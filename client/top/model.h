/* SPDX-License-Identifier: MIT */
/*
 * The samples from one second to the next. The counts in an answer of bus_query() only grow while
 * its window begins at the same time, so the difference between two answers is exactly what was
 * sampled between them. The model knows no bus; the caller passes it the answers.
 */
#pragma once

#include "client/base/json_tree.h"

#define TOP_SPAN_MAX  60      /* seconds that are kept one by one */
#define TOP_NAMES_MAX 500000u /* earlier names of a process count; above it, counting restarts */
#define TOP_NEWEST    UINT32_MAX
#define TOP_NO_ITEM   UINT32_MAX

/* One row of the answers: a function by name, file and kind, or a process by pid and tid. */
struct top_name {
	char *name;
	char *file; /* "": unknown, like kind */
	char *kind;
	uint64_t line; /* 0: unknown, like pid and tid */
	uint64_t pid;
	uint64_t tid;
	struct top_name *older; /* the process's previous name; a row may still borrow it */
};

struct top_model;

struct top_model *top_model_new(void); /* NULL: no memory */
struct top_model *top_model_free(struct top_model *model);

/*
 * Adds an answer, which came `seconds` after the previous one. The first answer is only the base
 * that the next one is compared with. Returns 0; -EBADMSG or -ENOMEM, and then nothing was added;
 * or 1 where the answer is not a later state of the same counts (the history was replaced, or names
 * have changed) or top_model_move() has failed before: what was sampled since the previous answer
 * is not known, this answer is the new base, and names in the rows of top_model_sum() may be freed.
 */
int top_model_add(struct top_model *model, struct json_object *answer, double seconds);

/*
 * Prepares for answers whose window begins later. The given answer has the counts that they leave
 * out, all of which were in the last answer. Returns 0; otherwise the next answer becomes the base:
 * 1 where this one does not fit the last one, -EBADMSG or -ENOMEM.
 */
int top_model_move(struct top_model *model, struct json_object *answer);

/* Drops the filter, so that all names are shown. */
void top_model_forget_filter(struct top_model *model);
/* True if there are names that no answer with the filter has judged; each is judged only once. */
bool top_model_needs_filter(const struct top_model *model);
/* Judges the names by the answer to a query with the filter: shows names that are in the answer and
 * hides others that were not judged before. Returns 0, -EBADMSG or -ENOMEM. */
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
	double seconds; /* fewer than asked for while the model has no more */
	uint64_t samples;
	struct json_object *lost;   /* {"REASON":N}, as in an answer */
	struct json_object *stacks; /* {"END":N} */
	struct top_row *rows;       /* only rows with hits */
	size_t n;
};

/* Sums up the last `seconds`; 0: everything since the first answer; TOP_NEWEST: what the last
 * answer added. The caller ends *ret with top_sum_done(). Returns 0 or -ENOMEM. */
int top_model_sum(const struct top_model *model, unsigned int seconds, enum top_sort sort,
		  struct top_sum *ret);
void top_sum_sort(struct top_sum *sum, enum top_sort sort);
void top_sum_done(struct top_sum *sum);
