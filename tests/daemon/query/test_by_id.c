/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/query/by_id.h"

static uint32_t *find(struct by_id *array, int64_t id, int expected)
{
	void *element = NULL;

	cr_assert_eq(by_id_find(array, id, &element), expected, "%ld", (long)id);
	return element;
}

Test(by_id, elements_come_in_blocks_of_zeros_and_stay_where_they_are)
{
	struct by_id array = BY_ID_OF(uint32_t);
	uint32_t *first = find(&array, 3, 1), *far = find(&array, 1000 * BY_ID_BLOCK - 1, 1);
	size_t bytes = by_id_bytes(&array);

	cr_assert_eq(*first, 0);
	*first = 7;
	*far = 8;
	cr_assert_eq(find(&array, BY_ID_BLOCK - 1, 0) - first, BY_ID_BLOCK - 1 - 3);
	cr_assert_eq(*find(&array, BY_ID_BLOCK, 1), 0);
	cr_assert_eq(find(&array, 3, 0), first);
	cr_assert_eq(*first, 7);
	cr_assert_eq(*find(&array, 1000 * BY_ID_BLOCK - 1, 0), 8);
	cr_assert_eq(by_id_bytes(&array), bytes + BY_ID_BLOCK * sizeof(uint32_t));
	cr_assert_lt(bytes, 1000 * BY_ID_BLOCK * sizeof(uint32_t) / 2, "gaps take little");
	by_id_done(&array);
	cr_assert_eq(by_id_bytes(&array), 0);
}

Test(by_id, refuses_what_is_no_id)
{
	struct by_id array = BY_ID_OF(uint32_t);

	find(&array, -1, -EOVERFLOW);
	find(&array, BY_ID_MAX, -EOVERFLOW);
	cr_assert_eq(by_id_bytes(&array), 0);
	by_id_done(&array);
}
