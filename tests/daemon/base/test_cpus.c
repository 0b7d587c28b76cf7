/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <unistd.h>

#include "daemon/base/cpus.h"

#define N 8

static void assert_list(const char *text, const char *expected)
{
	bool online[N];

	cr_assert_eq(cpus_parse(text, online, N), 0, "%s", text);
	for (unsigned cpu = 0; cpu < N; cpu++)
		cr_assert_eq(online[cpu], expected[cpu] == '1', "%s: CPU %u", text, cpu);
}

Test(cpus, a_list_is_numbers_and_ranges)
{
	assert_list("0\n", "10000000");
	assert_list("0-1\n", "11000000");
	assert_list("0,2-4,7", "10111001");
	assert_list("\n", "00000000");
	assert_list("6-1000,4000000000", "00000011");
}

Test(cpus, what_is_no_list_is_refused)
{
	static const char *const bad[] = {
		"a", "-1", "3-", "1-0", "1 2", "1,x", "99999999999999999999999"};
	bool online[N];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(cpus_parse(bad[i], online, N), -EINVAL, "%s", bad[i]);
}

Test(cpus, those_that_are_possible)
{
	bool possible[4096];
	long n = 0;

	cr_assert_eq(cpus_read_possible(possible, 4096), 0);
	for (size_t i = 0; i < 4096; i++)
		n += possible[i];
	cr_assert_eq(n, sysconf(_SC_NPROCESSORS_CONF));
}

Test(cpus, this_one_is_online)
{
	bool online[4096];
	long n = 0;

	cr_assert_eq(cpus_read_online(online, 4096), 0);
	for (size_t i = 0; i < 4096; i++)
		n += online[i];
	cr_assert_eq(n, sysconf(_SC_NPROCESSORS_ONLN));
}
