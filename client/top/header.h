/* SPDX-License-Identifier: MIT */
/* The lines above the table, the most important first. Their text is not clean yet, and the caller
 * frees it; NULL: no memory. */
#pragma once

#include "client/top/page.h"

#define TOP_HEADER_MAX 6 /* lines below the first */

/* Returns the first line: state, span, what a row is, and with_lost the number of lost samples, for
 * pages that have no line for losses. */
char *top_header_state(const struct top_picture *picture, const struct top_view *view,
		       bool with_lost);
char *top_header_line(const struct top_picture *picture, size_t line);
/* True if the daemon samples. */
bool top_header_is_running(const struct top_picture *picture);
