/* SPDX-License-Identifier: MIT */
/* The files of client/page, which are part of the program (client/embed.cmake). */
#pragma once

#include <stddef.h>

/* Finds a file by its name; the bytes are static, with a zero behind the last one. Returns 0 or
 * -ENOENT. */
int page_find(const char *name, const char **ret_data, size_t *ret_size);
/* Returns "sha256-...", as a Content-Security-Policy names a file that may run; NULL: there is no
 * such file. */
const char *page_hash(const char *name);
