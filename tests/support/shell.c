/* SPDX-License-Identifier: MIT */
#include "tests/support/shell.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void shell_run(const char *directory, const char *format, ...)
{
	char command[2048];
	int length = snprintf(command, sizeof(command), "cd %s && ", directory);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command + length, sizeof(command) - length, format, arguments);
	va_end(arguments);
	cr_assert_eq(system(command), 0, "%s", command);
}
