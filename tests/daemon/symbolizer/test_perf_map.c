/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/base/cleanup.h"
#include "tests/fuzz/fuzz_perf_map.c"
#include "tests/support/seeds.h"

static struct perf_map *parse(const char *text)
{
	struct perf_map *map = NULL;
	char *copy = strdup(text);

	cr_assert_eq(perf_map_parse(copy, strlen(text), &map), 0);
	return map;
}

static void assert_name(const struct perf_map *map, uint64_t address, const char *name,
			uint64_t start)
{
	uint64_t found = 0;
	const char *text = perf_map_find(map, address, &found);

	cr_assert_not_null(text, "%#lx", (unsigned long)address);
	cr_assert_str_eq(text, name);
	cr_assert_eq(found, start);
}

static void assert_none(const struct perf_map *map, uint64_t address)
{
	uint64_t start;

	cr_assert_null(perf_map_find(map, address, &start));
}

Test(perf_map, names_by_address)
{
	struct perf_map *map = parse("7f0000001000 20 LazyCompile:~a b /x.js:1:2\n"
				     "7f0000001020 1 py::f:/a b.py\n"
				     "0x2000 0X10 with prefix\n"
				     "FfFf000 ff upper\n");

	assert_name(map, 0x7f0000001000, "LazyCompile:~a b /x.js:1:2", 0x7f0000001000);
	assert_name(map, 0x7f000000101f, "LazyCompile:~a b /x.js:1:2", 0x7f0000001000);
	assert_name(map, 0x7f0000001020, "py::f:/a b.py", 0x7f0000001020);
	assert_none(map, 0x7f0000001021);
	assert_none(map, 0x7f0000000fff);
	assert_name(map, 0x200f, "with prefix", 0x2000);
	assert_name(map, 0xffff0fe, "upper", 0xffff000);
	perf_map_free(map);
}

Test(perf_map, later_lines_hold)
{
	struct perf_map *map = parse("1000 100 old\n"
				     "1080 10 new\n"
				     "1000 8 newest\n");

	assert_name(map, 0x1000, "newest", 0x1000);
	assert_name(map, 0x1008, "old", 0x1000);
	assert_name(map, 0x1085, "new", 0x1080);
	assert_name(map, 0x1090, "old", 0x1000);
	perf_map_free(map);
}

Test(perf_map, other_lines_are_passed_over)
{
	struct perf_map *map = parse("\n"
				     "hello\n"
				     "1000\n"
				     "1000 10\n"
				     "1000 10 \n"
				     "1000  10 two spaces\n"
				     "-1000 10 sign\n"
				     "10000000000000000 10 too long\n"
				     "ffffffffffffffff 10 wraps\n"
				     "1000 0 empty\n"
				     "3000 10 good\n"
				     "4000 10 not at its end");

	assert_none(map, 0x1000);
	assert_none(map, 0);
	assert_none(map, UINT64_MAX);
	assert_name(map, 0x3000, "good", 0x3000);
	assert_none(map, 0x4000);
	perf_map_free(map);
}

Test(perf_map, of_a_file)
{
	_cleanup_close_ int fd = memfd_create("map", MFD_CLOEXEC);
	struct perf_map *map = NULL;
	char line[64];

	cr_assert_eq(perf_map_read(fd, &map), 0);
	assert_none(map, 0x1000);
	perf_map_free(map);
	for (unsigned int i = 0; i < 40000; i++) {
		int length = snprintf(line, sizeof(line), "%x 10 function_%u\n", i * 16, i);

		cr_assert_eq(write(fd, line, length), length);
	}
	cr_assert_eq(perf_map_read(fd, &map), 0);
	assert_name(map, 39999 * 16 + 3, "function_39999", 39999 * 16);
	cr_assert_gt(perf_map_bytes(map), 40000);
	perf_map_free(map);
	cr_assert_eq(perf_map_read(-1, &map), -EIO);
}

Test(perf_map, seeds)
{
	seeds_run(LLVMFuzzerTestOneInput, "perf_map", 500);
}
