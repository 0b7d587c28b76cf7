/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "daemon/base/api.h"
#include "daemon/base/changes.h"

#define NOW UINT64_C(5000000000)

static struct changes *changes;

static void set_up(void)
{
	changes = changes_new();
	cr_assert_not_null(changes);
}

static void tear_down(void)
{
	changes_free(changes);
}

TestSuite(changes, .init = set_up, .fini = tear_down);

static void use_up(uint32_t uid, uint64_t now_usec)
{
	for (unsigned i = 0; i < OX_CHANGES_AT_ONCE; i++)
		cr_assert_eq(changes_add(changes, uid, now_usec), 0, "%u", i);
}

Test(changes, so_many_at_once_and_then_one_a_second)
{
	use_up(1000, NOW);
	cr_expect_eq(changes_add(changes, 1000, NOW), OX_CHANGE_USEC);
	cr_expect_eq(changes_add(changes, 1000, NOW + 400000), OX_CHANGE_USEC - 400000);
	cr_expect_eq(changes_add(changes, 1000, NOW + OX_CHANGE_USEC), 0);
	cr_expect_eq(changes_add(changes, 1000, NOW + OX_CHANGE_USEC), OX_CHANGE_USEC);
}

/* A refusal costs nothing: whoever asks all the time still gets one a second. */
Test(changes, a_refusal_does_not_count)
{
	unsigned n = 0;

	use_up(1000, NOW);
	for (uint64_t usec = 0; usec <= 10 * OX_CHANGE_USEC; usec += 10000)
		n += changes_add(changes, 1000, NOW + usec) == 0;
	cr_expect_eq(n, 10);
}

Test(changes, who_rests_has_all_of_them_again)
{
	use_up(1000, NOW);
	use_up(1000, NOW + OX_CHANGES_AT_ONCE * OX_CHANGE_USEC);
	use_up(1000, NOW + 100 * OX_CHANGES_AT_ONCE * OX_CHANGE_USEC);
	cr_expect_gt(changes_add(changes, 1000, NOW + 100 * OX_CHANGES_AT_ONCE * OX_CHANGE_USEC),
		     0);
}

Test(changes, each_user_has_their_own)
{
	use_up(1000, NOW);
	use_up(1001, NOW);
	cr_expect_gt(changes_add(changes, 1000, NOW), 0);
	cr_expect_gt(changes_add(changes, 1001, NOW), 0);
	cr_expect_eq(changes_add(changes, 1002, NOW), 0);
}

/* However many users there are, those who have used theirs up stay known. */
Test(changes, many_users_do_not_help_one)
{
	use_up(1000, NOW);
	for (uint32_t uid = 2000; uid < 10000; uid++)
		cr_assert_eq(changes_add(changes, uid, NOW), 0);
	cr_expect_gt(changes_add(changes, 1000, NOW), 0);
}
