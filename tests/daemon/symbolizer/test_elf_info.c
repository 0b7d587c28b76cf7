/* SPDX-License-Identifier: MIT */
/* Reads what files say of themselves: files of a toolchain, and damaged ones. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz_elf_info.c"
#include "tests/support/directory.h"
#include "tests/support/made/eh_image.h"
#include "tests/support/seeds.h"
#include "tests/support/shell.h"

#define run(...) shell_run(directory, __VA_ARGS__)

static char directory[256];

static void set_up(void)
{
	directory_make(directory, sizeof(directory));
}

static void tear_down(void)
{
	directory_remove(directory);
}

TestSuite(elf_info, .init = set_up, .fini = tear_down);

static int read_elf_info(const char *name, struct elf_info *ret)
{
	char path[600];
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	r = elf_info_read(fd, ret);
	close(fd);
	return r;
}

static void make_program(void)
{
	run("echo 'int main(void) { return 0; }' >p.c && "
	    "cc -g -Wl,--build-id=0xabcdef p.c -o program");
}

/* Adds a section of these octets: of a link to a shared file a path, its NUL, an id; of one to a
 * debug file a name, padded, and its checksum. */
static void add_section(const char *name, const char *octets)
{
	run("printf '%s' >section && objcopy --add-section %s=section program", octets, name);
}

Test(elf_info, a_program)
{
	struct elf_info info;

	make_program();
	cr_assert_eq(read_elf_info("program", &info), 0);
	cr_expect_eq(info.build_id_bytes, 3);
	cr_expect_arr_eq(info.build_id, "\xab\xcd\xef", 3);
	cr_expect_eq(info.has_dwarf, 1);
	cr_expect_str_empty(info.link);
	cr_expect_str_empty(info.alt_link);
	run("strip program -o stripped && objcopy --only-keep-debug program program.debug && "
	    "objcopy --add-gnu-debuglink=program.debug stripped");
	cr_assert_eq(read_elf_info("stripped", &info), 0);
	cr_expect_eq(info.has_dwarf, 0);
	cr_expect_str_eq(info.link, "program.debug");
	cr_assert_eq(read_elf_info("program.debug", &info), 0);
	cr_expect_eq(info.has_dwarf, 1);
	cr_expect_eq(info.build_id_bytes, 3);
}

Test(elf_info, segments_with_code)
{
	struct eh_image image;
	struct elf_info info;
	int fd;

	eh_image_init(&image, "zR");
	fd = eh_image_finish(&image);
	cr_assert_eq(ftruncate(fd, 0x1800), 0);
	cr_assert_eq(elf_info_read(fd, &info), 0);
	cr_assert_eq(info.n_segments, 1);
	cr_expect_eq(info.segments[0].offset, 0x1000);
	cr_expect_eq(info.segments[0].vaddr, EH_TEXT);
	cr_expect_eq(info.segments[0].bytes, 0x800, "no more than is in the file");
	close(fd);
}

Test(elf_info, more_segments_than_are_told)
{
	Elf64_Ehdr header = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, 1},
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = SYMBOLIZER_SEGMENTS_MAX + 9,
	};
	int fd = memfd_create("many", MFD_CLOEXEC);
	struct elf_info info;

	cr_assert_eq(write(fd, &header, sizeof(header)), sizeof(header));
	for (unsigned i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment = {
			.p_type = PT_LOAD, .p_flags = PF_X, .p_offset = i, .p_filesz = 1};

		cr_assert_eq(write(fd, &segment, sizeof(segment)), sizeof(segment));
	}
	cr_assert_eq(elf_info_read(fd, &info), 0);
	cr_assert_eq(info.n_segments, SYMBOLIZER_SEGMENTS_MAX);
	cr_expect_eq(info.segments[SYMBOLIZER_SEGMENTS_MAX - 1].offset,
		     SYMBOLIZER_SEGMENTS_MAX - 1);
	close(fd);
}

Test(elf_info, alt_link)
{
	struct elf_info info;

	make_program();
	add_section(".gnu_debugaltlink", "/usr/lib/debug/.dwz/a\\000\\001\\002\\003");
	cr_assert_eq(read_elf_info("program", &info), 0);
	cr_expect_str_eq(info.alt_link, "/usr/lib/debug/.dwz/a");
	cr_expect_eq(info.alt_id_bytes, 3);
	cr_expect_arr_eq(info.alt_id, "\1\2\3", 3);
}

Test(elf_info, links_that_are_none)
{
	struct elf_info info;

	make_program();
	add_section(".gnu_debuglink", "../up\\000\\000\\000\\001\\002\\003\\004");
	add_section(".gnu_debugaltlink", "/no/id\\000");
	cr_assert_eq(read_elf_info("program", &info), 0);
	cr_expect_str_empty(info.link);
	cr_expect_str_empty(info.alt_link);
	cr_expect_eq(info.alt_id_bytes, 0);
	run("cc p.c -o program && head -c 255 /dev/zero | tr '\\0' x >name && "
	    "(cat name; printf '\\0abcd') >section && "
	    "objcopy --add-section .gnu_debuglink=section program");
	cr_assert_eq(read_elf_info("program", &info), 0);
	cr_expect_eq(strlen(info.link), 255);
	run("cc p.c -o program && (printf x; cat name; printf '\\0abcd') >section && "
	    "objcopy --add-section .gnu_debuglink=section program");
	cr_assert_eq(read_elf_info("program", &info), 0);
	cr_expect_str_empty(info.link);
}

Test(elf_info, interpreters)
{
	struct elf_info info;

	make_program();
	cr_assert_eq(read_elf_info("program", &info), 0);
	cr_expect_eq(info.has_python, 0);
	run("echo 'long _PyRuntime = 1;' >l.c && cc -shared -fPIC l.c -o lib && strip -s lib");
	cr_assert_eq(read_elf_info("lib", &info), 0);
	cr_expect_eq(info.has_python, 1);
	/* This library imports _PyRuntime, but does not define it. */
	run("echo 'extern long _PyRuntime; long *f(void) { return &_PyRuntime; }' >u.c && "
	    "cc -shared -fPIC u.c -o user");
	cr_assert_eq(read_elf_info("user", &info), 0);
	cr_expect_eq(info.has_python, 0);
}

Test(elf_info, no_elf_file)
{
	struct elf_info info = {.n_segments = 7};

	run("echo '#!/bin/sh' >script && : >empty");
	cr_assert_eq(read_elf_info("script", &info), -ENOEXEC);
	cr_expect_eq(info.n_segments, 0);
	cr_assert_eq(read_elf_info("empty", &info), -ENOEXEC);
	cr_assert_eq(elf_info_read(-1, &info), -EIO);
}

Test(elf_info, damaged_files)
{
	seeds_run(LLVMFuzzerTestOneInput, "about", 1000);
	seeds_run(LLVMFuzzerTestOneInput, "eh_rows", 500);
	seeds_run(LLVMFuzzerTestOneInput, "names", 500);
}
