/* SPDX-License-Identifier: MIT */
/* The files of client/page, which are part of the program (client/embed.cmake). */
#pragma once

#include <stddef.h>

/* Its bytes, with a zero behind the last one, for good. 0 or -ENOENT. */
int page_find(const char *name, const char **ret_data, size_t *ret_size);
/* "sha256-...", as a Content-Security-Policy names what may run. NULL: there is no such file. */
const char *page_hash(const char *name);
