/* SPDX-License-Identifier: MIT */
/* The result of a query: the samples, the losses, and a row for each name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/sample.h"

/* One name with its hits. Unknown texts are "", an unknown pid or tid is 0. The texts are borrowed
 * from the result. */
struct result_row {
	const char *name; /* "function(module)", or the module, unit, ... that is meant; never "" */
	const char *function;
	const char *module;
	const char *file;
	const char *kind; /* "python", "native", "kernel" */
	uint32_t line;    /* of a function: the smallest one that was seen */
	uint32_t pid;
	uint32_t tid;
	uint64_t self;
	uint64_t total;
};

struct result {
	const char *state; /* "paused" or "running"; it and interval_ns are the manager's to set */
	uint64_t interval_ns;
	uint64_t since_usec; /* the time that the samples really cover */
	uint64_t until_usec;
	uint64_t samples;
	uint64_t distinct;          /* stacks */
	uint64_t stops[OX_N_STOPS]; /* samples with user frames, by the end of their stack */
	struct result_row *rows;
	size_t n_rows;
	size_t rows_size;
	struct {
		char reason[32];
		uint64_t n;
	} lost[32];
	size_t n_lost;
	bool restricted;     /* only the caller's own processes are counted */
	bool without_kernel; /* kernel frames are left out: the caller may not see them */
	uint64_t session; /* the only one that was asked about, for the bus to set; 0: it is not one
			   */
	void *texts;      /* owns the strings */
};

/* How a field is kept, and how it is written; in the order in which the bus has them. */
enum result_type {
	RESULT_TEXT,   /* const char * */
	RESULT_KNOWN,  /* uint32_t, 0: not known */
	RESULT_NUMBER, /* uint64_t, 0: not known */
	RESULT_COUNT,  /* uint64_t */
	RESULT_SHARE,  /* uint64_t, written as a share of the samples */
	RESULT_FLAG,   /* bool */
	RESULT_STOPS,  /* uint64_t[OX_N_STOPS] */
	RESULT_LOST,   /* lost and n_lost of struct result */
	RESULT_N_TYPES
};

struct result_field {
	const char *key; /* NULL ends a table */
	enum result_type type;
	size_t offset; /* in struct result, or in struct result_row */
};

/* The lists of daemon/base/result_fields.h. */
extern const struct result_field result_summary_fields[];
extern const struct result_field result_row_fields[];

/* Appends a copy of the row and its texts. Returns 0 or -ENOMEM. */
int result_add_row(struct result *result, const struct result_row *row);
/* Appends a loss; further ones are dropped when there is no place left. */
void result_add_loss(struct result *result, const char *reason, uint64_t n);
/* Returns the bytes held. */
size_t result_bytes(const struct result *result);
void result_done(struct result *result);
/* Returns what a field of type SHARE is written as; 0 where there are no samples. */
double result_share(uint64_t hits, uint64_t samples);

/* Writes the object that `oxprofctl query --json` prints (oxprofctl(1)), and flushes. Returns 0 or
 * -EIO. */
int result_write_json(const struct result *result, FILE *out);
