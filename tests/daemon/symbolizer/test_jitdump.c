/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>

#include "tests/fuzz/fuzz_jitdump.c"
#include "tests/support/seeds.h"

/* A dump in a descriptor, written word by word as the specification has it. */
static int fd = -1;

static void put(const void *bytes, size_t size)
{
	cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
}

static void put_u32(uint32_t value)
{
	put(&value, sizeof(value));
}

static void put_u64(uint64_t value)
{
	put(&value, sizeof(value));
}

static void put_text(const char *text)
{
	put(text, strlen(text) + 1);
}

static void put_header(uint32_t machine)
{
	put_u32(0x4a695444);
	put_u32(1);
	put_u32(40);
	put_u32(machine);
	put_u32(0);
	put_u32(1234);
	put_u64(0);
	put_u64(0);
}

static void put_record(uint32_t id, size_t size)
{
	put_u32(id);
	put_u32(16 + size);
	put_u64(0);
}

static void put_load(uint64_t address, uint64_t size, const char *name)
{
	put_record(0, 40 + strlen(name) + 1 + size);
	put_u64(0);
	put_u64(address);
	put_u64(address);
	put_u64(size);
	put_u64(0);
	put_text(name);
	for (uint64_t i = 0; i < size; i++)
		put("\x90", 1);
}

static void put_move(uint64_t from, uint64_t to, uint64_t size)
{
	put_record(1, 48);
	put_u64(0);
	put_u64(to);
	put_u64(from);
	put_u64(to);
	put_u64(size);
	put_u64(0);
}

static void put_line(uint64_t address, uint32_t line, const char *file)
{
	put_u64(address);
	put_u32(line);
	put_u32(0);
	put_text(file);
}

static void set_up(void)
{
	fd = memfd_create("dump", MFD_CLOEXEC);
	cr_assert_geq(fd, 0);
}

static void tear_down(void)
{
	close(fd);
}

TestSuite(jitdump, .init = set_up, .fini = tear_down);

static struct jitdump *read_dump(void)
{
	struct jitdump *dump = NULL;

	cr_assert_eq(jitdump_read(fd, &dump), 0);
	return dump;
}

static void assert_name(const struct jitdump *dump, uint64_t address, const char *function,
			const char *file, uint32_t line)
{
	struct jitdump_name name;

	cr_assert_eq(jitdump_find(dump, address, &name), 0);
	cr_assert_str_eq(name.function, function);
	cr_assert_str_eq(name.file, file);
	cr_assert_eq(name.line, line);
}

static void assert_none(const struct jitdump *dump, uint64_t address)
{
	struct jitdump_name name;

	cr_assert_eq(jitdump_find(dump, address, &name), -ENOENT);
}

Test(jitdump, code_that_was_loaded)
{
	struct jitdump *dump;

	put_header(EM_X86_64);
	put_load(0x1000, 0x10, "first");
	put_record(4, 5); /* unwinding information */
	put("12345", 5);
	put_load(0x2000, 0x10, "second");
	put_load(0x1008, 0x4, "over the first");
	dump = read_dump();
	assert_name(dump, 0x1000, "first", "", 0);
	assert_name(dump, 0x1008, "over the first", "", 0);
	assert_name(dump, 0x100c, "first", "", 0);
	assert_name(dump, 0x200f, "second", "", 0);
	assert_none(dump, 0x2010);
	cr_assert_gt(jitdump_bytes(dump), 0);
	jitdump_free(dump);
}

Test(jitdump, lines_belong_to_the_code_that_follows)
{
	struct jitdump *dump;

	put_header(EM_X86_64);
	put_record(2, 16 + 2 * 16 + 5 + 2);
	put_u64(0x1000);
	put_u64(2);
	put_line(0x1008, 8, "a.js");
	put_line(0x1002, 7, "\xff");
	put_load(0x1000, 0x10, "lined");
	put_load(0x1100, 0x10, "plain");
	dump = read_dump();
	assert_name(dump, 0x1001, "lined", "", 0);
	assert_name(dump, 0x1002, "lined", "a.js", 7);
	assert_name(dump, 0x100f, "lined", "a.js", 8);
	assert_name(dump, 0x1108, "plain", "", 0);
	jitdump_free(dump);
}

Test(jitdump, code_that_was_moved)
{
	struct jitdump *dump;

	put_header(EM_X86_64);
	put_record(2, 16 + 16 + 5);
	put_u64(0x1000);
	put_u64(1);
	put_line(0x1008, 8, "a.js");
	put_load(0x1000, 0x10, "moving");
	put_move(0x1000, 0x5000, 0x10);
	put_move(0x9000, 0x6000, 0x10);
	dump = read_dump();
	assert_none(dump, 0x1004);
	assert_name(dump, 0x5009, "moving", "a.js", 8);
	assert_name(dump, 0x5007, "moving", "", 0);
	assert_none(dump, 0x6004);
	jitdump_free(dump);
}

Test(jitdump, ends_at_the_close_and_where_it_is_damaged)
{
	struct jitdump *dump;

	put_header(EM_X86_64);
	put_load(0x1000, 0x10, "before");
	put_record(3, 0);
	put_load(0x2000, 0x10, "behind");
	dump = read_dump();
	assert_name(dump, 0x1000, "before", "", 0);
	assert_none(dump, 0x2000);
	jitdump_free(dump);
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	put_header(EM_X86_64);
	put_load(0x1000, 0x10, "before");
	put_u32(0);
	put_u32(3); /* shorter than its own header */
	put_u64(0);
	put_load(0x2000, 0x10, "behind");
	dump = read_dump();
	assert_name(dump, 0x1000, "before", "", 0);
	assert_none(dump, 0x2000);
	jitdump_free(dump);
}

Test(jitdump, of_another_machine_or_none_at_all)
{
	struct jitdump *dump = NULL;

	cr_assert_eq(jitdump_read(fd, &dump), -ENOEXEC);
	put_header(EM_AARCH64);
	cr_assert_eq(jitdump_read(fd, &dump), -ENOEXEC);
	cr_assert_eq(jitdump_read(-1, &dump), -EIO);
}

Test(jitdump, seeds)
{
	seeds_run(LLVMFuzzerTestOneInput, "jitdump", 2000);
}
