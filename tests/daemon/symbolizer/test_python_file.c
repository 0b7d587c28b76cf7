/* SPDX-License-Identifier: MIT */
/* Tests with the interpreters that are installed here, and copies of them without symbols. */
#include <criterion/criterion.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/cleanup.h"
#include "tests/support/python_files.h"
#include "tests/support/skip.h"

#define PYENV  "/.pyenv/versions/3.*/lib/libpython3.*.so.1.0"
#define DEBIAN "/usr/bin/python3"

TestSuite(python_file, .init = python_files_set_up, .fini = python_files_tear_down,
	  .timeout = 1000);

static uint32_t version_of(const char *path)
{
	const char *name = strrchr(path, '/');
	unsigned int minor;

	cr_assert_eq(sscanf(name, "/libpython3.%u", &minor), 1, "%s", path);
	return 0x0300 | minor;
}

/* Returns the minor version N of Debian's Python 3.N; 0 if there is none. */
static unsigned int get_debian_minor(void)
{
	char target[64] = "";
	unsigned int minor;

	if (readlink(DEBIAN, target, sizeof(target) - 1) < 0 ||
	    sscanf(target, "python3.%u", &minor) != 1)
		return 0;
	return minor;
}

static void expect_ranges(const struct symbolizer_python *python)
{
	static const char *const calls[] = {
		"_PyFunction_Vectorcall", "_PyEval_EvalCodeWithName",
		"_PyEval_Vector",         "method_vectorcall",
		"PyObject_Call",          "gen_send_ex",
		"slot_tp_call",           "PyEval_EvalFrameEx",
		"PyEval_EvalCode",
	};
	static const char *const visible[] = {
		"list_sort_impl", "builtin_sum",     "builtin_sum_impl", "PyImport_Import",
		"PyNumber_Add",   "subtype_dealloc", "PyObject_Calloc",  "PyObject_CallFinalizer",
		"type_new",       "_PyGen_Finalize", "slotptr",          "PyGen_New",
	};

	expect_code(python, "_PyEval_EvalFrameDefault", SYMBOLIZER_PYTHON_EVAL);
	for (size_t i = 0; i < array_length(calls); i++)
		expect_code(python, calls[i], SYMBOLIZER_PYTHON_CALL);
	for (size_t i = 0; i < array_length(visible); i++)
		expect_visible(python, visible[i]);
}

static void expect_interpreter(const struct symbolizer_python *python, uint32_t version)
{
	cr_expect_eq(python->kind, SYMBOLIZER_PYTHON_CPYTHON, "%u", python->kind);
	cr_expect_eq(python->version_hex >> 16, version, "%x", python->version_hex);
	cr_expect_eq(python->runtime, get_symbol(version == 0x0306 ? "interp_head" : "_PyRuntime"));
	cr_expect_eq(python->code_type, get_symbol("PyCode_Type"));
	cr_expect_eq(python->is_current, 0);
	cr_expect_eq(python->n_offsets, version >= 0x030d ? PYTHON_OFFSETS_WORDS : 0);
	cr_expect(version < 0x030d || python->offsets[1] == python->version_hex);
	expect_ranges(python);
}

/* Expects of the stripped file what is known of the one with symbols, but for parts that nothing in
 * the function leads to: those never run. */
static void expect_stripped(const struct symbolizer_python *whole, const char *path)
{
	struct symbolizer_python python;
	unsigned int n_eval = 0;

	run("strip -s -o stripped '%s'", path);
	read_python(python_files_path("stripped"), &python);
	cr_expect(has_python(python_files_path("stripped")));
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_CPYTHON);
	cr_expect_eq(python.version_hex, whole->version_hex);
	cr_expect_eq(python.code_type, whole->code_type);
	cr_expect_eq(python.is_current, whole->version_hex >> 16 == 0x0306);
	cr_expect_eq(python.runtime,
		     python.is_current ? get_symbol("_PyThreadState_Current") : whole->runtime);
	for (size_t i = 0; i < whole->n_ranges; i++) {
		const struct symbolizer_python_range *range = &whole->ranges[i];

		if (range->code != SYMBOLIZER_PYTHON_EVAL || range->end - range->start <= 16)
			continue;
		n_eval++;
		cr_expect(is_code(&python, range->start, SYMBOLIZER_PYTHON_EVAL));
		cr_expect(is_code(&python, range->end - 1, SYMBOLIZER_PYTHON_EVAL));
	}
	for (size_t i = 0; i < python.n_ranges; i++) {
		n_eval -= python.ranges[i].code == SYMBOLIZER_PYTHON_EVAL;
		cr_expect(is_code(whole, python.ranges[i].start, python.ranges[i].code));
	}
	cr_expect_eq(n_eval, 0, "what is no part of it");
}

Test(python_file, every_version_that_is_installed)
{
	const char *home = getenv("HOME");
	char pattern[PATH_MAX];
	glob_t paths = {};

	snprintf(pattern, sizeof(pattern), "%s%s", home ? home : "", PYENV);
	if (glob(pattern, 0, NULL, &paths) != 0)
		skip_loudly("no pyenv: its interpreters were NOT tested");
	for (size_t i = 0; i < paths.gl_pathc; i++) {
		const char *path = paths.gl_pathv[i];
		struct symbolizer_python python;

		fprintf(stderr, "%s\n", path);
		list_symbols(path);
		cr_expect(has_python(path));
		read_python(path, &python);
		expect_interpreter(&python, version_of(path));
		expect_stripped(&python, path);
	}
	globfree(&paths);
}

/* Counts the jumps of a function that lead out of it, as objdump reads them. */
static unsigned int count_jumps(const char *path, const struct symbolizer_python *python,
				const struct symbolizer_python_range *range)
{
	char command[PATH_MAX + 128], line[1024];
	unsigned int n = 0;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "objdump -d --no-show-raw-insn --start-address=%#" PRIx64
		 " --stop-address=%#" PRIx64 " '%s'",
		 range->start, range->end, path);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	while (fgets(line, sizeof(line), pipe)) {
		uint64_t address, target;

		if (sscanf(line, " %" SCNx64 ": j%*s %" SCNx64, &address, &target) != 2 ||
		    (target >= range->start && target < range->end))
			continue;
		cr_expect(is_code(python, target, SYMBOLIZER_PYTHON_EVAL), "%" PRIx64, target);
		n++;
	}
	pclose(pipe);
	return n;
}

Test(python_file, stripped_program_of_the_distribution)
{
	struct symbolizer_python python;

	if (get_debian_minor() == 0)
		skip_loudly("no " DEBIAN ": stripped programs were NOT tested");
	cr_expect(has_python(DEBIAN));
	read_python(DEBIAN, &python);
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_CPYTHON);
	cr_expect_eq(python.version_hex >> 16, 0x0300 | get_debian_minor());
	cr_expect_neq(python.runtime, 0);
	cr_expect_neq(python.code_type, 0);
	for (size_t i = 0; i < python.n_ranges; i++)
		if (python.ranges[i].code == SYMBOLIZER_PYTHON_EVAL &&
		    python.ranges[i].end - python.ranges[i].start > 20000)
			cr_expect_gt(count_jumps(DEBIAN, &python, &python.ranges[i]), 0);
}

/* Returns the path of the interpreter as an archive, of the package libpython3.N-dev. */
static const char *get_archive(void)
{
	static char path[128];

	snprintf(path, sizeof(path),
		 "/usr/lib/python3.%1$u/config-3.%1$u-x86_64-linux-gnu/libpython3.%1$u.a",
		 get_debian_minor());
	return path;
}

static void link_static(const char *name, const char *flags)
{
	run("cc -no-pie %s m.c -o %s %s -lm -lz -lexpat -ldl", flags, name, get_archive());
}

Test(python_file, embedded_in_a_program)
{
	struct symbolizer_python python;

	if (access(get_archive(), R_OK) < 0)
		skip_loudly("no libpython3-dev: static interpreters were NOT tested");
	if (get_debian_minor() >= 12)
		skip_loudly("Debian's archive lacks parts: static interpreters were NOT tested");
	run("echo 'int Py_BytesMain(int, char **); "
	    "int main(int c, char **v) { return Py_BytesMain(c, v); }' >m.c");
	link_static("exports", "-rdynamic");
	list_symbols(python_files_path("exports"));
	cr_expect(has_python(python_files_path("exports")));
	read_python(python_files_path("exports"), &python);
	expect_interpreter(&python, 0x0300 | get_debian_minor());
	expect_stripped(&python, python_files_path("exports"));
	/* The interpreter's own symbols are gone, and those of its parts; others are there. */
	run("strip -x exports");
	read_python(python_files_path("exports"), &python);
	expect_code(&python, "_PyEval_EvalFrameDefault", SYMBOLIZER_PYTHON_EVAL);
	/* The file exports nothing, but still has the section. */
	link_static("inside", "");
	list_symbols(python_files_path("inside"));
	cr_expect(has_python(python_files_path("inside")));
	read_python(python_files_path("inside"), &python);
	expect_interpreter(&python, 0x0300 | get_debian_minor());
	run("strip -s inside");
	cr_expect(has_python(python_files_path("inside")));
	read_python(python_files_path("inside"), &python);
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_STRIPPED);
}

Test(python_file, pypy)
{
	struct symbolizer_python python;
	glob_t paths = {};

	if (glob("/usr/lib/*/libpypy3*-c.so", 0, NULL, &paths) != 0)
		skip_loudly("no PyPy: it was NOT tested");
	cr_expect(has_python(paths.gl_pathv[0]));
	read_python(paths.gl_pathv[0], &python);
	cr_expect_eq(python.kind, SYMBOLIZER_PYTHON_PYPY);
	cr_expect_eq(python.n_ranges, 0);
	globfree(&paths);
}
