/* SPDX-License-Identifier: MIT */
/* The findings of doctor: one row for each thing that it looked at. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum verdict {
	VERDICT_OK,
	VERDICT_WARNING, /* oxprof can profile, with less or at a higher price */
	VERDICT_FAILED,  /* it cannot profile */
	VERDICT_UNKNOWN, /* it cannot be told from here */
	N_VERDICTS,
};

struct finding {
	const char *id; /* one word, a promise to scripts; not owned */
	enum verdict verdict;
	char *text;   /* one line for people, fit for a terminal */
	char *advice; /* likewise what to do; NULL: nothing */
};

/* Begins as zeros. */
struct findings {
	struct finding *rows;
	size_t n;
	size_t size;
	bool out_of_memory; /* then rows are missing */
};

void findings_done(struct findings *findings);

/* Adds a row. Memory that runs out is kept in mind. */
void findings_add(struct findings *findings, const char *id, enum verdict verdict,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Says what to do about the row that was added last. */
void findings_advise(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* True if none failed. */
bool findings_are_good(const struct findings *findings);
/* Returns "ok", "warning", "failed" or "unknown". */
const char *verdict_name(enum verdict verdict);
