/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/query/calltree.h"

define_cleanup(struct calltree *, calltree_free);

enum { MAIN, WORK, LEAF, SYSCALL, N_FRAMES };

/* Makes the nodes 1 main, 2 main;work, 3 main;work;leaf, 4 main;work;leaf;work, 5 main;leaf, 6 leaf
 * (a second root), 7 main;work;syscall, 8 main;work;syscall;syscall. */
static struct calltree *make_tree(void)
{
	static const uint32_t nodes[][2] = {{0, MAIN}, {1, WORK}, {2, LEAF},    {3, WORK},
					    {1, LEAF}, {0, LEAF}, {2, SYSCALL}, {7, SYSCALL}};
	struct calltree *tree = calltree_new();

	for (size_t i = 0; i < array_length(nodes); i++)
		cr_assert_eq(calltree_add_node(tree, nodes[i][0], nodes[i][1]), 0);
	return tree;
}

static const uint64_t hits[9] = {1000, 1, 2, 4, 8, 16, 32, 64, 128};

static void expect_fold(const uint32_t *group_of, uint32_t n, const uint64_t *self,
			const uint64_t *total)
{
	_cleanup_(calltree_free_p) struct calltree *tree = make_tree();
	uint64_t got_self[N_FRAMES] = {0}, got_total[N_FRAMES] = {0};

	cr_assert_eq(calltree_fold(tree, hits, group_of, n, got_self, got_total), 0);
	for (uint32_t i = 0; i < n; i++) {
		cr_expect_eq(got_self[i], self[i], "self of %u: %lu", i, got_self[i]);
		cr_expect_eq(got_total[i], total[i], "total of %u: %lu", i, got_total[i]);
	}
}

Test(calltree, keeps_what_was_added)
{
	_cleanup_(calltree_free_p) struct calltree *tree = make_tree();

	cr_expect_eq(calltree_count(tree), 8);
	cr_expect_eq(calltree_parent(tree, 3), 2);
	cr_expect_eq(calltree_frame(tree, 3), LEAF);
	cr_expect_eq(calltree_parent(tree, 6), 0);
	cr_expect_eq(calltree_add_node(tree, 10, MAIN), -EINVAL);
	cr_expect_eq(calltree_add_node(tree, 9, MAIN), -EINVAL);
	cr_expect_eq(calltree_add_node(tree, 8, MAIN), 0);
	cr_expect_eq(calltree_count(tree), 9);
}

Test(calltree, counts_recursion_once)
{
	static const uint32_t group_of[] = {0, 1, 2, 3};
	static const uint64_t self[] = {1, 2 + 8, 4 + 16 + 32, 64 + 128};
	static const uint64_t total[] = {223, 206, 4 + 8 + 16 + 32, 64 + 128};

	expect_fold(group_of, 4, self, total);
}

Test(calltree, groups_frames)
{
	static const uint32_t group_of[] = {0, 1, 1, 0}; /* main and syscall are one module */
	static const uint64_t self[] = {1 + 64 + 128, 2 + 4 + 8 + 16 + 32};
	static const uint64_t total[] = {223, 206 + 16 + 32};

	expect_fold(group_of, 2, self, total);
}

Test(calltree, folds_nothing)
{
	_cleanup_(calltree_free_p) struct calltree *tree = calltree_new();
	uint64_t only[1] = {5}, self = 7, total = 7;

	cr_expect_eq(calltree_fold(tree, only, NULL, 0, NULL, NULL), 0);
	cr_expect_eq(calltree_add_node(tree, 0, 0), 0);
	cr_expect_eq(calltree_fold(tree, (uint64_t[]){5, 1}, (uint32_t[]){0}, 1, &self, &total), 0);
	cr_expect(self == 8 && total == 8, "results are added to");
	cr_expect_null(calltree_free(NULL));
}

/* Finds the same sums by walking up from each node. */
static void fold_slowly(const struct calltree *tree, const uint64_t *n, const uint32_t *group_of,
			uint64_t *self, uint64_t *total)
{
	for (uint32_t i = 1; i <= calltree_count(tree); i++) {
		bool seen[64] = {false}, leaf = true;

		for (uint32_t at = i; at; at = calltree_parent(tree, at)) {
			uint32_t group = group_of[calltree_frame(tree, at)];

			self[group] += leaf ? n[i] : 0;
			leaf = false;
			total[group] += seen[group] ? 0 : n[i];
			seen[group] = true;
		}
	}
}

Test(calltree, agrees_with_the_slow_way)
{
	enum { NODES = 5000, FRAMES = 100, GROUPS = 64 };
	static uint64_t n[NODES + 1], self[GROUPS], total[GROUPS], slow_self[GROUPS],
		slow_total[GROUPS];
	uint32_t group_of[FRAMES];

	srandom(1);
	for (int round = 0; round < 20; round++) {
		_cleanup_(calltree_free_p) struct calltree *tree = calltree_new();

		for (uint32_t i = 0; i < FRAMES; i++)
			group_of[i] = (uint32_t)random() % GROUPS;
		for (uint32_t i = 0; i < NODES; i++) {
			/* Half of the nodes are children of the last one: stacks get deep. */
			uint32_t parent = random() % 2 ? i : (uint32_t)random() % (i + 1);

			calltree_add_node(tree, parent, (uint32_t)random() % FRAMES);
			n[i + 1] = random() % 3 ? 0 : (uint64_t)random() % 1000;
		}
		memset(self, 0, sizeof(self));
		memset(total, 0, sizeof(total));
		memset(slow_self, 0, sizeof(self));
		memset(slow_total, 0, sizeof(total));
		cr_assert_eq(calltree_fold(tree, n, group_of, GROUPS, self, total), 0);
		fold_slowly(tree, n, group_of, slow_self, slow_total);
		cr_assert_eq(memcmp(self, slow_self, sizeof(self)), 0);
		cr_assert_eq(memcmp(total, slow_total, sizeof(total)), 0);
	}
}
