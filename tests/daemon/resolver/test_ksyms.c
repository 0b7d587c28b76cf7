/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/resolver/ksyms.h"

define_cleanup(struct ksyms *, ksyms_free);

static struct ksyms *ksyms_of(const char *text)
{
	struct ksyms *ksyms = ksyms_new();

	cr_assert(eq(int, ksyms_parse(ksyms, text, strlen(text)), 0));
	ksyms_sort(ksyms);
	return ksyms;
}

static void assert_found(const struct ksyms *ksyms, uint64_t address, const char *name,
			 const char *module)
{
	const char *found_name = "none", *found_module = "none";
	int r = ksyms_find(ksyms, address, &found_name, &found_module);

	cr_assert(eq(int, r, strcmp(name, "none") != 0), "%lx", (unsigned long)address);
	cr_assert(eq(str, (char *)found_name, (char *)name));
	cr_assert(eq(str, (char *)found_module, (char *)module));
}

Test(ksyms, finds_the_function_that_holds_an_address)
{
	_cleanup_(ksyms_free_p) struct ksyms *ksyms =
		ksyms_of("ffffffff81000100 T second\n"
			 "ffffffff81000000 t first\n"
			 "ffffffffc0201000 t in_module\t[ext4]\n"
			 "ffffffffc0301000 t bpf_prog_1234_on_tick\t[bpf]\n"
			 "ffffffff81000200 T third");

	assert_found(ksyms, 0xffffffff80ffffff, "none", "none");
	assert_found(ksyms, 0xffffffff81000000, "first", "kernel");
	assert_found(ksyms, 0xffffffff810000ff, "first", "kernel");
	assert_found(ksyms, 0xffffffff81000100, "second", "kernel");
	assert_found(ksyms, 0xffffffff81000234, "third", "kernel");
	assert_found(ksyms, 0xffffffffc0201234, "in_module", "ext4");
	assert_found(ksyms, 0xffffffffc0301234, "bpf_prog_1234_on_tick", "bpf");
}

Test(ksyms, an_address_far_behind_the_last_function_has_no_name)
{
	_cleanup_(ksyms_free_p) struct ksyms *ksyms = ksyms_of("ffffffff81000000 T last\n");

	assert_found(ksyms, 0xffffffff810fffff, "last", "kernel");
	assert_found(ksyms, 0xffffffff81100000, "none", "none");
}

Test(ksyms, of_aliases_the_strong_then_the_first_wins)
{
	_cleanup_(ksyms_free_p) struct ksyms *ksyms = ksyms_of("ffffffff81000000 W weak\n"
							       "ffffffff81000000 t strong\n"
							       "ffffffff81000000 T later\n"
							       "ffffffff81000010 w only_weak\n");

	assert_found(ksyms, 0xffffffff81000004, "strong", "kernel");
	assert_found(ksyms, 0xffffffff81000014, "only_weak", "kernel");
}

Test(ksyms, passes_over_what_is_no_function_line)
{
	_cleanup_(ksyms_free_p) struct ksyms *ksyms = ksyms_of("\n"
							       "ffffffff81000000 D data\n"
							       "ffffffff81000000 R rodata\n"
							       "0000000000000000 T hidden_from_us\n"
							       "xyz T name\n"
							       "ffffffff81000000\n"
							       "ffffffff81000000 T\n"
							       "ffffffff81000000 T \n"
							       "ffffffff81000000 T \t[module]\n"
							       "ffffffff81000000 T name\tmodule\n"
							       "ffffffff81000000 T name\t[]\n"
							       "ffffffff81000000 Tname\n"
							       "1ffffffff81000000 T too_long\n"
							       " T name\n");

	assert_found(ksyms, 0, "none", "none");
	assert_found(ksyms, 0xffffffff81000000, "none", "none");
	assert_found(ksyms, UINT64_MAX, "none", "none");
}

Test(ksyms, takes_pieces_of_whole_lines)
{
	_cleanup_(ksyms_free_p) struct ksyms *ksyms = ksyms_new();
	char line[64];

	for (unsigned int i = 0; i < 20000; i++) {
		int n = snprintf(line, sizeof(line), "%lx t f%u\t[m%u]\n",
				 0xffffffff81000000 + i * 16ul, i, i / 100);

		cr_assert(eq(int, ksyms_parse(ksyms, line, n), 0));
	}
	ksyms_sort(ksyms);
	assert_found(ksyms, 0xffffffff81000000, "f0", "m0");
	assert_found(ksyms, 0xffffffff81000000 + 12345 * 16 + 3, "f12345", "m123");
	assert_found(ksyms, 0xffffffff81000000 + 19999 * 16, "f19999", "m199");
}

Test(ksyms, parse_reads_no_byte_behind_its_text)
{
	static const char line[] = "ffffffff81000000 t name\t[module]\n";

	for (size_t length = 0; length < sizeof(line); length++) {
		_cleanup_(ksyms_free_p) struct ksyms *ksyms = ksyms_new();
		_cleanup_free_ char *text = malloc(length ?: 1); /* the sanitizer watches its end */

		memcpy(text, line, length);
		cr_assert(eq(int, ksyms_parse(ksyms, text, length), 0));
	}
}
