/* SPDX-License-Identifier: MIT */
/* The state of the live view on a terminal, and what each key does. */
#pragma once

#include "client/top/clock.h"
#include "client/top/feed.h"
#include "client/top/view.h"

struct top {
	struct bus *bus;
	const struct request *request;
	struct top_feed *feed;
	struct top_clock *clock;
	struct top_view view;
	struct top_sum sum; /* what is shown */
};

/* Does what the key stands for. Returns 1 where the user wants to quit, else 0. The sum is empty
 * afterwards where the caller has to count again. */
int top_press(struct top *top, unsigned int key);
/* Sums up again unless the view is frozen. Returns 0 or -ENOMEM. */
int top_count(struct top *top);
