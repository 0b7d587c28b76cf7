/* SPDX-License-Identifier: MIT */
/*
 * A query as somebody asks it, and its answer: all that a thread needs to answer it. It reads what
 * was committed when its answer began, by a connection of its own, which is closed at the end.
 */
#pragma once

#include <stdatomic.h>

#include "daemon/query/query.h"
#include "daemon/query/result.h"

/* Says what is asked. The answer's summary has state, a literal, and interval_ns as here,
 * and the query's session. */
struct question_order {
	const struct query *query;
	bool wants_json;   /* the answer is a file */
	uint64_t usec_max; /* the answer is given up after that; 0: never */
	const char *state;
	uint64_t interval_ns;
};

/* An answer. `error` is 0, or what query_engine_run() returns, -ETIMEDOUT where the time was over,
 * -ECANCELED where the question was stopped; then `why` says what is wrong, for people. */
struct question_answer {
	int error;
	char why[512];
	struct result result; /* where no file is wanted */
	int fd; /* a sealed file in memory, of result_write_json(); -1: none is wanted */
};

struct question;

/* Copies the order, with all it refers to. Returns NULL where there is no memory. */
struct question *question_new(const struct question_order *order);
struct question *question_free(struct question *question);
/* Makes question_run() end within a second, in whatever thread that runs. */
void question_stop(struct question *question);
/* Answers the question; may be called once. */
void question_run(struct question *question, const char *database);
/* Returns the answer, once question_run() has ended. Borrowed. */
struct question_answer *question_get_answer(struct question *question);
