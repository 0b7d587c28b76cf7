/* SPDX-License-Identifier: MIT */
/* Text in aligned columns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client/base/screen.h"

struct grid_column {
	const char *title;
	bool right;    /* aligned */
	bool flexible; /* gives way, cut in the middle, where a line is wider than the terminal */
};

struct grid;

/* Borrows the columns. NULL: no memory. */
struct grid *grid_new(const struct grid_column *columns, size_t n);
struct grid *grid_free(struct grid *grid);

/* The next cell, row by row; copied, control characters replaced. Memory that runs out is told by
 * grid_print(). */
void grid_add(struct grid *grid, const char *text);
void grid_add_format(struct grid *grid, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A line of titles, then the rows. 0 or -ENOMEM; errors of writing stay in the FILE. */
int grid_print(const struct grid *grid, const struct screen *screen, FILE *out);
