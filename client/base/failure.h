/* SPDX-License-Identifier: MIT */
/* One line for people about what did not work. */
#pragma once

#include <stdio.h>

/*
 * What was tried (the verb), why it failed, what to do. name and text are those of a D-Bus error or
 * NULL where there was none; error is a negative errno, or what question_call() returned. The
 * caller frees. NULL: no memory.
 */
char *failure_describe(const char *verb, const char *name, const char *text, int error);

/* The same for a system bus that could not be reached. */
char *failure_describe_bus(const char *verb, int error);

/* "oxprofctl: LINE\n"; the line (NULL: out of memory) is made fit for a terminal. */
void failure_print(const char *line, FILE *out);
