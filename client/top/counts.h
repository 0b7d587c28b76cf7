/* SPDX-License-Identifier: MIT */
/* Counts by word, {"REASON":N}: of losses, and of how stacks end. NULL stands for none. */
#pragma once

#include "client/base/json_tree.h"

/* Adds `more`. 0 or -ENOMEM; then some of it may be added. */
int top_counts_add(struct json_object *counts, struct json_object *more);
/* A new object with what `later` has more than `earlier`, words without any left out. 0; -ERANGE:
 * it has less of some; -ENOMEM. */
int top_counts_subtract(struct json_object *later, struct json_object *earlier,
			struct json_object **ret);
