/* SPDX-License-Identifier: MIT */
/* The findings of doctor: one row for each thing that it examined. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum verdict {
	VERDICT_OK,
	VERDICT_WARNING, /* oxprof can profile, with less or at a higher price */
	VERDICT_FAILED,  /* oxprof cannot profile */
	VERDICT_UNKNOWN, /* the caller may not see it, or it cannot be read */
	N_VERDICTS,
};

struct finding {
	const char *id; /* one word on which scripts rely; not owned */
	enum verdict verdict;
	char *text;   /* one line for people, fit for a terminal */
	char *advice; /* another such line, which says what to do; NULL: nothing */
};

/* A list of findings; zeros are an empty one. */
struct findings {
	struct finding *rows;
	size_t n;
	size_t size;
	bool out_of_memory; /* rows or advice are missing */
};

void findings_done(struct findings *findings);

/* Adds a row, or sets out_of_memory. */
void findings_add(struct findings *findings, const char *id, enum verdict verdict,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Sets what to do about the last row, which has no advice yet. */
void findings_advise(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* True if no finding failed. */
bool findings_are_good(const struct findings *findings);
/* Returns "ok", "warning", "failed" or "unknown". */
const char *verdict_name(enum verdict verdict);
