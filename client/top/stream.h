/* SPDX-License-Identifier: MIT */
/* The output of top for programs: each second a JSON object on a line. */
#pragma once

#include "client/top/clock.h"
#include "client/top/feed.h"

/* Writes until a signal ends it. Returns 0, or a negative errno such as -EPIPE. */
int top_stream_run(struct top_feed *feed, struct top_clock *clock, enum top_sort sort, FILE *out);
