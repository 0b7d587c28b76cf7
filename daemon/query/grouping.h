/* SPDX-License-Identifier: MIT */
/* Hits of nodes or tasks, summed under the names that a query asks for. */
#pragma once

#include <stdint.h>

#include "daemon/query/query.h"
#include "daemon/query/result.h"
#include "daemon/query/stacks.h"
#include "daemon/query/tasks.h"

struct grouping;

/* Borrows stacks and tasks until it is freed. The tree is one of frames of the stacks. node_hits:
 * for each of its nodes, 0 among them; task_hits: for each group of tasks, both NULL where the
 * query is not by these. 0, -ENOMEM. */
int grouping_new(const struct query *query, const struct stacks *stacks,
		 const struct calltree *tree, const struct tasks *tasks, const uint64_t *node_hits,
		 const uint64_t *task_hits, struct grouping **ret);
struct grouping *grouping_free(struct grouping *grouping);

uint32_t grouping_count(const struct grouping *grouping);
uint64_t grouping_self(const struct grouping *grouping, uint32_t group);
uint64_t grouping_total(const struct grouping *grouping, uint32_t group);
/* All about one group. The texts are borrowed, the name only until the next call. 0, -ENOMEM. */
int grouping_describe(struct grouping *grouping, uint32_t group, struct result_row *ret);
