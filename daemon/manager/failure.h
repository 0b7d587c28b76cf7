/* SPDX-License-Identifier: MIT */
/* Why something was refused: a name for programs and one line for people. */
#pragma once

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct failure {
	const char *name; /* OX_ERROR_*; NULL: none */
	char text[512];   /* what was tried, on what, why, what to do */
};

/* Returns the negative errno that it is given. */
__attribute__((format(printf, 4, 5))) static inline int
failure_set(struct failure *failure, int error, const char *name, const char *format, ...)
{
	va_list args;

	assert(error < 0 && name);
	failure->name = name;
	va_start(args, format);
	vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return error;
}
