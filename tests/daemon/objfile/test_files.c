/* SPDX-License-Identifier: MIT */
/* Finds files by their mappings, of a /proc of the test's own. */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"
#include "daemon/objfile/files.h"
#include "tests/support/directory.h"
#include "tests/support/fake/inspector.h"

#define PID  10
#define HERE UINT64_C(0x10000000)

static char directory[256], proc[300];
static struct files *files;
static struct image image;

static void make_directory(const char *name)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
}

/* A stripped library with what looks like an interpreter. */
static uint8_t interpreter[65536];
static size_t interpreter_bytes;

static void read_interpreter(void)
{
	_cleanup_close_ int fd = open("fuzz/seeds/python_file/gnu", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, interpreter, sizeof(interpreter));

	cr_assert_gt(n, 0);
	interpreter_bytes = n;
}

static void set_up(void)
{
	directory_make(directory, sizeof(directory));
	snprintf(proc, sizeof(proc), "%s/proc", directory);
	make_directory("proc");
	make_directory("proc/10");
	make_directory("proc/10/root");
	make_directory("proc/1");
	make_directory("proc/1/root");
	files = files_new(proc, &fake_inspector);
	cr_assert_not_null(files);
	image = (struct image){.id = 7, .pid = PID};
}

static void tear_down(void)
{
	files_free(files);
	directory_remove(directory);
}

TestSuite(files, .init = set_up, .fini = tear_down);

struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];
	Elf64_Nhdr note;
	char owner[4];
	uint8_t id[4];
	uint8_t code[0x4000];
};

/*
 * A layout of lld: what is mapped apart lies close together in the file, each at an address of its
 * own. Here the second segment with code begins on the page that the first one ends on.
 */
static const struct program program = {
	.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
		   .e_type = ET_DYN,
		   .e_machine = EM_X86_64,
		   .e_version = EV_CURRENT,
		   .e_phoff = sizeof(Elf64_Ehdr),
		   .e_phentsize = sizeof(Elf64_Phdr),
		   .e_phnum = 4,
		   .e_ehsize = sizeof(Elf64_Ehdr)},
	.segments = {{.p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = 0x600},
		     {.p_type = PT_LOAD,
		      .p_flags = PF_R | PF_X,
		      .p_offset = 0x600,
		      .p_vaddr = 0x1600,
		      .p_filesz = 0x1c00},
		     {.p_type = PT_LOAD,
		      .p_flags = PF_R | PF_X,
		      .p_offset = 0x2200,
		      .p_vaddr = 0x5200,
		      .p_filesz = 0x1000},
		     {.p_type = PT_NOTE,
		      .p_offset = offsetof(struct program, note),
		      .p_filesz = sizeof(Elf64_Nhdr) + 8,
		      .p_align = 4}},
	.note = {.n_namesz = 4, .n_descsz = 4, .n_type = NT_GNU_BUILD_ID},
	.owner = "GNU",
	.id = {1, 2, 3, 4},
};

static void make_file(const char *root, const char *name, const void *data, size_t size)
{
	char path[700];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/root%s", proc, root, name);
	file = fopen(path, "we");
	cr_assert_not_null(file, "%s", path);
	cr_assert_eq(fwrite(data, size, 1, file), 1);
	fclose(file);
}

static uint32_t find(const char *path, uint64_t start)
{
	const struct mapping mapping = {.start = start, .end = start + 0x1000, .path = path};

	return files_find(files, &image, &mapping, NULL);
}

static uint32_t find_with_id(const char *path, uint64_t start, const uint8_t *id, size_t bytes)
{
	struct mapping mapping = {
		.start = start, .end = start + 0x1000, .path = path, .build_id_bytes = bytes};

	memcpy(mapping.build_id, id, bytes);
	return files_find(files, &image, &mapping, NULL);
}

static void expect_vaddr(uint32_t number, uint64_t offset, uint64_t vaddr)
{
	uint64_t found = UINT64_MAX;

	cr_expect_eq(files_find_vaddr(files, number, offset, &found), 0, "0x%lx", offset);
	cr_expect_eq(found, vaddr, "0x%lx: 0x%lx, not 0x%lx", offset, found, vaddr);
}

Test(files, segments_that_share_a_page)
{
	uint64_t vaddr;
	uint32_t number;

	make_file("10", "/lib", &program, sizeof(program));
	number = find("/lib", HERE);
	cr_assert_gt(number, 0);
	/* Offsets from which each segment is mapped. */
	expect_vaddr(number, 0, 0x1000);
	expect_vaddr(number, 0x2000, 0x5000);
	/* Offsets within each segment. */
	expect_vaddr(number, 0x600, 0x1600);
	expect_vaddr(number, 0x1000, 0x2000);
	expect_vaddr(number, 0x21ff, 0x31ff);
	expect_vaddr(number, 0x2200, 0x5200);
	expect_vaddr(number, 0x31ff, 0x61ff);
	/* An offset before the segment, on its first page. */
	expect_vaddr(number, 0x5ff, 0x15ff);
	cr_expect_eq(files_find_vaddr(files, number, 0x3200, &vaddr), -ENOENT);
	cr_expect_eq(files_find_vaddr(files, number, UINT64_MAX, &vaddr), -ENOENT);
}

Test(files, a_file_is_looked_at_once)
{
	char from[700], to[700];
	uint32_t number;
	int fd;

	make_file("10", "/lib", &program, sizeof(program));
	snprintf(from, sizeof(from), "%s/10/root/lib", proc);
	snprintf(to, sizeof(to), "%s/10/root/other", proc);
	cr_assert_eq(link(from, to), 0);
	number = find("/lib", HERE);
	cr_assert_gt(number, 0);
	cr_assert_eq(find("/lib", HERE), number);
	cr_assert_eq(find("/lib", 2 * HERE), number);
	cr_assert_eq(find("/other", 3 * HERE), number, "the same file by another name");
	cr_assert_eq(fake_inspector.n_looks, 1);
	cr_assert_eq(files_get_elf_info(files, number)->build_id_bytes, 4);
	cr_assert_eq(
		files_find(files, &image,
			   &(struct mapping){.start = HERE, .end = HERE + 0x1000, .path = "/lib"},
			   &fd),
		number);
	cr_assert_geq(fd, 0);
	close(fd);
	files_clear(files);
	cr_assert_gt(find("/lib", HERE), 0);
	cr_assert_eq(fake_inspector.n_looks, 2);
}

Test(files, another_build_is_not_what_was_mapped)
{
	static const uint8_t other[] = {1, 2, 3, 5};

	make_file("10", "/lib", &program, sizeof(program));
	cr_expect_eq(find_with_id("/lib", HERE, other, 4), 0);
	cr_expect_eq(find_with_id("/lib", 2 * HERE, program.id, 3), 0);
	cr_expect_gt(find_with_id("/lib", 3 * HERE, program.id, 4), 0);
	cr_expect_eq(find_with_id("/lib", HERE, other, 4), 0, "as it was said before");
}

Test(files, what_is_no_elf_file_has_no_code)
{
	uint32_t number;
	uint64_t vaddr;

	make_file("10", "/text", "#!/bin/sh\n", 10);
	number = find("/text", HERE);
	cr_assert_gt(number, 0);
	cr_expect_eq(files_find_vaddr(files, number, 0, &vaddr), -ENOENT);
	cr_expect_eq(files_get_elf_info(files, number)->n_segments, 0);
	cr_expect_eq(find_with_id("/text", 2 * HERE, program.id, 4), 0);
	cr_expect_eq(fake_inspector.n_looks, 1);
	cr_expect_eq(find("/missing", 3 * HERE), 0);
	cr_expect_eq(find("[vdso]", 4 * HERE), 0);
	cr_expect_eq(find("//anon", 5 * HERE), 0);
}

Test(files, of_a_process_that_is_gone_as_pid_1_sees_it)
{
	make_file("1", "/lib", &program, sizeof(program));
	image.pid = 11;
	cr_expect_gt(find_with_id("/lib", HERE, program.id, 4), 0);
	cr_expect_eq(find("/missing", 2 * HERE), 0);
}

Test(files, what_cannot_be_said_now_is_asked_again)
{
	uint32_t number;

	make_file("10", "/lib", &program, sizeof(program));
	fake_inspector.error = -EAGAIN;
	for (uint64_t i = 1; i < 10; i++) {
		cr_assert_eq(find("/lib", HERE), 0);
		cr_assert_eq(files_count_late(files), i);
	}
	fake_inspector.error = 0;
	number = find("/lib", HERE);
	cr_assert_gt(number, 0);
	expect_vaddr(number, 0x600, 0x1600);
	cr_assert_eq(files_count_late(files), 9);
}

Test(files, one_that_takes_too_long_each_time_is_left_alone)
{
	uint32_t number;
	uint64_t vaddr;

	make_file("10", "/lib", &program, sizeof(program));
	fake_inspector.error = -ETIMEDOUT;
	cr_assert_eq(find("/lib", HERE), 0);
	cr_assert_eq(find("/lib", HERE), 0);
	number = find("/lib", HERE);
	cr_assert_gt(number, 0);
	cr_assert_eq(find("/lib", 2 * HERE), number);
	cr_assert_eq(fake_inspector.n_looks, 3);
	cr_assert_eq(files_find_vaddr(files, number, 0x600, &vaddr), -ENOENT);
}

Test(files, an_interpreter_is_read_once)
{
	uint32_t number, other;

	read_interpreter();
	make_file("10", "/lib", &program, sizeof(program));
	make_file("10", "/python", interpreter, interpreter_bytes);
	other = find("/lib", HERE);
	cr_assert_null(files_get_python(files, other));
	cr_assert_eq(fake_inspector.n_python_looks, 0);
	number = find("/python", 2 * HERE);
	cr_assert_gt(number, 0);
	cr_assert_not_null(files_get_python(files, number));
	cr_assert_eq(files_get_python(files, number)->version_hex, 0x030d01f0);
	cr_assert_eq(find("/python", 3 * HERE), number);
	cr_assert_eq(fake_inspector.n_python_looks, 1);
	cr_assert_null(files_get_python(files, other));
	files_clear(files);
	cr_assert_gt(find("/python", 2 * HERE), 0);
	cr_assert_eq(fake_inspector.n_python_looks, 2);
}

Test(files, an_interpreter_that_cannot_be_read_now)
{
	uint32_t number;

	read_interpreter();
	make_file("10", "/python", interpreter, interpreter_bytes);
	fake_inspector.python_error = -EAGAIN;
	for (uint64_t i = 1; i < 6; i++) {
		cr_assert_eq(find("/python", HERE), 0);
		cr_assert_eq(files_count_late(files), i);
	}
	fake_inspector.python_error = 0;
	number = find("/python", HERE);
	cr_assert_gt(number, 0);
	cr_assert_not_null(files_get_python(files, number));
}

Test(files, an_interpreter_that_cannot_be_read_at_all)
{
	static const int errors[] = {-ETIMEDOUT, -EBADMSG};

	read_interpreter();
	make_file("10", "/python", interpreter, interpreter_bytes);
	for (size_t i = 0; i < array_length(errors); i++) {
		uint32_t number = 0;

		fake_inspector.python_error = errors[i];
		for (int k = 0; k < 3 && !number; k++)
			number = find("/python", HERE);
		cr_assert_gt(number, 0);
		cr_assert_null(files_get_python(files, number));
		cr_assert_gt(files_get_elf_info(files, number)->n_segments, 0, "the rest is there");
		files_clear(files);
	}
}
