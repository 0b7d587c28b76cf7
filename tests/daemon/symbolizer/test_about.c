/* SPDX-License-Identifier: MIT */
/* What a file says of itself, of files that a toolchain made and of damaged ones. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz_about.c"
#include "tests/support/directory.h"
#include "tests/support/eh_image.h"
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

TestSuite(about, .init = set_up, .fini = tear_down);

static int read_about(const char *name, struct symbolizer_about *ret)
{
	char path[600];
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	r = about_read(fd, ret);
	close(fd);
	return r;
}

static void make_program(void)
{
	run("echo 'int main(void) { return 0; }' >p.c && "
	    "cc -g -Wl,--build-id=0xabcdef p.c -o program");
}

/* A path, its NUL, an id; a name, padded, and its checksum. */
static void add_section(const char *name, const char *octets)
{
	run("printf '%s' >section && objcopy --add-section %s=section program", octets, name);
}

Test(about, a_program)
{
	struct symbolizer_about about;

	make_program();
	cr_assert_eq(read_about("program", &about), 0);
	cr_expect_eq(about.build_id_bytes, 3);
	cr_expect_arr_eq(about.build_id, "\xab\xcd\xef", 3);
	cr_expect_eq(about.has_dwarf, 1);
	cr_expect_str_empty(about.link);
	cr_expect_str_empty(about.alt_link);
	run("strip program -o stripped && objcopy --only-keep-debug program program.debug && "
	    "objcopy --add-gnu-debuglink=program.debug stripped");
	cr_assert_eq(read_about("stripped", &about), 0);
	cr_expect_eq(about.has_dwarf, 0);
	cr_expect_str_eq(about.link, "program.debug");
	cr_assert_eq(read_about("program.debug", &about), 0);
	cr_expect_eq(about.has_dwarf, 1);
	cr_expect_eq(about.build_id_bytes, 3);
}

Test(about, segments_with_code)
{
	struct eh_image image;
	struct symbolizer_about about;
	int fd;

	eh_image_init(&image, "zR");
	fd = eh_image_finish(&image);
	cr_assert_eq(ftruncate(fd, 0x1800), 0);
	cr_assert_eq(about_read(fd, &about), 0);
	cr_assert_eq(about.n_segments, 1);
	cr_expect_eq(about.segments[0].offset, 0x1000);
	cr_expect_eq(about.segments[0].vaddr, EH_TEXT);
	cr_expect_eq(about.segments[0].bytes, 0x800, "no more than is in the file");
	close(fd);
}

Test(about, more_segments_than_are_told)
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
	struct symbolizer_about about;

	cr_assert_eq(write(fd, &header, sizeof(header)), sizeof(header));
	for (unsigned i = 0; i < header.e_phnum; i++) {
		Elf64_Phdr segment = {
			.p_type = PT_LOAD, .p_flags = PF_X, .p_offset = i, .p_filesz = 1};

		cr_assert_eq(write(fd, &segment, sizeof(segment)), sizeof(segment));
	}
	cr_assert_eq(about_read(fd, &about), 0);
	cr_assert_eq(about.n_segments, SYMBOLIZER_SEGMENTS_MAX);
	cr_expect_eq(about.segments[SYMBOLIZER_SEGMENTS_MAX - 1].offset,
		     SYMBOLIZER_SEGMENTS_MAX - 1);
	close(fd);
}

Test(about, alt_link)
{
	struct symbolizer_about about;

	make_program();
	add_section(".gnu_debugaltlink", "/usr/lib/debug/.dwz/a\\000\\001\\002\\003");
	cr_assert_eq(read_about("program", &about), 0);
	cr_expect_str_eq(about.alt_link, "/usr/lib/debug/.dwz/a");
	cr_expect_eq(about.alt_id_bytes, 3);
	cr_expect_arr_eq(about.alt_id, "\1\2\3", 3);
}

Test(about, links_that_are_none)
{
	struct symbolizer_about about;

	make_program();
	add_section(".gnu_debuglink", "../up\\000\\000\\000\\001\\002\\003\\004");
	add_section(".gnu_debugaltlink", "/no/id\\000");
	cr_assert_eq(read_about("program", &about), 0);
	cr_expect_str_empty(about.link);
	cr_expect_str_empty(about.alt_link);
	cr_expect_eq(about.alt_id_bytes, 0);
	run("cc p.c -o program && head -c 255 /dev/zero | tr '\\0' x >name && "
	    "(cat name; printf '\\0abcd') >section && "
	    "objcopy --add-section .gnu_debuglink=section program");
	cr_assert_eq(read_about("program", &about), 0);
	cr_expect_eq(strlen(about.link), 255);
	run("cc p.c -o program && (printf x; cat name; printf '\\0abcd') >section && "
	    "objcopy --add-section .gnu_debuglink=section program");
	cr_assert_eq(read_about("program", &about), 0);
	cr_expect_str_empty(about.link);
}

Test(about, interpreters)
{
	struct symbolizer_about about;

	make_program();
	cr_assert_eq(read_about("program", &about), 0);
	cr_expect_eq(about.has_python, 0);
	run("echo 'long _PyRuntime = 1;' >l.c && cc -shared -fPIC l.c -o lib && strip -s lib");
	cr_assert_eq(read_about("lib", &about), 0);
	cr_expect_eq(about.has_python, 1);
	/* It only wants one. */
	run("echo 'extern long _PyRuntime; long *f(void) { return &_PyRuntime; }' >u.c && "
	    "cc -shared -fPIC u.c -o user");
	cr_assert_eq(read_about("user", &about), 0);
	cr_expect_eq(about.has_python, 0);
}

Test(about, no_elf_file)
{
	struct symbolizer_about about = {.n_segments = 7};

	run("echo '#!/bin/sh' >script && : >empty");
	cr_assert_eq(read_about("script", &about), -ENOEXEC);
	cr_expect_eq(about.n_segments, 0);
	cr_assert_eq(read_about("empty", &about), -ENOEXEC);
	cr_assert_eq(about_read(-1, &about), -EIO);
}

Test(about, damaged_files)
{
	seeds_run(LLVMFuzzerTestOneInput, "about", 1000);
	seeds_run(LLVMFuzzerTestOneInput, "eh_rows", 500);
	seeds_run(LLVMFuzzerTestOneInput, "names", 500);
}
