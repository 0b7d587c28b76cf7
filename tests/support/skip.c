/* SPDX-License-Identifier: MIT */
#include "tests/support/skip.h"

#include <criterion/criterion.h>
#include <stdio.h>

void skip_loudly(const char *why)
{
	fprintf(stderr, "SKIPPED: %s\n", why);
	cr_skip_test("%s", why);
}
