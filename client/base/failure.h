/* SPDX-License-Identifier: MIT */
/* A failure as one line for the user. */
#pragma once

#include <stdio.h>

/*
 * Describes what was tried (the verb), why it failed and what to do. name and text are those of a
 * D-Bus error, or NULL where there was none; error is a negative errno, or the result of
 * question_call(). Returns a line that the caller frees, or NULL if there is no memory.
 */
char *failure_describe(const char *verb, const char *name, const char *text, int error);

/* Describes in the same way why the system bus could not be reached. */
char *failure_describe_bus(const char *verb, int error);

/*
 * Prints "oxprofctl: LINE
 * " with control characters replaced; a line of NULL stands for "out of memory".
 */
void failure_print(const char *line, FILE *out);
