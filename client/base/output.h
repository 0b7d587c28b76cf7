/* SPDX-License-Identifier: MIT */
/*
 * The destination of a report: standard output, or a file. A file is written under another name in
 * the same directory and renamed when it is complete, so that nobody sees half of it. If it cannot
 * be completed, also on SIGINT, SIGTERM and SIGHUP, nothing is left of it, and what was there
 * before stays. Nobody can read the new file who could not read the old one, and its owner is that
 * of the old one: where a new file cannot have that owner, the old one is filled at the end.
 * Anything but a regular file (a FIFO, /dev/stdout) is written directly.
 */
#pragma once

#include <stdio.h>

struct output;

/* Opens the file of that name; NULL: standard output. There may be one output at a time. Returns 0,
 * or a negative errno with a line for the user in *ret_why, which names the file; the caller frees
 * the line; NULL if there is no memory. */
int output_open(const char *name, struct output **ret, char **ret_why);
/* Returns the stream to write to; output_error() has its errors. */
FILE *output_file(struct output *output);
/* Returns the first error of writing so far: 0 or a negative errno. */
int output_error(const struct output *output);
/* Writes the rest and gives the file its name. Returns as output_open() does, or -EPIPE with NULL
 * in *ret_why where nobody reads on. */
int output_finish(struct output *output, char **ret_why);
/* Frees the output and removes a file that was not finished. Returns NULL. */
struct output *output_free(struct output *output);
