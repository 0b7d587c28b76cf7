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
	void *texts;         /* owns the strings */
};

/* Appends a copy of the row and its texts. Returns 0 or -ENOMEM. */
int result_add_row(struct result *result, const struct result_row *row);
/* Appends a loss; further ones are dropped when there is no place left. */
void result_add_loss(struct result *result, const char *reason, uint64_t n);
void result_done(struct result *result);

/* Writes the object that `oxprofctl query --json` prints (oxprofctl(1)), and flushes `out`. state:
 * "paused" or "running". Returns 0 or -EIO. */
int result_write_json(const struct result *result, const char *state, uint64_t interval_ns,
		      FILE *out);
