/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/python.h"
#include "daemon/base/cleanup.h"
#include "daemon/python/lines.h"
#include "tests/fuzz/fuzz_python.c"
#include "tests/support/seeds.h"
#include "tests/support/skip.h"

#define LNOTAB    0x0308
#define RANGES    0x030a
#define LOCATIONS 0x030b

/* Finds a line in a table of exactly so many bytes, so that the sanitizer sees one read too
 * many. */
static uint32_t find(uint32_t version, const void *table, size_t n, int32_t first,
		     uint32_t position)
{
	uint8_t *copy = malloc(n ? n : 1);
	uint32_t line;

	memcpy(copy, table, n);
	line = python_lines_find(version, copy, n, first, position);
	free(copy);
	return line;
}

struct line_case {
	uint32_t position;
	uint32_t line;
};

static void check(uint32_t version, const char *table, size_t n, int32_t first,
		  const struct line_case *cases, size_t n_cases)
{
	for (size_t i = 0; i < n_cases; i++) {
		uint32_t line = find(version, table, n, first, cases[i].position);

		cr_expect_eq(line, cases[i].line, "%#x, %u: %u, not %u", version, cases[i].position,
			     line, cases[i].line);
	}
}

#define check_lines(version, table, first, ...)                                          \
	check(version, table, sizeof(table) - 1, first, (struct line_case[])__VA_ARGS__, \
	      array_length(((struct line_case[])__VA_ARGS__)))

Test(python_lines, of_lnotab)
{
	check_lines(LNOTAB, "\0\1\x08\1\x0a\2", 10,
		    {{0, 11},
		     {7, 11},
		     {8, 12},
		     {17, 12},
		     {18, 14},
		     {9999, 14},
		     {OX_PYTHON_NOT_BEGUN, 10}});
	/* Backwards, and further than a byte says: lines first, then code. */
	check_lines(LNOTAB, "\x04\x7f\0\x7f\0\x06\x02\xfe\x02\x80\xff\0\x03\1", 1,
		    {{3, 1}, {4, 261}, {5, 261}, {6, 259}, {8, 131}, {265, 131}, {266, 132}});
	check_lines(0x0306, "\x02\xff", 10, {{0, 10}, {2, 9}});
	check_lines(0x0309, "", 10, {{0, 10}, {99, 10}});
	check_lines(LNOTAB, "\0\1\2", 10, {{0, 11}, {2, 11}});
}

Test(python_lines, of_ranges)
{
	check_lines(RANGES, "\x04\1\x06\2\x02\x80\x04\0\x02\xfc", 10,
		    {{0, 11},
		     {3, 11},
		     {4, 13},
		     {9, 13},
		     {10, 13}, /* no line: the one before */
		     {12, 13},
		     {16, 9},
		     {18, 10}, /* behind the end */
		     {OX_PYTHON_NOT_BEGUN, 10}});
	check_lines(RANGES, "\x02\x80\x02\x05", 7, {{0, 7}, {2, 12}});
	/* An empty range is a step, and no instruction's line. */
	check_lines(RANGES, "\x02\1\0\x7f\0\x7f\x02\1\0\x81\x02\x80\xfe\0\xfe\0\x02\1", 1,
		    {{0, 2}, {2, 257}, {4, 257}, {6, 130}, {513, 130}, {514, 131}, {516, 1}});
	check_lines(RANGES, "", 10, {{0, 10}});
	check_lines(RANGES, "\x02", 10, {{0, 10}});
}

Test(python_lines, of_locations)
{
	/* short; one line; no columns; none; long; and what follows each is passed over */
	check_lines(LOCATIONS,
		    "\x80\x11"                  /* 0: 10 */
		    "\xd9\x01\x02"              /* 2-4: +1 = 11 */
		    "\xe0\x01\x02"              /* 6: +2 = 13 */
		    "\xe9\x07"                  /* 8-10: -3 = 10 */
		    "\xff"                      /* 12-26: no line */
		    "\xf0\x50\x0a\x05\x01\x02", /* 28: 0x10 | 10 << 6 = 656 / 2 = +328 = 338 */
		    10,
		    {{0, 10},
		     {1, 10},
		     {2, 11},
		     {5, 11},
		     {6, 13},
		     {8, 10},
		     {11, 10},
		     {12, 10},
		     {27, 10},
		     {28, 338},
		     {29, 338},
		     {30, 10},
		     {OX_PYTHON_NOT_BEGUN, 10}});
	check_lines(0x030e, "\xd8\1\1\xf8\xd8\1\1", 5, {{0, 6}, {2, 6}, {4, 7}});
	check_lines(LOCATIONS, "\xf8\xd8\1\1", 5, {{0, 5}, {2, 6}});
	/* A module's first instruction has the line 0. */
	check_lines(LOCATIONS, "\xf0\x03\x01\x01\x01\xf0\x02\x01\x01\x01", 1, {{0, 1}, {2, 1}});
	check_lines(0x030d, "", 10, {{0, 10}});
}

Test(python_lines, of_damaged_tables)
{
	check_lines(LOCATIONS, "\x59\1\1\xd8\1\1", 10, {{0, 10}, {2, 10}, {4, 10}}); /* no head */
	check_lines(LOCATIONS, "\xd8\1\1\xf0\x42", 10, {{0, 11}, {2, 10}, {4, 10}}); /* ends */
	check_lines(LOCATIONS, "\xd8\1\1\xe8\x42\xd8\1\1", 10, {{0, 11}, {2, 10}, {4, 10}});
	check_lines(LOCATIONS, "\xe8\x40\x40\x40\x40\x40\x40\1", 10, {{0, 10}}); /* too long */
	check_lines(LOCATIONS, "\xe8\x7e\x7f\x7f\x7f\x7f\x07", 10, {{0, 10}});   /* 33 bits */
}

Test(python_lines, that_cannot_be)
{
	check_lines(LNOTAB, "\0\xf5", 10, {{0, 0}});
	check_lines(LNOTAB, "\0\xf6", 10, {{0, 0}});
	check_lines(LNOTAB, "\0\xf7", 10, {{0, 1}});
	check_lines(RANGES, "\2\x81\2\1", 10, {{0, 0}, {2, 0}, {4, 10}});
	check_lines(LNOTAB, "\2\1", INT32_MAX, {{0, INT32_MAX}, {2, 0}});
	check_lines(LOCATIONS, "\xd8\1\1\xe8\3", INT32_MAX, {{0, 0}, {2, INT32_MAX}});
	check_lines(LOCATIONS, "\xe8\x7e\x7f\x7f\x7f\x7f\x03", 10, {{0, 0}}); /* + INT32_MAX */
	check_lines(LOCATIONS, "\xe8\x7f\x7f\x7f\x7f\x7f\x03", 10, {{0, 0}}); /* - INT32_MAX */
	for (uint32_t version = LNOTAB; version <= 0x030e; version++) {
		cr_expect_eq(find(version, "", 0, -1, 0), 0);
		cr_expect_eq(find(version, "", 0, INT32_MIN, OX_PYTHON_NOT_BEGUN), 0);
	}
}

/* A code object, as tests/workloads/lines.py prints it. */
struct truth {
	unsigned version;
	int first_line;
	unsigned n_bytes;
	uint8_t *table;
	size_t n_table;
	const char *ranges;
};

static void truth_read(struct truth *truth, char *line)
{
	int at = 0;
	char *table;

	cr_assert_eq(sscanf(line, "%u %d %u %n", &truth->version, &truth->first_line,
			    &truth->n_bytes, &at),
		     3, "%s", line);
	table = strtok(line + at, " ");
	truth->ranges = strtok(NULL, "\n");
	cr_assert(table && truth->ranges);
	truth->n_table = *table == '-' ? 0 : strlen(table) / 2;
	truth->table = malloc(truth->n_table ? truth->n_table : 1);
	for (size_t i = 0; i < truth->n_table; i++)
		cr_assert_eq(sscanf(table + 2 * i, "%2hhx", truth->table + i), 1);
}

static void truth_check(const struct truth *truth)
{
	unsigned position = 0, line, n;
	int length;

	for (const char *at = truth->ranges; *at; at += length + (at[length] == ',')) {
		cr_assert_eq(sscanf(at, "%u*%u%n", &line, &n, &length), 2, "%s", at);
		for (n += position; position < n; position++) {
			uint32_t found =
				python_lines_find(truth->version, truth->table, truth->n_table,
						  truth->first_line, position);

			cr_assert_eq(found, line, "%#x, line %d, position %u: %u, not %u",
				     truth->version, truth->first_line, position, found, line);
		}
	}
	cr_assert_eq(position, truth->n_bytes);
	cr_assert(truth->version < RANGES ||
		  python_lines_find(truth->version, truth->table, truth->n_table, truth->first_line,
				    position) == (uint32_t)truth->first_line);
}

/* Compares with an interpreter's own lines. options: the interpreter's environment. */
static void compare(const char *interpreter, const char *options)
{
	char command[1024];
	_cleanup_free_ char *line = NULL;
	size_t size = 0, n = 0;
	FILE *pipe;

	snprintf(command, sizeof(command), "%s PYTHONDONTWRITEBYTECODE=1 '%s' workloads/lines.py",
		 options, interpreter);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	for (; getline(&line, &size, pipe) > 0; n++) {
		struct truth truth;

		truth_read(&truth, line);
		truth_check(&truth);
		free(truth.table);
	}
	cr_assert_eq(pclose(pipe), 0, "%s", command);
	cr_assert_gt(n, 1000);
}

/* True if the interpreter is a CPython from 3.6 on that runs here. */
static bool is_known(const char *interpreter)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "'%s' -c 'import sys; sys.exit(sys.version_info < (3, 6) or "
		 "sys.implementation.name != \"cpython\")' 2>/dev/null",
		 interpreter);
	return system(command) == 0;
}

Test(python_lines, of_every_interpreter, .timeout = 1000)
{
	char pattern[512];
	const char *home = getenv("HOME");
	glob_t found = {0};
	size_t n = 0;

	snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/*/bin/python", home ? home : "");
	glob("/usr/bin/python3", 0, NULL, &found);
	glob(pattern, GLOB_APPEND, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (!is_known(found.gl_pathv[i]))
			continue;
		compare(found.gl_pathv[i], "");
		compare(found.gl_pathv[i], "PYTHONNODEBUGRANGES=1 PYTHONOPTIMIZE=2");
		n++;
	}
	globfree(&found);
	if (!n)
		skip_loudly("no CPython here: its lines were NOT compared");
	fprintf(stderr, "python_lines: compared with %zu interpreters\n", n);
}

Test(python_lines, seeds)
{
	seeds_run(LLVMFuzzerTestOneInput, "python", 2000);
}
