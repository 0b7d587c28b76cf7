/* SPDX-License-Identifier: MIT */
/*
 * Stacks as a query sees them: the frames that it leaves out are taken from each, and those that
 * are equal then are one.
 *
 * A mark of missing callers ("[cut]", "[no-table]", ...) stays at the root of a stack, of whatever
 * kind the frames are, where one of them is left behind it; the mark before the kernel's part goes
 * with that part.
 */
#pragma once

#include <stdint.h>

#include "daemon/query/query.h"
#include "daemon/query/stacks.h"

struct pruning;

/* Borrows both until it is freed; meanwhile no stacks may be read. 0, -ENOMEM. */
int pruning_new(const struct query *query, const struct stacks *stacks, struct pruning **ret);
struct pruning *pruning_free(struct pruning *pruning);

/* What is left of the stack of this node of the stacks' tree: a node of pruning_tree(), 0 nothing.
 * Never more than the stacks' tree has. 0, -ENOMEM. */
int pruning_find(struct pruning *pruning, uint32_t node, uint32_t *ret);
/* Has at least what was found so far; its frames are those of the stacks. */
const struct calltree *pruning_tree(const struct pruning *pruning);
