/* SPDX-License-Identifier: MIT */
/* The inside of the model, for top_model.c and top_sum.c. */
#pragma once

#include "client/top/items.h"

/* A second that had to wait for its answer counts as one, too. */
#define TOP_TICKS TOP_SPAN_MAX

struct top_part {
	uint32_t item;
	uint64_t self;
	uint64_t total;
};

/* What came between two answers. */
struct top_tick {
	double seconds; /* 0: there was none yet */
	uint64_t samples;
	struct json_object *lost;
	struct json_object *stacks;
	struct top_part *parts; /* of items with hits */
	size_t n;
};

struct top_model {
	struct top_items *items;
	struct top_tick ticks[TOP_TICKS]; /* a ring */
	size_t newest;
	struct top_tick all;  /* of all ticks so far; its parts are in the items */
	struct top_tick last; /* the answer before, likewise */
	bool has_last;
	bool began; /* there was one */
	bool filtered;
};

void top_tick_done(struct top_tick *tick);
