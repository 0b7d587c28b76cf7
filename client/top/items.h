/* SPDX-License-Identifier: MIT */
/* The functions or processes that answers have named so far, with their counts; only the model uses
 * this. */
#pragma once

#include "client/top/model.h"

enum top_match { TOP_MATCH_UNKNOWN, TOP_MATCH_YES, TOP_MATCH_NO };

struct top_counter {
	uint64_t self;
	uint64_t total;
};

struct top_item {
	struct top_name *name;
	struct top_counter last; /* in the previous answer */
	struct top_counter next; /* in the answer that is being read */
	struct top_counter all;  /* the sum of all differences so far */
	enum top_match match;
};

struct top_items;

struct top_items *top_items_new(void);
struct top_items *top_items_free(struct top_items *items);
uint32_t top_items_count(const struct top_items *items);
/* Returns how many names are kept, including previous names of processes. */
uint32_t top_items_count_names(const struct top_items *items);
/* Returns an item, which is borrowed until the next top_items_read(). */
struct top_item *top_items_get(const struct top_items *items, uint32_t index);

/* Reads the records of an answer into `next`, which is 0 for items without a record. Returns 0,
 * -EBADMSG or -ENOMEM. */
int top_items_read(struct top_items *items, struct json_object *answer);
