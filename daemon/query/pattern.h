/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions from untrusted callers; the only user of PCRE2. Time and memory are bounded,
 * so that no pattern and no name can hold the daemon up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pattern;

/* Compiles a pattern. Returns 0, -EINVAL if the text is no regular expression (ret_why, of `size`
 * bytes, says that, why and where), -E2BIG if it is longer than OX_PATTERN_BYTES_MAX, or -ENOMEM.
 */
int pattern_new(const char *text, struct pattern **ret, char *ret_why, size_t size);
struct pattern *pattern_free(struct pattern *pattern);
/* Searches the text as Python's re.search does, without an anchor; bytes that are no UTF-8 match
 * nothing. Returns 1 if the pattern was found, 0 if not, -ENOMEM, or -ELOOP if the limit of work is
 * reached. All searches of a pattern share the limit (less than a second; hundreds of thousands of
 * names with a usual pattern), so that each later search fails, too. */
int pattern_search(struct pattern *pattern, const char *text);
