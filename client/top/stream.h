/* SPDX-License-Identifier: MIT */
/* top for programs: a JSON object on a line for each second. */
#pragma once

#include "client/top/clock.h"
#include "client/top/feed.h"

/* Until a signal ends it: 0; -EPIPE and other errors of writing. */
int top_stream_run(struct top_feed *feed, struct top_clock *clock, enum top_sort sort, FILE *out);
