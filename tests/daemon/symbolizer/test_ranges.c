/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "daemon/symbolizer/ranges.h"

Test(ranges, the_later_one_holds)
{
	struct ranges *ranges = ranges_new();

	cr_assert_eq(ranges_add(ranges, 100, 100, 1), 0);
	cr_assert_eq(ranges_add(ranges, 150, 10, 2), 0);
	cr_assert_eq(ranges_add(ranges, 50, 60, 3), 0);
	cr_assert_eq(ranges_add(ranges, 190, 20, RANGES_NONE), 0);
	cr_assert_eq(ranges_sort(ranges), 0);
	cr_assert_eq(ranges_find(ranges, 49), RANGES_NONE);
	cr_assert_eq(ranges_find(ranges, 50), 3);
	cr_assert_eq(ranges_find(ranges, 109), 3);
	cr_assert_eq(ranges_find(ranges, 110), 1);
	cr_assert_eq(ranges_find(ranges, 150), 2);
	cr_assert_eq(ranges_find(ranges, 160), 1);
	cr_assert_eq(ranges_find(ranges, 190), RANGES_NONE);
	ranges_free(ranges);
}

Test(ranges, at_the_ends_of_all_addresses)
{
	struct ranges *ranges = ranges_new();

	cr_assert_eq(ranges_add(ranges, 0, 1, 1), 0);
	cr_assert_eq(ranges_add(ranges, UINT64_MAX - 1, 1, 2), 0);
	cr_assert_eq(ranges_add(ranges, UINT64_MAX - 1, 5, 3), 0, "wraps: left out");
	cr_assert_eq(ranges_add(ranges, 7, 0, 3), 0);
	cr_assert_eq(ranges_sort(ranges), 0);
	cr_assert_eq(ranges_find(ranges, 0), 1);
	cr_assert_eq(ranges_find(ranges, 1), RANGES_NONE);
	cr_assert_eq(ranges_find(ranges, 7), RANGES_NONE);
	cr_assert_eq(ranges_find(ranges, UINT64_MAX - 1), 2);
	cr_assert_eq(ranges_find(ranges, UINT64_MAX), RANGES_NONE);
	ranges_free(ranges);
}

Test(ranges, none)
{
	struct ranges *ranges = ranges_new();

	cr_assert_eq(ranges_sort(ranges), 0);
	cr_assert_eq(ranges_find(ranges, 1), RANGES_NONE);
	ranges_free(ranges);
}

/* Compares with the plain way: each range is written into an array. */
Test(ranges, as_if_each_were_written_over_the_others)
{
	unsigned int seed = 1;

	for (int round = 0; round < 300; round++) {
		struct ranges *ranges = ranges_new();
		uint32_t plain[256];

		for (size_t i = 0; i < 256; i++)
			plain[i] = RANGES_NONE;
		for (uint32_t value = 0; value < (uint32_t)round % 50; value++) {
			uint64_t start = rand_r(&seed) % 200, size = rand_r(&seed) % 50;

			cr_assert_eq(ranges_add(ranges, start, size, value), 0);
			for (uint64_t i = start; i < start + size; i++)
				plain[i] = value;
		}
		cr_assert_eq(ranges_sort(ranges), 0);
		for (size_t i = 0; i < 256; i++)
			cr_assert_eq(ranges_find(ranges, i), plain[i]);
		ranges_free(ranges);
	}
}
