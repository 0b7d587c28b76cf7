/* SPDX-License-Identifier: MIT */
/* A directory of a test's own, gone with all that is in it when the test ends. */
#pragma once

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void directory_make(char *ret, size_t size)
{
	const char *base = getenv("TMPDIR");

	snprintf(ret, size, "%s/test_oxprof.XXXXXX", base ? base : P_tmpdir);
	cr_assert_not_null(mkdtemp(ret));
}

static inline int directory_remove_entry(const char *path, const struct stat *st, int type,
					 struct FTW *ftw)
{
	return remove(path);
}

static inline void directory_remove(const char *path)
{
	(void)nftw(path, directory_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
