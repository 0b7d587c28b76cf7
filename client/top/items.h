/* SPDX-License-Identifier: MIT */
/* Everything with hits that an answer has named so far, with its counts; for the model only. */
#pragma once

#include "client/top/model.h"

enum top_match { TOP_MATCH_UNKNOWN, TOP_MATCH_YES, TOP_MATCH_NO };

struct top_counter {
	uint64_t self;
	uint64_t total;
};

struct top_item {
	struct top_name *name;
	struct top_counter last; /* in the answer before */
	struct top_counter next; /* in the one that is being read */
	struct top_counter all;  /* all differences so far */
	enum top_match match;
};

struct top_items;

struct top_items *top_items_new(void);
struct top_items *top_items_free(struct top_items *items);
uint32_t top_items_count(const struct top_items *items);
/* That are kept: with those that processes had before. */
uint32_t top_items_count_names(const struct top_items *items);
/* Moves with the next top_items_read(). */
struct top_item *top_items_get(const struct top_items *items, uint32_t index);

/* The records of an answer into `next`, of items that are not in it 0. 0, -EBADMSG, -ENOMEM. */
int top_items_read(struct top_items *items, struct json_object *answer);
