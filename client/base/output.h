/* SPDX-License-Identifier: MIT */
/*
 * Where a report goes: standard output, or a file. A file is written under another name beside it
 * and gets its own when it is complete, so that nobody meets half of it; where it cannot be
 * completed, also on SIGINT, SIGTERM and SIGHUP, nothing is left and what was there before stays.
 * Nobody may read the new one who could not read the old one.
 * What is no regular file (a FIFO, /dev/stdout) is written directly.
 */
#pragma once

#include <stdio.h>

struct output;

/* name NULL: standard output. There may be one output at a time. 0, or a negative errno and
 * *ret_why: one line for people, which names the file; the caller frees; NULL: no memory. */
int output_open(const char *name, struct output **ret, char **ret_why);
/* To be written to; errors of writing are told by output_error(). */
FILE *output_file(struct output *output);
/* Of writing so far: 0 or a negative errno. */
int output_error(const struct output *output);
/* Writes the rest and gives the file its name. As output_open(); -EPIPE, with NULL: nobody reads
 * on. */
int output_finish(struct output *output, char **ret_why);
/* Removes what was not finished. */
struct output *output_free(struct output *output);
