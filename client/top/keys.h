/* SPDX-License-Identifier: MIT */
/* The live view on a terminal: what is seen, and what each key does. */
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

/* 1: the user wants to end. The sum is empty where it has to be counted anew. */
int top_press(struct top *top, unsigned int key);
/* Sums up anew unless that is frozen. 0 or -ENOMEM */
int top_count(struct top *top);
