/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions of strangers: the only owner of PCRE2. Bounded in time and memory, so that no
 * pattern and no name can hold the daemon up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pattern;

/* 0; -EINVAL: not a regular expression, and ret_why (size bytes) says why and where; -ENOMEM;
 * -E2BIG: longer than OX_PATTERN_BYTES_MAX. */
int pattern_new(const char *text, struct pattern **ret, char *ret_why, size_t size);
struct pattern *pattern_free(struct pattern *pattern);
/* Searches (does not anchor), as Python's re.search; bytes that are no UTF-8 match nothing. 1
 * found, 0 not, -ENOMEM, -ELOOP: the limit of work was reached, and stays so: it holds for all
 * searches of a pattern together (less than a second; hundreds of thousands of names with a usual
 * pattern). */
int pattern_search(struct pattern *pattern, const char *text);
