/* SPDX-License-Identifier: MIT */
/*
 * Stacks as a tree of nodes with parent pointers, and hits folded over it: self (the leaf) and
 * total (a function anywhere on the stack, once per sample however often it recurs). Nothing
 * outside of the tree is read or changed. A parent's index is smaller than its children's; node 0
 * is "no stack".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct calltree;

/* Returns an empty tree, or NULL where there is no memory. */
struct calltree *calltree_new(void);
struct calltree *calltree_free(struct calltree *tree);

/* Adds a node; nodes get the indexes 1, 2, ... in the order they are added. `frame` is any number
 * that the caller chooses. Returns 0, -EINVAL if the parent is not there yet, or -ENOMEM. */
int calltree_add_node(struct calltree *tree, uint32_t parent, uint32_t frame);
/* Returns the number of nodes without node 0, which is the largest index. */
uint32_t calltree_count(const struct calltree *tree);
/* Returns the bytes held. */
size_t calltree_bytes(const struct calltree *tree);
/* Returns 0 for a root, and for node 0. */
uint32_t calltree_parent(const struct calltree *tree, uint32_t node);
/* Returns the frame of a node other than node 0. */
uint32_t calltree_frame(const struct calltree *tree, uint32_t node);

/*
 * Adds self and total of each group to ret_self and ret_total, which have n_groups elements. hits
 * has an element for each node from 0 to calltree_count(). group_of[frame] is the group (a
 * function, a module, ...) of each frame, below n_groups. Returns 0 or -ENOMEM.
 */
int calltree_fold(const struct calltree *tree, const uint64_t *hits, const uint32_t *group_of,
		  uint32_t n_groups, uint64_t *ret_self, uint64_t *ret_total);
