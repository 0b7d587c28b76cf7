/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

#include "daemon/base/loss.h"
#include "daemon/query/result.h"

/* Names are promises: they stand in databases and in people's scripts. */
static const struct {
	enum ox_loss loss;
	const char *name;
} promised[] = {
	{OX_LOST_LATE, "late"},
	{OX_LOST_FULL, "arena-full"},
	{OX_LOST_CROWDED, "index-crowded"},
	{OX_LOST_NOT_PERMITTED, "not-permitted"},
	{OX_LOST_KERNEL_STACK, "kernel-stack"},
	{OX_LOST_USER_STACK, "user-stack"},
	{OX_LOST_CUT, "stack-cut"},
	{OX_LOST_CHILD, "child"},
	{OX_LOST_MAPPINGS, "mappings"},
	{OX_LOST_GONE, "gone"},
	{OX_LOST_BROKEN, "stack-broken"},
	{OX_LOST_NO_TABLE, "no-table"},
	{OX_LOST_NO_RULE, "no-rule"},
	{OX_LOST_PYTHON, "python-broken"},
	{OX_LOST_PYTHON_NAME, "python-name"},
	{OX_LOST_STORE, "store"},
	{OX_LOST_LIMIT, "limit"},
};

Test(loss, each_has_the_name_that_was_promised)
{
	cr_assert_eq(sizeof(promised) / sizeof(promised[0]), OX_N_LOSSES);
	for (size_t i = 0; i < OX_N_LOSSES; i++)
		cr_expect_str_eq(loss_name(promised[i].loss), promised[i].name);
}

Test(loss, an_answer_has_room_for_each)
{
	struct result result;

	for (unsigned i = 0; i < OX_N_LOSSES; i++)
		cr_expect_lt(strlen(loss_name(i)), sizeof(result.lost[0].reason));
	cr_assert_leq(OX_N_LOSSES, sizeof(result.lost) / sizeof(result.lost[0]));
}

/* The losses of the kernel side come first: it counts no others. */
Test(loss, the_kernel_side_has_its_own)
{
	cr_assert_eq(OX_N_KERNEL_LOSSES, 7);
	cr_assert_eq(OX_LOST_CHILD, OX_N_KERNEL_LOSSES - 1);
	cr_assert_eq(OX_LOST_MAPPINGS, OX_N_KERNEL_LOSSES);
}

/* A query finds at a root what the recorder writes there. */
Test(loss, each_end_is_known_by_its_frame)
{
	static const char *const names[] = {"root",       "cut",     "no-table",     "broken",
					    "unreadable", "no-rule", "python-broken"};

	cr_assert_eq(sizeof(names) / sizeof(names[0]), OX_N_STOPS);
	for (unsigned i = 0; i < OX_N_STOPS; i++) {
		char function[32];

		cr_expect_str_eq(stop_name(i), names[i]);
		snprintf(function, sizeof(function), "[%s]", names[i]);
		cr_expect_eq(stop_of_frame(function, ""), i);
		cr_expect_eq(stop_of_frame(function, "app"), OX_STOP_ROOT);
		cr_expect_eq(stop_of_frame(names[i], ""), OX_STOP_ROOT);
	}
	cr_expect_eq(stop_of_frame("", ""), OX_STOP_ROOT);
	cr_expect_eq(stop_of_frame("[", ""), OX_STOP_ROOT);
	cr_expect_eq(stop_of_frame("[]", ""), OX_STOP_ROOT);
	cr_expect_eq(stop_of_frame("[cu]", ""), OX_STOP_ROOT);
	cr_expect_eq(stop_of_frame("[cuts]", ""), OX_STOP_ROOT);
}
