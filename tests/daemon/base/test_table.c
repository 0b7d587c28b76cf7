/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/base/table.h"

define_cleanup(struct table *, table_free);

#define MANY 100000

static uint32_t intern(struct table *table, const char *key, int expected)
{
	uint32_t index = UINT32_MAX;

	cr_expect_eq(table_intern(table, key, strlen(key), &index), expected, "%s", key);
	return index;
}

Test(table, gives_dense_indexes)
{
	_cleanup_(table_free_p) struct table *table = table_new();
	uint32_t index = 7;

	cr_expect_eq(table_count(table), 0);
	cr_expect_eq(table_find(table, "a", 1, &index), -ENOENT);
	cr_expect_eq(intern(table, "a", 1), 0);
	cr_expect_eq(intern(table, "b", 1), 1);
	cr_expect_eq(intern(table, "a", 0), 0);
	cr_expect_eq(intern(table, "", 1), 2);
	cr_expect_eq(intern(table, "", 0), 2);
	cr_expect_eq(table_find(table, "c", 1, &index), -ENOENT);
	cr_expect_eq(index, 7);
	cr_expect_eq(table_find(table, "b", 1, &index), 0);
	cr_expect_eq(index, 1);
	cr_expect_eq(table_count(table), 3);
}

Test(table, keys_are_bytes)
{
	_cleanup_(table_free_p) struct table *table = table_new();
	uint32_t a, b, c;

	table_intern(table, "x\0y", 3, &a);
	table_intern(table, "x\0z", 3, &b);
	table_intern(table, "x", 1, &c);
	cr_expect(a == 0 && b == 1 && c == 2);
}

Test(table, keeps_copies_that_do_not_move)
{
	_cleanup_(table_free_p) struct table *table = table_new();
	char key[32] = "first", long_key[40000];
	const char *borrowed;
	uint32_t index;
	size_t length;

	intern(table, key, 1);
	memset(key, 'x', sizeof(key));
	borrowed = table_get_key(table, 0, &length);
	memset(long_key, 'l', sizeof(long_key));
	cr_expect_eq(table_intern(table, long_key, sizeof(long_key), &index), 1);
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		cr_assert_eq(intern(table, key, 1), i + 2);
	}
	cr_expect_eq((const void *)borrowed, table_get_key(table, 0, NULL));
	cr_expect(length == 5 && memcmp(borrowed, "first", 5) == 0);
	cr_expect(memcmp(table_get_key(table, 1, &length), long_key, sizeof(long_key)) == 0);
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		cr_assert(table_find(table, key, strlen(key), &index) == 0 && index == i + 2);
		cr_assert((uintptr_t)table_get_key(table, index, NULL) % 8 == 0);
	}
	cr_expect_gt(table_bytes(table), MANY * 8 + sizeof(long_key));
	cr_expect_lt(table_bytes(table), MANY * 64 + sizeof(long_key));
}

Test(table, begins_anew_when_cleared)
{
	_cleanup_(table_free_p) struct table *table = table_new();
	size_t empty = table_bytes(table);
	uint32_t index;

	intern(table, "a", 1);
	intern(table, "b", 1);
	table_clear(table);
	cr_expect_eq(table_count(table), 0);
	cr_expect_eq(table_bytes(table), empty);
	cr_expect_eq(table_find(table, "a", 1, &index), -ENOENT);
	cr_expect_eq(intern(table, "b", 1), 0);
	cr_expect_null(table_free(NULL));
}
