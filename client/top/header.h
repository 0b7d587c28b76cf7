/* SPDX-License-Identifier: MIT */
/* The lines above the table, the most important first. Text is not cleaned yet. The caller frees;
 * NULL: no memory. */
#pragma once

#include "client/top/page.h"

#define TOP_HEADER_MAX 6 /* lines below the first */

/* State, span, what a row is. with_lost: the number of lost samples, for where no line has room. */
char *top_header_state(const struct top_picture *picture, const struct top_view *view,
		       bool with_lost);
char *top_header_line(const struct top_picture *picture, size_t line);
/* Is anything sampled? */
bool top_header_is_running(const struct top_picture *picture);
