/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/process/maps.h"

define_cleanup(struct maps *, maps_free);

static int add(struct maps *maps, uint64_t start, uint64_t end, uint64_t since_ns, const char *path)
{
	struct mapping mapping = {.start = start, .end = end, .since_ns = since_ns, .path = path};

	return maps_add(maps, &mapping);
}

static const char *path_at(const struct maps *maps, uint64_t address, uint64_t at_ns)
{
	const struct mapping *mapping = maps_find(maps, address, at_ns);

	return mapping ? mapping->path : "none";
}

static int parse(struct maps *maps, const char *text)
{
	return maps_parse(maps, text, strlen(text), 7);
}

Test(maps, finds_by_half_open_range)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();

	cr_assert(eq(int, add(maps, 0x1000, 0x2000, 0, "/a"), 1));
	cr_assert(eq(int, add(maps, 0x2000, 0x3000, 0, "/b"), 1));
	cr_assert(eq(str, (char *)path_at(maps, 0xfff, 1), "none"));
	cr_assert(eq(str, (char *)path_at(maps, 0x1000, 1), "/a"));
	cr_assert(eq(str, (char *)path_at(maps, 0x1fff, 1), "/a"));
	cr_assert(eq(str, (char *)path_at(maps, 0x2000, 1), "/b"));
	cr_assert(eq(str, (char *)path_at(maps, 0x3000, 1), "none"));
	cr_assert(eq(int, add(maps, 0x3000, 0x3000, 0, "/c"), -EINVAL));
	cr_assert(eq(int, add(maps, 0x3000, 0x2000, 0, "/c"), -EINVAL));
}

Test(maps, newer_hides_older_from_its_time_on)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();

	add(maps, 0x1000, 0x4000, 0, "/old");
	add(maps, 0x2000, 0x3000, 100, "/new");
	cr_assert(eq(str, (char *)path_at(maps, 0x2500, 99), "/old"));
	cr_assert(eq(str, (char *)path_at(maps, 0x2500, 100), "/new"));
	cr_assert(eq(str, (char *)path_at(maps, 0x3500, 100), "/old"));
}

Test(maps, order_of_arrival_does_not_matter)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();

	add(maps, 0x1000, 0x2000, 300, "/third");
	add(maps, 0x1000, 0x2000, 100, "/first");
	add(maps, 0x1000, 0x2000, 200, "/second");
	cr_assert(eq(str, (char *)path_at(maps, 0x1000, 99), "none"));
	cr_assert(eq(str, (char *)path_at(maps, 0x1000, 150), "/first"));
	cr_assert(eq(str, (char *)path_at(maps, 0x1000, 250), "/second"));
	cr_assert(eq(str, (char *)path_at(maps, 0x1000, 300), "/third"));
}

Test(maps, same_mapping_is_kept_once)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();

	add(maps, 0x1000, 0x2000, 0, "/a");
	cr_assert(eq(int, add(maps, 0x1000, 0x2000, 50, "/a"), 0));
	cr_assert(eq(int, add(maps, 0x1000, 0x2000, 60, "/b"), 1));
	cr_assert(eq(int, add(maps, 0x1000, 0x2000, 70, "/a"), 1));
	cr_assert(eq(str, (char *)path_at(maps, 0x1000, 65), "/b"));
	cr_assert(eq(str, (char *)path_at(maps, 0x1000, 75), "/a"));
}

Test(maps, forgets_what_was_long_hidden)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();

	add(maps, 0x1000, 0x2000, 1, "/a");
	add(maps, 0x1000, 0x2000, 2, "/b");
	add(maps, 0x9000, 0xa000, 2 + MAPS_HIDDEN_NS, "/c");
	cr_assert(eq(str, (char *)path_at(maps, 0x1000, 1), "/a"), "still asked for");
	add(maps, 0xb000, 0xc000, 3 + MAPS_HIDDEN_NS, "/d");
	cr_assert(eq(str, (char *)path_at(maps, 0x1000, 1), "none"));
	cr_assert(eq(str, (char *)path_at(maps, 0x1000, 2), "/b"));
}

Test(maps, a_process_that_maps_anew_for_ever_is_never_full)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();

	for (uint64_t i = 0; i < 3 * MAPS_MAX; i++) {
		const char *path = i % 2 ? "/odd" : "/even";

		cr_assert(eq(int, add(maps, 0x1000, 0x2000, i * 100000000, path), 1));
	}
}

Test(maps, is_bounded_in_number_and_bytes)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();
	_cleanup_(maps_free_p) struct maps *wide = maps_new();
	char path[MAPS_PATH_BYTES * 2];
	uint64_t n = 0;

	for (uint64_t i = 0; i < MAPS_MAX; i++)
		cr_assert(eq(int, add(maps, i * 16, i * 16 + 16, 1, "/a"), 1));
	cr_assert(eq(int, add(maps, UINT64_C(1) << 40, UINT64_C(1) << 41, 1, "/a"), -E2BIG));
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	while (add(wide, n * 16, n * 16 + 16, 1, path) == 1)
		n++;
	cr_assert(eq(u64, n, MAPS_PATHS_MAX / MAPS_PATH_BYTES));
	cr_assert(eq(sz, strlen(path_at(wide, 0, 1)), MAPS_PATH_BYTES - 1));
}

Test(maps, copy_is_independent)
{
	_cleanup_(maps_free_p) struct maps *parent = maps_new();
	_cleanup_(maps_free_p) struct maps *child = NULL, *grandchild = NULL;

	add(parent, 0x1000, 0x2000, 0, "/shared");
	child = maps_copy(parent);
	grandchild = maps_copy(child);
	add(parent, 0x1000, 0x2000, 10, "/parent");
	add(child, 0x1000, 0x2000, 10, "/child");
	parent = maps_free(parent);
	cr_assert(eq(str, (char *)path_at(child, 0x1000, 20), "/child"));
	cr_assert(eq(str, (char *)path_at(child, 0x1000, 5), "/shared"));
	cr_assert(eq(str, (char *)path_at(grandchild, 0x1000, 20), "/shared"));
}

Test(maps, parses_executable_lines)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();
	const struct mapping *mapping;

	cr_assert(
		eq(int,
		   parse(maps,
			 "00400000-00401000 r--p 00000000 fe:01 12    /bin/app\n"
			 "00401000-00402000 r-xp 00001000 fe:0a 12    /bin/app\n"
			 "7f0000000000-7f0000001000 r-xp 00002000 00:2f 99 /lib/a b.so (deleted)\n"
			 "7f1000000000-7f1000001000 rwxp 00000000 00:00 0 \n"
			 "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0          [vdso]\n"),
		   4));
	mapping = maps_find(maps, 0x401234, 7);
	cr_assert_not_null(mapping);
	cr_assert(eq(str, (char *)mapping->path, "/bin/app"));
	cr_assert(eq(u64, mapping->start, 0x401000));
	cr_assert(eq(u64, mapping->end, 0x402000));
	cr_assert(eq(u64, mapping->file_offset, 0x1000));
	cr_assert(eq(u32, mapping->dev_major, 0xfe));
	cr_assert(eq(u32, mapping->dev_minor, 10));
	cr_assert(eq(u64, mapping->inode, 12));
	cr_assert(eq(u64, mapping->since_ns, 7));
	cr_assert(eq(str, (char *)path_at(maps, 0x400000, 7), "none"));
	cr_assert(eq(str, (char *)path_at(maps, 0x7f0000000000, 7), "/lib/a b.so"));
	cr_assert(eq(str, (char *)path_at(maps, 0x7f1000000000, 7), ""));
	cr_assert(eq(str, (char *)path_at(maps, 0x7ffd00000000, 7), "[vdso]"));
}

Test(maps, parse_passes_over_damaged_lines)
{
	static const char *const bad[] = {
		"",
		"\n\n",
		"-",
		"1000",
		"1000-",
		"1000-2000",
		"1000-2000 ",
		"1000-2000 r-x",
		"1000-2000 r-xp",
		"1000-2000 r-xp 0 0:0",
		"1000-2000 r-xp 0 0:0 ",
		"1000-2000 r-xp 0 0:0 12x /a",
		"1000-2000 r-xp 0 100000000:0 1 /a",
		"x000-2000 r-xp 0 0:0 0 /a",
		"2000-1000 r-xp 0 0:0 0 /a",
		"10000000000000000-10000000000000001 r-xp 0 0:0 0 /a",
		"1000-2000 r-xp 0 0:0 99999999999999999999 /a",
		"1000-2000\tr-xp 0 0:0 0 /a",
		"1000-2000 rwx- 0 0:0",
	};

	for (size_t i = 0; i < array_length(bad); i++) {
		_cleanup_(maps_free_p) struct maps *maps = maps_new();

		cr_assert(eq(int, parse(maps, bad[i]), 0), "%s", bad[i]);
	}
}

Test(maps, parse_reads_no_byte_behind_its_text)
{
	static const char line[] = "1000-2000 r-xp 10 fe:1 5 /a (deleted)\n";

	for (size_t length = 0; length < sizeof(line); length++) {
		_cleanup_(maps_free_p) struct maps *maps = maps_new();
		_cleanup_free_ char *text = malloc(length ?: 1); /* the sanitizer watches its end */

		memcpy(text, line, length);
		cr_assert(ge(int, maps_parse(maps, text, length, 0), 0));
	}
}

static void expect_view(const struct maps *maps, uint64_t at_ns, const char *wanted)
{
	struct maps_view *views = NULL;
	ssize_t n = maps_list(maps, at_ns, &views);
	char text[256] = "";

	cr_assert_geq(n, 0);
	for (ssize_t i = 0; i < n; i++)
		sprintf(text + strlen(text), "%llx-%llx%s ", (unsigned long long)views[i].start,
			(unsigned long long)views[i].end, views[i].mapping->path);
	cr_expect_str_eq(text, wanted);
	free(views);
}

Test(maps, lists_what_is_to_be_seen)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();

	expect_view(maps, 1, "");
	add(maps, 0x5000, 0x6000, 0, "/far");
	add(maps, 0x1000, 0x4000, 0, "/old");
	expect_view(maps, 1, "1000-4000/old 5000-6000/far ");
	add(maps, 0x2000, 0x3000, 100, "/new");
	expect_view(maps, 99, "1000-4000/old 5000-6000/far ");
	expect_view(maps, 100, "1000-2000/old 2000-3000/new 3000-4000/old 5000-6000/far ");
	add(maps, 0x2800, 0x5800, 200, "/newest");
	expect_view(maps, 200, "1000-2000/old 2000-2800/new 2800-5800/newest 5800-6000/far ");
}

Test(maps, says_whether_a_mapping_is_news)
{
	_cleanup_(maps_free_p) struct maps *maps = maps_new();

	cr_assert(eq(int, add(maps, 0x1000, 0x2000, 1, "/a"), 1));
	cr_assert(eq(int, add(maps, 0x1000, 0x2000, 2, "/a"), 0));
	cr_assert(eq(int, add(maps, 0x1000, 0x2000, 3, "/b"), 1));
	cr_assert(eq(int, add(maps, 0x1000, 0x2000, 4, "/a"), 1));
}
