/* SPDX-License-Identifier: MIT */
/* Tests with small files that look like an interpreter, and some that lie. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "tests/support/python_files.h"
#include "tests/support/seeds.h"

TestSuite(python_file_made, .init = python_files_set_up, .fini = python_files_tear_down,
	  .timeout = 1000);

/* The same code twice: with its symbols, and without; its cold part is reached by one jcc alone. */
Test(python_file_made, a_part_that_no_symbol_tells)
{
	struct symbolizer_python whole, stripped;

	read_python("fuzz/seeds/python_file/sysv", &whole);
	read_python("fuzz/seeds/python_file/gnu", &stripped);
	cr_assert_geq(whole.n_ranges, 1);
	cr_assert_geq(stripped.n_ranges, 1);
	cr_expect_eq(whole.ranges[0].code, SYMBOLIZER_PYTHON_EVAL);
	cr_expect_eq(stripped.ranges[0].code, SYMBOLIZER_PYTHON_EVAL);
	cr_expect_eq(stripped.ranges[0].end - stripped.ranges[0].start,
		     whole.ranges[0].end - whole.ranges[0].start);
}

/* Builds a library of C code, linked with these flags. */
static void make_library(const char *flags, const char *code)
{
	FILE *file = fopen(python_files_path("l.c"), "we");

	cr_assert(file && fputs(code, file) >= 0 && fclose(file) == 0);
	run("cc -O1 -w -shared -fPIC -nostdlib %s l.c -o lib", flags);
}

static void read_library(struct symbolizer_python *ret)
{
	cr_expect(has_python(python_files_path("lib")));
	read_python(python_files_path("lib"), ret);
}

#define RUNTIME "long _PyRuntime[9] = {1}; long PyCode_Type = 1;"
#define EVAL    "int g; int _PyEval_EvalFrameDefault(void) { return g; }"

Test(python_file_made, its_version_by_what_is_there)
{
	static const struct {
		const char *flags, *code;
		uint32_t version;
	} cases[] = {
		{"-Wl,-soname,libpython3.9.so.1.0", "const char t[] = \"lib/python3.8\";",
		 0x03090000},
		{"-Wl,-soname,libpython3.6m.so.1.0", "", 0x03060000},
		{"-Wl,-soname,libpython2.7.so.1.0", "", 0x02070000},
		{"-Wl,-soname,libpythonic.so", "const char t[] = \"lib/python3.8\";", 0x03080000},
		{"", "const char t[] = \"python3.10\";", 0x030a0000},
		{"", "const char t[] = \"/usr/lib/python3.10\", u[] = \"python3.10\";", 0x030a0000},
		{"", "const char t[] = \"python3.10\", u[] = \"python3.9\";", 0},
		{"", "const char t[] = \"ipython3.10\", u[] = \"python3.9x\", v[] = \"python3.\";",
		 0},
		{"-Wl,-soname,libpython3.9.so.1.0", "const unsigned long Py_Version = 0x030b02f0;",
		 0x030b02f0},
	};

	for (size_t i = 0; i < array_length(cases); i++) {
		struct symbolizer_python python;
		char code[1024];

		snprintf(code, sizeof(code), RUNTIME EVAL "%s", cases[i].code);
		make_library(cases[i].flags, code);
		run("strip -s lib");
		read_library(&python);
		cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_CPYTHON, "%zu", i);
		cr_expect_eq(python.version_hex, cases[i].version, "%zu: %x", i,
			     python.version_hex);
	}
}

/* DT_HASH is searched in another way. */
Test(python_file_made, by_either_hash)
{
	static const char *const flags[] = {"-Wl,--hash-style=sysv", "-Wl,--hash-style=gnu"};
	struct symbolizer_python python;

	for (size_t i = 0; i < array_length(flags); i++) {
		make_library(flags[i], RUNTIME EVAL);
		run("strip -s lib");
		read_library(&python);
		cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_CPYTHON);
		cr_expect_eq(python.n_ranges, 1);
		make_library(flags[i], "extern long _PyRuntime; long *f(void) "
				       "{ return &_PyRuntime; } long _PyRuntime2;");
		cr_expect_not(has_python(python_files_path("lib")), "it only uses one");
		read_python(python_files_path("lib"), &python);
		cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_NONE);
	}
}

#define WORDS(version, free)                                      \
	"struct { char c[8]; long v[95]; } _PyRuntime = {"        \
	"\"xdebugpy\", {" #version ", " #free ", 3, [94] = 99}};" \
	"long PyCode_Type = 1;" EVAL

Test(python_file_made, what_it_says_of_itself)
{
	struct symbolizer_python python;

	make_library("", WORDS(0x030d01f0, 0));
	read_library(&python);
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_CPYTHON);
	cr_expect_eq(python.version_hex, 0x030d01f0);
	cr_expect_eq(python.n_offsets, PYTHON_OFFSETS_WORDS);
	cr_expect_eq(python.offsets[3], 3);
	cr_expect_eq(python.offsets[95], 99);
	make_library("", WORDS(0x030e00f0, 1));
	read_library(&python);
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_FREE_THREADED);
	cr_expect_eq(python.version_hex, 0x030e00f0);
	make_library("", RUNTIME EVAL);
	read_library(&python);
	cr_expect_eq(python.n_offsets, 0, "no cookie");
	cr_expect_eq(python.offsets[0], 0);
}

Test(python_file_made, without_what_is_needed)
{
	static const char *const codes[] = {"long _PyRuntime = 1;" EVAL, RUNTIME};
	struct symbolizer_python python;

	for (size_t i = 0; i < array_length(codes); i++) {
		make_library("", codes[i]);
		read_library(&python);
		cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_STRIPPED);
	}
	make_library("-Wl,-soname,libpython2.7.so.1.0",
		     "long _PyThreadState_Current = 1; long PyCode_Type = 1;");
	read_library(&python);
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_CPYTHON);
	cr_expect_eq(python.version_hex, 0x02070000);
	cr_expect_eq(python.is_current, 1);
}

/* There are more callers than room: what runs Python code is kept, and what comes first in the
 * table. */
Test(python_file_made, many_ranges)
{
	static char code[65536];
	struct symbolizer_python python;
	size_t length = snprintf(code, sizeof(code), RUNTIME EVAL);
	unsigned int n_eval = 0;

	for (int i = 0; i < 200; i++)
		length += snprintf(code + length, sizeof(code) - length,
				   "int slot_%d(void) { return g + %d; }"
				   "int other_%d(void) { return g * %d; }",
				   i, i, i, i + 3);
	for (int i = 0; i < 9; i++)
		length += snprintf(code + length, sizeof(code) - length,
				   "int _TAIL_CALL_%d(void) { return g - %d; }"
				   "int more_%d(void) { return g / %d; }",
				   i, i, i, i + 3);
	make_library("-fno-toplevel-reorder", code);
	read_library(&python);
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_CPYTHON);
	for (size_t i = 0; i < python.n_ranges; i++)
		n_eval += python.ranges[i].code == SYMBOLIZER_PYTHON_EVAL;
	cr_expect_eq(n_eval, 1);
	list_symbols(python_files_path("lib"));
	expect_code(&python, "_PyEval_EvalFrameDefault", SYMBOLIZER_PYTHON_EVAL);
	for (int i = 0; i < 9; i++) {
		char name[32];

		snprintf(name, sizeof(name), "_TAIL_CALL_%d", i);
		expect_code(&python, name, SYMBOLIZER_PYTHON_CALL);
		snprintf(name, sizeof(name), "more_%d", i);
		expect_visible(&python, name);
	}
	cr_expect_gt(python.n_ranges, SYMBOLIZER_PYTHON_RANGES_MAX - 20, "%u", python.n_ranges);
}

/* The table of names has such a name, and only the names are searched at first. */
Test(python_file_made, one_that_is_only_wanted)
{
	struct symbolizer_python python;

	run("echo 'extern long _PyRuntime; long f(void) { return _PyRuntime; }' >o.c && cc -c o.c");
	cr_expect(has_python(python_files_path("o.o")));
	read_python(python_files_path("o.o"), &python);
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_NONE);
}

Test(python_file_made, no_interpreter)
{
	struct symbolizer_python python = {.kind = 7};

	cr_expect_not(has_python("/lib/x86_64-linux-gnu/libc.so.6"));
	read_python("/lib/x86_64-linux-gnu/libc.so.6", &python);
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_NONE);
	cr_expect_eq(python.n_ranges, 0);
	run("echo text >text");
	int fd = open(python_files_path("text"), O_RDONLY | O_CLOEXEC);
	cr_expect_eq(python_file_read(fd, &python), -ENOEXEC);
	close(fd);
	cr_expect_eq(python_file_read(-1, &python), -EIO);
}

/* Makes a hash table that leads in a circle, or out of the file. */
Test(python_file_made, hash_tables_of_a_liar)
{
	const uint32_t values[] = {0, 1, 2, 0x7fffffff, UINT32_MAX};
	static uint8_t data[65536];
	_cleanup_close_ int fd = -1;
	uint64_t at = 0;
	ssize_t size;

	make_library("-Wl,--hash-style=sysv", RUNTIME EVAL);
	fd = open(python_files_path("lib"), O_RDONLY | O_CLOEXEC);
	size = read(fd, data, sizeof(data));
	cr_assert_gt(size, 0);
	for (size_t i = 0; i < ((Elf64_Ehdr *)data)->e_shnum; i++) {
		const Elf64_Shdr *section =
			(Elf64_Shdr *)(data + ((Elf64_Ehdr *)data)->e_shoff) + i;

		if (section->sh_type == SHT_HASH)
			at = section->sh_offset;
	}
	cr_assert_gt(at, 0);
	for (size_t word = 0; word < 16; word++)
		for (size_t i = 0; i < array_length(values); i++) {
			uint32_t *place = (uint32_t *)(data + at) + word, was = *place;

			*place = values[i];
			cr_expect_eq(LLVMFuzzerTestOneInput(data, size), 0);
			*place = was;
		}
}

Test(python_file_made, damaged_files)
{
	seeds_run(LLVMFuzzerTestOneInput, "python_file", 2000);
	seeds_run(LLVMFuzzerTestOneInput, "eh_rows", 300);
	seeds_run(LLVMFuzzerTestOneInput, "names", 300);
}
