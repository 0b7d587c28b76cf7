/* SPDX-License-Identifier: MIT */
/* Hits of nodes or tasks, summed under the names by which a query groups. */
#pragma once

#include <stdint.h>

#include "daemon/query/query.h"
#include "daemon/query/result.h"
#include "daemon/query/stacks.h"
#include "daemon/query/tasks.h"

struct grouping;

/* Sums the hits. Borrows stacks and tasks until the grouping is freed. tree: its frames are those
 * of the stacks. node_hits: by node of the tree, node 0 included. task_hits: by group of tasks;
 * like tasks it may be NULL if the query does not group by process, thread, unit or user. Returns 0
 * or -ENOMEM. */
int grouping_new(const struct query *query, const struct stacks *stacks,
		 const struct calltree *tree, const struct tasks *tasks, const uint64_t *node_hits,
		 const uint64_t *task_hits, struct grouping **ret);
struct grouping *grouping_free(struct grouping *grouping);

/* Returns the bytes held. */
size_t grouping_bytes(const struct grouping *grouping);
uint32_t grouping_count(const struct grouping *grouping);
uint64_t grouping_self(const struct grouping *grouping, uint32_t group);
uint64_t grouping_total(const struct grouping *grouping, uint32_t group);
/* Fills in the row of a group. Its texts are borrowed from the stacks and the tasks, its name until
 * the next call. Returns 0 or -ENOMEM. */
int grouping_describe(struct grouping *grouping, uint32_t group, struct result_row *ret);
