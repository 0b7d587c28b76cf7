/* SPDX-License-Identifier: MIT */
/* A result of a query: how much was sampled, what was lost, and one row a name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/sample.h"

/* Texts are "" where unknown, pid and tid 0. Borrowed from the result. */
struct result_row {
	const char *name; /* "function(module)" or what `by` names; never "" */
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
	uint64_t since_usec; /* what the samples really cover */
	uint64_t until_usec;
	uint64_t samples;
	uint64_t distinct;          /* stacks */
	uint64_t stops[OX_N_STOPS]; /* samples with user frames, by how their stack ends */
	struct result_row *rows;
	size_t n_rows;
	size_t rows_size;
	struct {
		char reason[32];
		uint64_t n;
	} lost[32];
	size_t n_lost;
	bool restricted;
	bool without_kernel; /* kernel frames are left out for want of the right to see them */
	void *texts;         /* owns the strings */
};

/* Copies the row and its texts to the end. 0, -ENOMEM. */
int result_add_row(struct result *result, const struct result_row *row);
void result_add_loss(struct result *result, const char *reason, uint64_t n);
void result_done(struct result *result);

/* The object that `oxprofctl query --json` prints (oxprofctl(1)). state:
 * "paused" or "running". Flushes. 0 or -EIO. */
int result_write_json(const struct result *result, const char *state, uint64_t interval_ns,
		      FILE *out);
