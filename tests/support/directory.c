/* SPDX-License-Identifier: MIT */
#include "tests/support/directory.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void directory_make(char *ret, size_t size)
{
	const char *base = getenv("TMPDIR");

	snprintf(ret, size, "%s/test_oxprof.XXXXXX", base ? base : P_tmpdir);
	cr_assert_not_null(mkdtemp(ret));
}

static int directory_remove_entry(const char *path, const struct stat *st, int type,
				  struct FTW *ftw)
{
	return remove(path);
}

void directory_remove(const char *path)
{
	(void)nftw(path, directory_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
