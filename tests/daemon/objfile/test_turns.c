/* SPDX-License-Identifier: MIT */
/* Whose request is next. */
#include <criterion/criterion.h>

#include "daemon/objfile/turns.h"

#define SECOND_NS UINT64_C(1000000000)

Test(turns, each_user_has_an_account)
{
	struct turns turns = {0};

	cr_expect_eq(turns_get_used(&turns, 1000), 0);
	turns_charge(&turns, 1000, 5, SECOND_NS);
	turns_charge(&turns, 1001, 7, SECOND_NS);
	turns_charge(&turns, 1000, 2, SECOND_NS);
	cr_expect_eq(turns_get_used(&turns, 1000), 7);
	cr_expect_eq(turns_get_used(&turns, 1001), 7);
	cr_expect_eq(turns_get_used(&turns, 1002), 0);
}

Test(turns, what_is_long_ago_counts_less)
{
	struct turns turns = {0};

	turns_charge(&turns, 1000, 1000, SECOND_NS);
	turns_charge(&turns, 1001, 1, 10 * SECOND_NS);
	cr_expect_eq(turns_get_used(&turns, 1000), 1000);
	turns_charge(&turns, 1001, 8, 11 * SECOND_NS);
	cr_expect_eq(turns_get_used(&turns, 1000), 500);
	cr_expect_eq(turns_get_used(&turns, 1001), 8, "an account that is empty is closed");
	turns_charge(&turns, 1002, 1, 1000 * SECOND_NS);
	cr_expect_eq(turns_get_used(&turns, 1000), 0);
	cr_expect_eq(turns.n, 1);
}

Test(turns, users_beyond_share_the_last_account)
{
	struct turns turns = {0};

	for (uint32_t uid = 0; uid < TURNS_MAX + 3; uid++)
		turns_charge(&turns, uid, 10, SECOND_NS);
	cr_expect_eq(turns.n, TURNS_MAX);
	cr_expect_eq(turns_get_used(&turns, 0), 10);
	cr_expect_eq(turns_get_used(&turns, TURNS_MAX + 2), 40);
}
