/* SPDX-License-Identifier: MIT */
/* A directory of a test's own, gone with all that is in it when the test ends. */
#pragma once

#include <stddef.h>

/* Makes an empty one in TMPDIR and writes its path. */
void directory_make(char *ret, size_t size);

/* Removes it with all that is in it; there may be none. */
void directory_remove(const char *path);
