/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/base/cleanup.h"
#include "db/id_set.h"

Test(id_set, has_what_was_added_and_gives_the_largest_first)
{
	static const int64_t ids[] = {1, 63, 64, 16383, 16384, 1000000, INT64_C(1) << 33};
	struct id_set set = {};

	cr_expect_not(id_set_has(&set, 1));
	cr_expect_eq(id_set_take_last(&set), 0);
	for (size_t i = 0; i < array_length(ids); i++) {
		cr_assert_eq(id_set_add(&set, ids[i]), 0);
		cr_assert_eq(id_set_add(&set, ids[i]), 0);
		cr_expect(id_set_has(&set, ids[i]));
		cr_expect_not(id_set_has(&set, ids[i] + 2));
		cr_expect_eq(set.n, i + 1);
	}
	cr_expect_not(id_set_has(&set, 0));
	cr_expect_not(id_set_has(&set, INT64_MAX));
	for (size_t i = array_length(ids); i-- > 0;) {
		cr_expect_eq(id_set_take_last(&set), ids[i]);
		cr_expect_not(id_set_has(&set, ids[i]));
		cr_expect_eq(set.n, i);
	}
	cr_expect_eq(id_set_take_last(&set), 0);
	id_set_done(&set);
}

Test(id_set, takes_no_id_that_would_need_all_memory)
{
	struct id_set set = {};

	cr_expect_eq(id_set_add(&set, INT64_MAX), -ENOMEM);
	cr_expect_eq(set.n, 0);
	id_set_done(&set);
}
