/* SPDX-License-Identifier: MIT */
#include "daemon/base/array.h"

#include <criterion/criterion.h>
#include <stdint.h>

#include "daemon/base/cleanup.h"

/* Checks that memory is 0, whatever it was before. */
static void expect_zeros(const uint32_t *array, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		cr_assert_eq(array[i], 0, "%zu", i);
}

Test(array, what_is_extended_is_zero)
{
	_cleanup_free_ uint32_t *array = NULL;
	size_t size = 0, used = 0;

	for (size_t n = 1; n < 100000; n += n / 3 + 1) {
		cr_assert_eq(array_extend(array, size, used, n), 0);
		cr_assert_geq(size, n);
		expect_zeros(array, used, n);
		for (size_t i = 0; i < used; i++)
			cr_assert_eq(array[i], i + 1, "%zu", i);
		for (size_t i = used; i < n; i++)
			array[i] = (uint32_t)i + 1;
		used = n;
	}
}

/* The memory behind the array had other contents before. */
Test(array, room_that_is_there_is_made_zero_when_it_is_used)
{
	_cleanup_free_ uint32_t *array = malloc(16 * sizeof(*array));
	size_t size = 16;
	uint32_t *before = array;

	memset(array, 0xff, 16 * sizeof(*array));
	cr_assert_eq(array_extend(array, size, 4, 9), 0);
	cr_expect_eq(array, before);
	cr_expect_eq(size, 16);
	cr_expect_eq(array[3], UINT32_MAX);
	expect_zeros(array, 4, 9);
	cr_expect_eq(array[9], UINT32_MAX, "touched before it is used");
}

Test(array, it_grows_by_half)
{
	_cleanup_free_ uint32_t *array = NULL;
	size_t size = 0;

	cr_assert_eq(array_extend(array, size, 0, 1000), 0);
	cr_expect_eq(size, 1000);
	cr_assert_eq(array_extend(array, size, 1000, 1001), 0);
	cr_expect_eq(size, 1500);
	cr_assert_eq(array_extend(array, size, 1001, 1001), 0);
	cr_assert_eq(array_extend(array, size, 1001, 10), 0);
	cr_expect_eq(size, 1500);
}

Test(array, the_last_entry_at_or_below)
{
	static const int numbers[] = {1, 3, 3, 3, 7};
	static const struct {
		uint64_t start, end;
	} ranges[] = {{0, 5}, {5, 9}, {UINT64_MAX, UINT64_MAX}};

	cr_assert_eq(array_upper_bound(numbers, 0, , 5), 0);
	cr_assert_eq(array_upper_bound(numbers, 5, , 0), 0);
	cr_assert_eq(array_upper_bound(numbers, 5, , 1), 1);
	cr_assert_eq(array_upper_bound(numbers, 5, , 2), 1);
	cr_assert_eq(array_upper_bound(numbers, 5, , 3), 4);
	cr_assert_eq(array_upper_bound(numbers, 5, , 6), 4);
	cr_assert_eq(array_upper_bound(numbers, 5, , 7), 5);
	cr_assert_eq(array_upper_bound(numbers, 5, , 100), 5);
	cr_assert_eq(array_upper_bound(ranges, 3, .start, 5), 2);
	cr_assert_eq(array_upper_bound(ranges, 3, .end, 8), 1);
	cr_assert_eq(array_upper_bound(ranges, 3, .start, UINT64_MAX), 3);
}
