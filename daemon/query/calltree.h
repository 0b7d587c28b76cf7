/* SPDX-License-Identifier: MIT */
/*
 * Stacks as a tree of nodes with parent pointers, and hits folded over it: self (the leaf) and
 * total (a function anywhere on the stack, once per sample however often it recurs). Pure. A
 * parent's index is smaller than its children's; node 0 is "no stack".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct calltree;

struct calltree *calltree_new(void);
struct calltree *calltree_free(struct calltree *tree);

/* Nodes get the indexes 1, 2, ... in the order they are added. `frame` is any number of the
 * caller's. 0, -EINVAL (the parent is not there yet), -ENOMEM. */
int calltree_add_node(struct calltree *tree, uint32_t parent, uint32_t frame);
uint32_t calltree_count(const struct calltree *tree);
uint32_t calltree_parent(const struct calltree *tree, uint32_t node);
uint32_t calltree_frame(const struct calltree *tree, uint32_t node);

/*
 * self and total by group. hits[node] for node 0 .. count. group_of[frame] names the group (a
 * function, a module, ...) of each frame. ret_self and ret_total have n_groups elements and are
 * added to. 0 or -ENOMEM.
 */
int calltree_fold(const struct calltree *tree, const uint64_t *hits, const uint32_t *group_of,
		  uint32_t n_groups, uint64_t *ret_self, uint64_t *ret_total);
