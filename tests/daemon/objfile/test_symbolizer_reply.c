/* SPDX-License-Identifier: MIT */
/* Replies that a hostile symbolizer could send. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/base/cleanup.h"
#include "daemon/objfile/symbolizer_internal.h"

#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int open_reply(const struct wire_request *request, const void *data, size_t size, int seals)
{
	_cleanup_close_ int fd = memfd_create("reply", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct symbolizer_reply reply;
	int r;

	cr_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	r = reply_open(&reply, request, fd, size);
	if (r == 0)
		reply_done(&reply);
	return r;
}

struct table_reply {
	struct wire_table head;
	struct ox_rule rules[2];
	struct symbolizer_row rows[3];
};

static const struct wire_request table_request = {.kind = WIRE_TABLE};
static const struct table_reply good_table = {
	.head = {2, 3},
	.rules = {{.kind = OX_RULE_GAP}, {.kind = OX_RULE_RSP, .cfa_offset = 8}},
	.rows = {{0x1000, 1}, {0x1001, 0}, {0xffffffff, 1}},
};

Test(symbolizer_reply, takes_a_table_that_is_right)
{
	cr_assert_eq(open_reply(&table_request, &good_table, sizeof(good_table), ALL_SEALS), 0);
}

Test(symbolizer_reply, refuses_what_is_not_sealed)
{
	static const int seals[] = {0, F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_SHRINK | F_SEAL_WRITE,
				    F_SEAL_GROW | F_SEAL_WRITE};
	struct symbolizer_reply reply;
	_cleanup_close_ int zero = open("/dev/zero", O_RDONLY);

	for (size_t i = 0; i < array_length(seals); i++)
		cr_expect_eq(open_reply(&table_request, &good_table, sizeof(good_table), seals[i]),
			     -EBADMSG);
	cr_expect_eq(reply_open(&reply, &table_request, zero, 40), -EBADMSG);
	cr_expect_eq(reply_open(&reply, &table_request, -1, 40), -EBADMSG);
}

static int open_table(void (*damage)(struct table_reply *reply))
{
	struct table_reply reply = good_table;

	damage(&reply);
	return open_reply(&table_request, &reply, sizeof(reply), ALL_SEALS);
}

static void many_rules(struct table_reply *reply)
{
	reply->head.n_rules = UINT32_MAX;
}

static void many_rows(struct table_reply *reply)
{
	reply->head.n_rows = 4;
}

static void no_rule(struct table_reply *reply)
{
	reply->rows[1].rule = 2;
}

static void odd_kind(struct table_reply *reply)
{
	reply->rules[1].kind = OX_N_RULE_KINDS;
}

static void odd_rbp(struct table_reply *reply)
{
	reply->rules[1].rbp = OX_RBP_RBP + 1;
}

static void same_address(struct table_reply *reply)
{
	reply->rows[1].address = 0x1000;
}

Test(symbolizer_reply, refuses_a_table_that_is_wrong)
{
	cr_expect_eq(open_table(many_rules), -EBADMSG);
	cr_expect_eq(open_table(many_rows), -EBADMSG);
	cr_expect_eq(open_table(no_rule), -EBADMSG);
	cr_expect_eq(open_table(odd_kind), -EBADMSG);
	cr_expect_eq(open_table(odd_rbp), -EBADMSG);
	cr_expect_eq(open_table(same_address), -EBADMSG);
	for (size_t size = 1; size < sizeof(good_table); size++)
		cr_expect_eq(open_reply(&table_request, &good_table, size, ALL_SEALS), -EBADMSG);
}

struct names_reply {
	struct wire_names head;
	struct wire_address addresses[2];
	struct wire_frame frames[2];
	char text[16];
};

static const struct wire_request names_request = {.kind = WIRE_NAMES, .n_addresses = 2};
static const struct names_reply good_names = {
	.head = {2, 2, 16, 0},
	.addresses = {{0x1234, 0, 2}, {0x5678, 2, 0}},
	.frames = {{0x1000, 1, 6, 7, 0}, {0x1200, 13, 0, 0, 0}},
	.text = "\0main\0a.\xc3\xbc.c\0in",
};

static int open_names(void (*damage)(struct names_reply *reply))
{
	struct names_reply reply = good_names;

	damage(&reply);
	return open_reply(&names_request, &reply, sizeof(reply), ALL_SEALS);
}

Test(symbolizer_reply, gives_names)
{
	_cleanup_close_ int fd = memfd_create("reply", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct symbolizer_name names[SYMBOLIZER_INLINES_MAX];
	struct symbolizer_reply reply;
	uint64_t vaddr;

	cr_assert(write(fd, &good_names, sizeof(good_names)) == sizeof(good_names));
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, ALL_SEALS), 0);
	cr_assert_eq(reply_open(&reply, &names_request, fd, sizeof(good_names)), 0);
	cr_assert_eq(symbolizer_reply_get_names(&reply, 0, &vaddr, names), 2);
	cr_expect_eq(vaddr, 0x1234);
	cr_expect_str_eq(names[0].function, "main");
	cr_expect_str_eq(names[0].file, "a.\xc3\xbc.c");
	cr_expect_eq(names[0].start, 0x1000);
	cr_expect_eq(names[0].line, 7);
	cr_expect_str_eq(names[1].file, "");
	cr_assert_eq(symbolizer_reply_get_names(&reply, 1, &vaddr, names), 0);
	cr_expect_eq(vaddr, 0x5678);
	reply_done(&reply);
}

static void other_count(struct names_reply *reply)
{
	reply->head.n_addresses = 1;
}

static void frames_beyond(struct names_reply *reply)
{
	reply->addresses[1].first = 1;
	reply->addresses[1].n = 2;
}

static void first_wraps(struct names_reply *reply)
{
	reply->addresses[1].first = UINT32_MAX;
	reply->addresses[1].n = 1;
}

static void text_beyond(struct names_reply *reply)
{
	reply->frames[1].function = 16;
}

static void text_from_middle(struct names_reply *reply)
{
	reply->frames[0].file = 9;
}

static void text_without_end(struct names_reply *reply)
{
	reply->text[15] = 'x';
}

static void text_unclean(struct names_reply *reply)
{
	reply->text[2] = '\x1b';
}

Test(symbolizer_reply, refuses_names_that_are_wrong)
{
	cr_expect_eq(open_reply(&names_request, &good_names, sizeof(good_names), ALL_SEALS), 0);
	cr_expect_eq(open_names(other_count), -EBADMSG);
	cr_expect_eq(open_names(frames_beyond), -EBADMSG);
	cr_expect_eq(open_names(first_wraps), -EBADMSG);
	cr_expect_eq(open_names(text_beyond), -EBADMSG);
	cr_expect_eq(open_names(text_from_middle), -EBADMSG);
	cr_expect_eq(open_names(text_without_end), -EBADMSG);
	cr_expect_eq(open_names(text_unclean), -EBADMSG);
	for (size_t size = 1; size < sizeof(good_names); size++)
		cr_expect_eq(open_reply(&names_request, &good_names, size, ALL_SEALS), -EBADMSG);
}

static const struct wire_request elf_info_request = {.kind = WIRE_ABOUT};

static int open_elf_info(void (*damage)(struct elf_info *info))
{
	struct elf_info info = {
		.segments = {{0x1000, 0x2000, 0x401000}},
		.n_segments = 1,
		.build_id_bytes = 2,
		.alt_id_bytes = 1,
		.link = "a.debug",
		.alt_link = "../b",
	};

	if (damage)
		damage(&info);
	return open_reply(&elf_info_request, &info, sizeof(info), ALL_SEALS);
}

static void many_segments(struct elf_info *info)
{
	info->n_segments = SYMBOLIZER_SEGMENTS_MAX + 1;
}

static void far_segment(struct elf_info *info)
{
	info->segments[0].offset = UINT64_MAX;
}

static void long_segment(struct elf_info *info)
{
	info->segments[0].bytes = UINT64_MAX;
}

static void odd_flag(struct elf_info *info)
{
	info->has_dwarf = 2;
}

static void odd_interpreter(struct elf_info *info)
{
	info->has_python = 2;
}

static void long_id(struct elf_info *info)
{
	info->build_id_bytes = BUILD_ID_BYTES + 1;
}

static void long_alt_id(struct elf_info *info)
{
	info->alt_id_bytes = BUILD_ID_BYTES + 1;
}

static void link_without_end(struct elf_info *info)
{
	memset(info->link, 'x', sizeof(info->link));
}

static void link_elsewhere(struct elf_info *info)
{
	strcpy(info->link, "../b");
}

static void alt_link_without_end(struct elf_info *info)
{
	memset(info->alt_link, 'x', sizeof(info->alt_link));
}

static void alt_link_without_id(struct elf_info *info)
{
	info->alt_id_bytes = 0;
}

static void alt_id_without_link(struct elf_info *info)
{
	info->alt_link[0] = '\0';
}

Test(symbolizer_reply, refuses_what_no_file_says_of_itself)
{
	static void (*const damages[])(struct elf_info *) = {
		many_segments,       far_segment,
		long_segment,        odd_flag,
		odd_interpreter,     long_id,
		long_alt_id,         link_without_end,
		link_elsewhere,      alt_link_without_end,
		alt_link_without_id, alt_id_without_link,
	};
	static const struct elf_info info;

	cr_expect_eq(open_elf_info(NULL), 0);
	for (size_t i = 0; i < array_length(damages); i++)
		cr_expect_eq(open_elf_info(damages[i]), -EBADMSG, "%zu", i);
	cr_expect_eq(open_reply(&elf_info_request, &info, sizeof(info) - 1, ALL_SEALS), -EBADMSG);
	cr_expect_eq(open_reply(&elf_info_request, &good_table, sizeof(good_table), ALL_SEALS),
		     -EBADMSG);
	cr_expect_eq(open_reply(&table_request, &info, sizeof(info), ALL_SEALS), -EBADMSG);
}

static const struct wire_request python_request = {.kind = WIRE_PYTHON};

static int open_python(void (*damage)(struct symbolizer_python *python))
{
	struct symbolizer_python python = {
		.kind = SYMBOLIZER_PYTHON_CPYTHON,
		.n_offsets = PYTHON_OFFSETS_WORDS,
		.is_current = 1,
		.n_ranges = 3,
		.ranges = {{.start = 0, .end = 1},
			   {.start = 1, .end = 9, .code = SYMBOLIZER_PYTHON_CALL},
			   {.start = 11, .end = UINT64_MAX}},
	};

	if (damage)
		damage(&python);
	return open_reply(&python_request, &python, sizeof(python), ALL_SEALS);
}

static void python_odd_kind(struct symbolizer_python *python)
{
	python->kind = SYMBOLIZER_N_PYTHON_KINDS;
}

static void python_odd_flag(struct symbolizer_python *python)
{
	python->is_current = 2;
}

static void python_many_offsets(struct symbolizer_python *python)
{
	python->n_offsets = PYTHON_OFFSETS_WORDS + 1;
}

static void python_many_ranges(struct symbolizer_python *python)
{
	for (uint32_t i = 0; i < SYMBOLIZER_PYTHON_RANGES_MAX; i++)
		python->ranges[i] = (struct symbolizer_python_range){.start = i, .end = i + 1};
	python->n_ranges = SYMBOLIZER_PYTHON_RANGES_MAX + 1;
}

static void python_odd_code(struct symbolizer_python *python)
{
	python->ranges[2].code = SYMBOLIZER_PYTHON_CALL + 1;
}

static void python_overlap(struct symbolizer_python *python)
{
	python->ranges[1].start = 0;
}

static void python_empty_range(struct symbolizer_python *python)
{
	python->ranges[1].end = 1;
}

static void python_falling(struct symbolizer_python *python)
{
	python->ranges[2].start = 2;
}

Test(symbolizer_reply, refuses_an_interpreter_that_is_none)
{
	static void (*const damages[])(struct symbolizer_python *) = {
		python_odd_kind, python_odd_flag, python_many_offsets, python_many_ranges,
		python_odd_code, python_overlap,  python_empty_range,  python_falling,
	};
	static const struct symbolizer_python python;

	cr_expect_eq(open_python(NULL), 0);
	for (size_t i = 0; i < array_length(damages); i++)
		cr_expect_eq(open_python(damages[i]), -EBADMSG, "%zu", i);
	cr_expect_eq(open_reply(&python_request, &python, sizeof(python), ALL_SEALS), 0);
	cr_expect_eq(open_reply(&python_request, &python, sizeof(python) - 8, ALL_SEALS), -EBADMSG);
	cr_expect_eq(open_reply(&elf_info_request, &python, sizeof(python), ALL_SEALS), -EBADMSG);
}
