/* SPDX-License-Identifier: MIT */
/* Finds interpreters of processes in a /proc of the test's own. The test also makes up what a file
 * says: its content is the index of one of `pythons`. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/base/cleanup.h"
#include "daemon/objfile/interpreters.h"
#include "daemon/python/layout.h"
#include "tests/support/directory.h"
#include "tests/support/named_file.h"

#define PID     10
#define HERE    UINT64_C(0x7f0000000000)
#define BYTES   0x10000
#define OFFSET  0x1000 /* offset of the code in its file */
#define VADDR   0x401000
#define RUNTIME 0x500010
#define TYPE    0x500800
#define NOW     UINT64_C(1000)
#define IMAGES  20000 /* as many as are kept */

static const struct symbolizer_python pythons[] = {
	{0}, /* none */
	{
		.kind = SYMBOLIZER_PYTHON_CPYTHON,
		.version_hex = 0x030b02f0,
		.runtime = RUNTIME,
		.code_type = TYPE,
		.n_ranges = 3,
		.ranges = {{0x401100, 0x401200, SYMBOLIZER_PYTHON_CALL, 0},
			   {0x401200, 0x401300, SYMBOLIZER_PYTHON_EVAL, 0},
			   {0x401400, 0x401401, SYMBOLIZER_PYTHON_CALL, 0}},
	},
	{.kind = SYMBOLIZER_PYTHON_CPYTHON, .version_hex = 0x02070000, .runtime = RUNTIME},
	{.kind = SYMBOLIZER_PYTHON_FREE_THREADED, .version_hex = 0x030d00f0, .runtime = RUNTIME},
	{.kind = SYMBOLIZER_PYTHON_PYPY},
	{.kind = SYMBOLIZER_PYTHON_STRIPPED, .version_hex = 0x03060000},
	{.kind = SYMBOLIZER_PYTHON_CPYTHON,
	 .version_hex = 0x03060000,
	 .runtime = RUNTIME,
	 .code_type = TYPE,
	 .is_current = 1},
};
enum { NONE, CPYTHON, OLD, FREE, PYPY, STRIPPED, CURRENT };

struct inspector {
	int python_error;
	size_t n_python_looks;
};

static struct inspector inspector;
static char directory[256], proc[300];
static struct files *files;
static struct interpreters *interpreters;

static size_t read_number(int fd)
{
	char digit = 0;

	cr_assert_eq(pread(fd, &digit, 1, 0), 1);
	return digit - '0';
}

int inspect_open(struct inspector *self, const struct named_file *file,
		 const struct deputy_rights *rights)
{
	return named_file_open(file);
}

int inspect_file(struct inspector *at, int fd, struct elf_info *ret)
{
	*ret = (struct elf_info){
		.segments = {{.offset = OFFSET, .bytes = BYTES, .vaddr = VADDR}},
		.n_segments = 1,
		.has_python = read_number(fd) != NONE,
	};
	return 0;
}

int inspect_python(struct inspector *at, int fd, struct symbolizer_python *ret)
{
	at->n_python_looks++;
	*ret = at->python_error ? (struct symbolizer_python){} : pythons[read_number(fd)];
	return at->python_error;
}

static void make_directory(const char *name)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
}

static void make_file(const char *name, size_t number)
{
	char path[700];
	FILE *file;

	snprintf(path, sizeof(path), "%s/10/root%s", proc, name);
	file = fopen(path, "we");
	cr_assert_not_null(file, "%s", path);
	fprintf(file, "%zu", number);
	fclose(file);
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
	make_file("/app", NONE);
	make_file("/lib", CPYTHON);
	files = files_new(proc, &inspector);
	cr_assert_not_null(files);
	interpreters = interpreters_new(files);
	cr_assert_not_null(interpreters);
}

static void tear_down(void)
{
	cr_assert_null(interpreters_free(interpreters));
	files_free(files);
	directory_remove(directory);
}

TestSuite(interpreters, .init = set_up, .fini = tear_down);

static struct image image_new(void)
{
	static uint32_t last_id;
	struct image image = {.id = ++last_id, .pid = PID, .comm = "app", .maps = maps_new()};

	cr_assert_not_null(image.maps);
	return image;
}

static void image_map(struct image *image, uint64_t start, const char *path, uint64_t since_ns)
{
	struct mapping mapping = {
		.start = start,
		.end = start + BYTES,
		.file_offset = OFFSET,
		.since_ns = since_ns,
		.path = path,
	};

	cr_assert_geq(maps_add(image->maps, &mapping), 0);
	image->generation++;
}

static const struct interpreter *find(const struct image *image)
{
	return interpreters_find(interpreters, image, NOW);
}

Test(interpreters, one_is_found_where_it_is_mapped)
{
	struct image image = image_new();
	const struct interpreter *found;

	cr_assert_null(find(&image));
	image_map(&image, HERE / 2, "/app", 0);
	cr_assert_null(find(&image));
	image_map(&image, HERE, "/lib", 0);
	found = find(&image);
	cr_assert_not_null(found);
	cr_expect_eq(found->pid, PID);
	cr_expect_str_eq(found->comm, "app");
	cr_expect_str_eq(found->path, "/lib");
	cr_expect_eq(found->state, INTERPRETER_READ);
	cr_expect_eq(found->version_hex, 0x030b02f0);
	cr_expect_eq(found->bias, HERE - VADDR);
	cr_expect_eq(found->place.runtime, HERE - VADDR + RUNTIME);
	cr_expect_eq(found->place.code_type, HERE - VADDR + TYPE);
	cr_assert_gt(found->place.layout, 0);
	cr_expect_eq(python_layouts(&(size_t){0})[found->place.layout - 1].version, 0x030b);
	cr_expect_str_eq(interpreter_state_name(found->state), "read");
	cr_expect_str_empty(interpreter_explain(found->state));
	maps_free(image.maps);
}

Test(interpreters, the_first_one_counts_where_there_are_several)
{
	struct image image = image_new();

	make_file("/pypy", PYPY);
	image_map(&image, HERE, "/pypy", 0);
	image_map(&image, HERE / 2, "/lib", 0);
	cr_expect_str_eq(find(&image)->path, "/lib");
	/* A later mapping hides the earlier one. */
	image_map(&image, HERE / 2, "/app", NOW);
	cr_expect_str_eq(find(&image)->path, "/pypy");
	cr_expect_eq(find(&image)->state, INTERPRETER_PYPY);
	image_map(&image, HERE, "/app", NOW);
	cr_expect_null(find(&image));
	maps_free(image.maps);
}

Test(interpreters, what_was_found_is_not_looked_for_again)
{
	struct image image = image_new(), other = image_new();

	image_map(&image, HERE, "/lib", 0);
	image_map(&other, 2 * HERE, "/lib", 0);
	for (int i = 0; i < 3; i++)
		cr_expect_eq(find(&image)->bias, HERE - VADDR);
	cr_expect_eq(find(&other)->bias, 2 * HERE - VADDR);
	cr_expect_eq(inspector.n_python_looks, 1);
	/* The same generation: nothing has changed. */
	cr_assert_geq(maps_add(image.maps, &(struct mapping){.start = HERE,
							     .end = HERE + BYTES,
							     .since_ns = NOW,
							     .path = "/app"}),
		      0);
	cr_expect_not_null(find(&image));
	image.generation++;
	cr_expect_null(find(&image));
	cr_expect_eq(interpreters_count(interpreters), 2);
	cr_expect_null(interpreters_get(interpreters, 0));
	cr_expect_eq(interpreters_get(interpreters, 1)->bias, 2 * HERE - VADDR);
	maps_free(image.maps);
	maps_free(other.maps);
}

Test(interpreters, what_could_not_be_told_is_asked_again)
{
	struct image image = image_new();

	image_map(&image, HERE, "/lib", 0);
	inspector.python_error = -EAGAIN;
	for (size_t i = 1; i < 10; i++) {
		cr_assert_null(find(&image));
		cr_assert_eq(inspector.n_python_looks, i);
	}
	inspector.python_error = 0;
	cr_assert_not_null(find(&image));
	cr_assert_not_null(find(&image));
	cr_assert_eq(inspector.n_python_looks, 10);
	maps_free(image.maps);
}

Test(interpreters, what_cannot_be_read_is_none)
{
	struct image image = image_new();

	image_map(&image, HERE, "/lib", 0);
	inspector.python_error = -EBADMSG;
	cr_assert_null(find(&image));
	cr_assert_null(find(&image));
	cr_assert_eq(inspector.n_python_looks, 1);
	maps_free(image.maps);
}

static const struct {
	int file;
	enum interpreter_state state;
	const char *name;
	const char *note; /* a part of it */
	const char *title;
} states[] = {
	{CPYTHON, INTERPRETER_READ, "read", "", "CPython 3.11.2"},
	{CURRENT, INTERPRETER_READ, "read", "", "CPython 3.6"},
	{OLD, INTERPRETER_UNKNOWN_VERSION, "unknown-version", "does not know this version",
	 "CPython 2.7"},
	{FREE, INTERPRETER_FREE_THREADED, "free-threaded", "free-threaded", "CPython 3.13.0"},
	{PYPY, INTERPRETER_PYPY, "pypy", "PyPy", "PyPy"},
	{STRIPPED, INTERPRETER_STRIPPED, "stripped", "stripped of", "CPython 3.6"},
};

Test(interpreters, each_state_has_its_word)
{
	for (size_t i = 0; i < array_length(states); i++) {
		struct image image = image_new();
		char path[16], title[INTERPRETER_NAME_BYTES];
		const struct interpreter *found;

		snprintf(path, sizeof(path), "/python%zu", i);
		make_file(path, states[i].file);
		image_map(&image, HERE, path, 0);
		found = find(&image);
		cr_assert_not_null(found);
		cr_expect_eq(found->state, states[i].state);
		cr_expect_str_eq(interpreter_state_name(found->state), states[i].name);
		cr_expect_not_null(strstr(interpreter_explain(found->state), states[i].note));
		cr_expect_eq(!found->place.layout, states[i].state != INTERPRETER_READ);
		cr_expect_eq(!found->place.runtime, states[i].state != INTERPRETER_READ);
		interpreter_name(found, title);
		cr_expect_str_eq(title, states[i].title);
		maps_free(image.maps);
	}
}

/* The order of the tables is that of the enumeration; all have text but the first. */
Test(interpreters, whoever_is_not_read_hears_why)
{
	cr_expect_str_empty(interpreter_explain(INTERPRETER_READ));
	for (int i = INTERPRETER_READ + 1; i < N_INTERPRETER_STATES; i++)
		cr_expect_str_not_empty(interpreter_explain(i));
	cr_expect_str_eq(interpreter_state_name(INTERPRETER_OTHER_LAYOUT), "other-layout");
}

Test(interpreters, both_ways_to_find_3_6_have_their_layouts)
{
	struct image image = image_new();
	const struct ox_layout *layouts;
	size_t n;

	make_file("/python", CURRENT);
	image_map(&image, HERE, "/python", 0);
	layouts = python_layouts(&n);
	cr_assert_leq(find(&image)->place.layout, n);
	cr_expect_eq(layouts[find(&image)->place.layout - 1].version, 0x0306);
	cr_expect_neq(layouts[find(&image)->place.layout - 1].flags & OX_LAYOUT_CURRENT, 0);
	maps_free(image.maps);
}

static void check_name(uint32_t version_hex, const char *expected)
{
	struct interpreter interpreter = {.version_hex = version_hex};
	char name[INTERPRETER_NAME_BYTES];

	interpreter_name(&interpreter, name);
	cr_expect_str_eq(name, expected, "%s, not %s", name, expected);
}

Test(interpreters, versions_are_written_as_people_do)
{
	check_name(0x030b02f0, "CPython 3.11.2");
	check_name(0x030d00f0, "CPython 3.13.0");
	check_name(0x03090000, "CPython 3.9");
	check_name(0x030e00c2, "CPython 3.14.0rc2");
	check_name(0x030f00a7, "CPython 3.15.0a7");
	check_name(0x030e00b1, "CPython 3.14.0b1");
	check_name(0x03061ff0, "CPython 3.6.31");
	check_name(0, "CPython");
	/* The largest that there can be. */
	check_name(UINT32_MAX, "CPython 255.255.255");
	check_name(0xffffffcf, "CPython 255.255.255rc15");
}

static void check_code(const struct interpreter *at, uint64_t vaddr, enum splice_code expected)
{
	cr_expect_eq(interpreters_classify(interpreters, at, at->bias + vaddr), expected, "0x%lx",
		     vaddr);
}

Test(interpreters, an_address_is_of_the_range_that_it_lies_in)
{
	struct image image = image_new();
	const struct interpreter *at;

	image_map(&image, HERE, "/lib", 0);
	at = find(&image);
	check_code(at, 0, SPLICE_OTHER);
	check_code(at, 0x4010ff, SPLICE_OTHER);
	check_code(at, 0x401100, SPLICE_CALL);
	check_code(at, 0x4011ff, SPLICE_CALL);
	check_code(at, 0x401200, SPLICE_EVAL);
	check_code(at, 0x4012ff, SPLICE_EVAL);
	check_code(at, 0x401300, SPLICE_OTHER);
	check_code(at, 0x4013ff, SPLICE_OTHER);
	check_code(at, 0x401400, SPLICE_CALL);
	check_code(at, 0x401401, SPLICE_OTHER);
	check_code(at, UINT64_MAX, SPLICE_OTHER);
	check_code(at, -at->bias + 8, SPLICE_OTHER);
	maps_free(image.maps);
}

Test(interpreters, so_many_are_kept)
{
	struct image image = image_new(), empty = {.maps = maps_new()};

	image_map(&image, HERE, "/lib", 0);
	cr_assert_not_null(find(&image));
	for (uint32_t i = 1; i < IMAGES; i++) {
		empty.id = image.id + i;
		cr_assert_null(find(&empty));
	}
	cr_assert_eq(interpreters_count(interpreters), IMAGES);
	empty.id++;
	cr_assert_null(find(&empty));
	cr_assert_leq(interpreters_count(interpreters), IMAGES);
	cr_assert_not_null(find(&image));
	cr_assert_str_eq(find(&image)->path, "/lib");
	maps_free(image.maps);
	maps_free(empty.maps);
}

Test(interpreters, cleared_they_are_looked_for_anew)
{
	struct image image = image_new();

	image_map(&image, HERE, "/lib", 0);
	cr_assert_not_null(find(&image));
	interpreters_clear(interpreters);
	files_clear(files);
	cr_assert_eq(interpreters_count(interpreters), 0);
	cr_assert_not_null(find(&image));
	cr_assert_eq(inspector.n_python_looks, 2);
	maps_free(image.maps);
}
