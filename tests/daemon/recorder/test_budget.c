/* SPDX-License-Identifier: MIT */
/* The programs of one user may bring so much and no more. */
#include <criterion/criterion.h>

#include "daemon/recorder/budget.h"

#define SECOND_NS UINT64_C(1000000000)

static struct budget *budget;

static void set_up(void)
{
	budget = budget_new();
	cr_assert_not_null(budget);
}

static void tear_down(void)
{
	budget_free(budget);
}

TestSuite(budget, .init = set_up, .fini = tear_down);

/* Takes one by one until there is nothing left. */
static uint64_t take_all(uint32_t uid, enum budget_kind kind, uint64_t now_ns)
{
	uint64_t n = 0;

	while (n < 100000000 && budget_take(budget, uid, kind, 1, now_ns))
		n++;
	return n;
}

Test(budget, has_a_store_and_fills_up_again)
{
	uint64_t first = take_all(1000, BUDGET_NODES, SECOND_NS);
	uint64_t second = take_all(1000, BUDGET_NODES, 2 * SECOND_NS);

	cr_expect_gt(first, 10 * second, "a machine that is seen for the first time");
	cr_expect_gt(second, 0);
	cr_expect_eq(take_all(1000, BUDGET_NODES, 4 * SECOND_NS), 2 * second);
	cr_expect_eq(take_all(1000, BUDGET_NODES, 1000000 * SECOND_NS), first, "it is full then");
}

Test(budget, an_older_sample_fills_nothing)
{
	(void)take_all(1000, BUDGET_NODES, 2 * SECOND_NS);
	cr_expect_not(budget_take(budget, 1000, BUDGET_NODES, 1, SECOND_NS));
	cr_expect_not(budget_take(budget, 1000, BUDGET_NODES, 1, 2 * SECOND_NS));
}

Test(budget, accounts_are_apart)
{
	uint64_t nodes = take_all(1000, BUDGET_NODES, SECOND_NS);

	cr_expect_eq(take_all(1001, BUDGET_NODES, SECOND_NS), nodes, "another user");
	cr_expect_gt(take_all(1000, BUDGET_FRAMES, SECOND_NS), 0, "another kind");
}

Test(budget, somebody_with_many_uids_has_no_more_than_some_users)
{
	uint64_t first = take_all(1000, BUDGET_NODES, SECOND_NS), all = first;

	for (uint32_t uid = 1001; uid < 1030; uid++)
		all += take_all(uid, BUDGET_NODES, SECOND_NS);
	cr_expect_gt(all, first, "another user");
	cr_expect_leq(all, 5 * first);
	cr_expect_gt(take_all(1030, BUDGET_FRAMES, SECOND_NS), 0, "another kind");
	cr_expect_gt(take_all(1000, BUDGET_NODES, 2 * SECOND_NS), 0, "it fills up again");
}

Test(budget, takes_all_or_nothing)
{
	uint64_t bytes = take_all(1000, BUDGET_BYTES, SECOND_NS);

	cr_expect_not(budget_take(budget, 1001, BUDGET_BYTES, bytes + 1, SECOND_NS));
	cr_expect(budget_take(budget, 1001, BUDGET_BYTES, bytes, SECOND_NS));
	cr_expect_not(budget_take(budget, 1001, BUDGET_BYTES, 1, SECOND_NS));
}

Test(budget, root_is_not_bounded)
{
	cr_expect(budget_take(budget, 0, BUDGET_BYTES, UINT64_MAX, SECOND_NS));
	cr_expect(budget_take(budget, 0, BUDGET_BYTES, UINT64_MAX, SECOND_NS));
}

Test(budget, many_users_share_the_last_account)
{
	for (uint32_t uid = 1; uid < 70; uid++)
		(void)budget_take(budget, uid, BUDGET_BYTES, 1, SECOND_NS);
	(void)take_all(69, BUDGET_BYTES, SECOND_NS);
	cr_expect_not(budget_take(budget, 70, BUDGET_BYTES, 1, SECOND_NS));
	cr_expect(budget_take(budget, 1, BUDGET_BYTES, 1, SECOND_NS));
}
