/* SPDX-License-Identifier: MIT */
/* The rows of the table, each in itself and against what interpreters say of themselves. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/python/layout.h"
#include "daemon/symbolizer/python_file.h"
#include "tests/support/skip.h"

#define PYENV "/.pyenv/versions/3.*/lib/libpython3.*.so.1.0"

/* _Py_DebugOffsets of 3.13.0 and 3.14.0, x86-64: the words that matter here, as the names of its
 * structs have them. */
static const uint64_t words_3_13[PYTHON_OFFSETS_WORDS] = {
	[1] = 0x030d00f0, [5] = 632, /* runtime_state.interpreters_head */
	[8] = 7264,                  /* interpreter_state.next */
	[9] = 7344,                  /* .threads_head */
	[21] = 8,                    /* thread_state.next */
	[22] = 16,                   /* .interp */
	[23] = 72,                   /* .current_frame */
	[24] = 152,                  /* .thread_id */
	[29] = 8,                    /* interpreter_frame.previous */
	[30] = 0,                    /* .executable */
	[31] = 56,                   /* .instr_ptr */
	[32] = 72,                   /* .localsplus */
	[33] = 70,                   /* .owner */
	[35] = 112,                  /* code_object.filename */
	[37] = 128,                  /* .qualname */
	[38] = 136,                  /* .linetable */
	[39] = 68,                   /* .firstlineno */
	[43] = 200,                  /* .co_code_adaptive */
	[45] = 8,                    /* pyobject.ob_type */
	[57] = 32,                   /* dict_object.ma_keys */
	[65] = 16,                   /* bytes_object.ob_size */
	[66] = 32,                   /* .ob_sval */
	[68] = 32,                   /* unicode_object.state */
	[69] = 16,                   /* .length */
	[70] = 40,                   /* .asciiobject_size */
};

static const uint64_t words_3_14[PYTHON_OFFSETS_WORDS] = {
	[1] = 0x030e00f0, [5] = 808, /* runtime_state.interpreters_head */
	[8] = 7272,                  /* interpreter_state.next */
	[9] = 7344,                  /* .threads_head */
	[24] = 8,                    /* thread_state.next */
	[25] = 16,                   /* .interp */
	[26] = 72,                   /* .current_frame */
	[27] = 152,                  /* .thread_id */
	[32] = 8,                    /* interpreter_frame.previous */
	[33] = 0,                    /* .executable */
	[34] = 56,                   /* .instr_ptr */
	[35] = 80,                   /* .localsplus */
	[36] = 74,                   /* .owner */
	[40] = 112,                  /* code_object.filename */
	[42] = 128,                  /* .qualname */
	[43] = 136,                  /* .linetable */
	[44] = 68,                   /* .firstlineno */
	[48] = 208,                  /* .co_code_adaptive */
	[51] = 8,                    /* pyobject.ob_type */
	[67] = 32,                   /* dict_object.ma_keys */
	[75] = 16,                   /* bytes_object.ob_size */
	[76] = 32,                   /* .ob_sval */
	[78] = 32,                   /* unicode_object.state */
	[79] = 16,                   /* .length */
	[80] = 40,                   /* .asciiobject_size */
};

static const struct ox_layout *find(uint32_t version)
{
	size_t n;
	const struct ox_layout *layouts = python_layouts(&n);
	uint32_t index = UINT32_MAX;

	cr_assert_eq(python_layout_find(version << 16 | 0x1f0, NULL, false, &index), 0, "%x",
		     version);
	cr_assert_lt(index, n);
	cr_assert_eq(layouts[index].version, version);
	return &layouts[index];
}

Test(python_layout, every_version_has_a_row)
{
	size_t n;
	const struct ox_layout *layouts = python_layouts(&n);

	cr_assert_eq(n, 0x0e - 0x06 + 2, "and one more of 3.6");
	cr_assert_leq(n, OX_LAYOUTS_MAX);
	for (size_t i = 0; i < n; i++)
		if (!(layouts[i].flags & OX_LAYOUT_CURRENT))
			cr_expect_eq(find(layouts[i].version), &layouts[i]);
}

static void expect_inside(const struct ox_layout *layout, const char *what, unsigned int at,
			  unsigned int size, unsigned int bytes)
{
	cr_expect_eq(at % size, 0, "%x: %s", layout->version, what);
	cr_expect_leq(at + size, bytes, "%x: %s", layout->version, what);
}

#define INSIDE(field, size, bytes) expect_inside(layout, #field, layout->field, size, layout->bytes)

/* Checks that each field lies in the bytes that are read of its struct. */
static void expect_row(const struct ox_layout *layout)
{
	INSIDE(thread_next, 8, thread_bytes);
	INSIDE(thread_id, 8, thread_bytes);
	INSIDE(thread_frame, 8, thread_bytes);
	expect_inside(layout, "interp", OX_PY_INTERP, 8, layout->thread_bytes);
	INSIDE(frame_code, 8, frame_bytes);
	INSIDE(frame_back, 8, frame_bytes);
	INSIDE(frame_globals, 8, frame_bytes);
	INSIDE(frame_position, layout->flags & OX_LAYOUT_POINTER ? 8 : 4, frame_bytes);
	INSIDE(frame_entry, 1, frame_bytes);
	INSIDE(frame_owner, 1, frame_bytes);
	INSIDE(code_first_line, 4, code_bytes);
	INSIDE(code_variables, 8, code_bytes);
	INSIDE(code_file, 8, code_bytes);
	INSIDE(code_name, 8, code_bytes);
	INSIDE(code_lines, 8, code_bytes);
	INSIDE(code_traceable, 4, code_bytes);
	cr_expect_eq(layout->frame_locals % 8, 0);
	cr_expect_geq(layout->frame_locals, layout->frame_bytes, "%x", layout->version);
	cr_expect_eq(layout->runtime_interpreters % 8, 0);
	/* Both are read at once. */
	cr_expect_gt(layout->interpreter_threads, layout->interpreter_next);
	cr_expect_leq(layout->interpreter_threads - layout->interpreter_next, 120);
}

static void expect_flags(const struct ox_layout *layout)
{
	uint32_t minor = layout->version & 0xff;

	cr_expect_eq(!!(layout->flags & OX_LAYOUT_CFRAME), minor == 11 || minor == 12);
	cr_expect_eq(!!(layout->flags & OX_LAYOUT_POINTER), minor >= 11);
	cr_expect_eq(!!(layout->flags & OX_LAYOUT_ENTRY), minor == 11);
	cr_expect_eq(!!(layout->flags & OX_LAYOUT_OWNER), minor >= 12);
	cr_expect_eq(!!(layout->flags & OX_LAYOUT_UNITS), minor == 10);
	cr_expect_eq(!!(layout->flags & OX_LAYOUT_TAGGED), minor >= 14);
	cr_expect_eq(!!(layout->flags & OX_LAYOUT_KEYS), minor >= 11);
	cr_expect_eq(layout->frame_entry > 0, minor == 11);
	cr_expect_eq(layout->frame_owner > 0, minor >= 12);
	cr_expect_eq(layout->code_variables > 0, minor <= 10);
	cr_expect_eq(layout->code_start > 0, minor >= 11);
	cr_expect_eq(layout->code_traceable > 0, minor >= 11);
	cr_expect_eq(layout->code_start % 8, 0);
	cr_expect(minor < 11 || layout->code_start > layout->code_traceable);
}

Test(python_layout, every_row_makes_sense)
{
	size_t n;
	const struct ox_layout *layouts = python_layouts(&n);

	for (size_t i = 0; i < n; i++) {
		expect_row(&layouts[i]);
		expect_flags(&layouts[i]);
		cr_expect_eq(layouts[i].string_data - layouts[i].string_ascii_data,
			     layouts[i].version >= 0x030c ? 16 : 24);
	}
}

static int find_with(const uint64_t *words)
{
	uint32_t index;

	return python_layout_find(words[1], words, false, &index);
}

/* Checks each word that an interpreter says: one of them is changed at a time. */
static void expect_checked(const uint64_t *words)
{
	uint64_t copy[PYTHON_OFFSETS_WORDS];
	unsigned int n_checked = 0;

	cr_expect_eq(find_with(words), 0);
	for (size_t i = 2; i < PYTHON_OFFSETS_WORDS; i++) {
		memcpy(copy, words, sizeof(copy));
		copy[i] += 8;
		cr_expect(words[i] == 0 || find_with(copy) == -EPROTO, "%zu", i);
		n_checked += find_with(copy) == -EPROTO;
		copy[i] = words[i] + (UINT64_C(1) << 32);
		cr_expect(words[i] == 0 || find_with(copy) == -EPROTO, "%zu: not cut", i);
	}
	cr_expect_eq(n_checked, 25, "and the code of a frame, and the lock: %u", n_checked);
}

Test(python_layout, what_an_interpreter_says_of_itself)
{
	uint64_t free_threaded[PYTHON_OFFSETS_WORDS];
	uint32_t index;

	expect_checked(words_3_13);
	expect_checked(words_3_14);
	memcpy(free_threaded, words_3_14, sizeof(free_threaded));
	free_threaded[2] = 1;
	cr_expect_eq(find_with(free_threaded), -EPROTO);
	cr_expect_eq(python_layout_find(0x030e00f0, words_3_13, false, &index), -EPROTO);
	cr_expect_eq(python_layout_find(0x030d00f0, words_3_14, false, &index), -EPROTO);
}

Test(python_layout, versions_that_are_not_known)
{
	static const uint32_t versions[] = {0,          0x02070000, 0x030500f0,
					    0x030f0000, 0x04060000, UINT32_MAX};

	for (size_t i = 0; i < array_length(versions); i++) {
		uint32_t index;

		cr_expect_eq(python_layout_find(versions[i], NULL, false, &index), -ENOENT, "%x",
			     versions[i]);
		cr_expect_eq(python_layout_find(versions[i], words_3_13, false, &index), -ENOENT);
	}
}

static int find_installed(const char *path, bool *ret_has_words)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	static struct symbolizer_python python;
	uint32_t index;

	cr_assert(fd >= 0, "%s", path);
	cr_assert_eq(python_file_read(fd, &python), 0);
	*ret_has_words |= python.n_offsets > 0;
	return python_layout_find(python.version_hex, python.n_offsets ? python.offsets : NULL,
				  python.is_current, &index);
}

Test(python_layout, interpreters_that_are_installed)
{
	const char *home = getenv("HOME");
	bool has_words = false;
	char pattern[PATH_MAX];
	glob_t paths = {};

	snprintf(pattern, sizeof(pattern), "%s%s", home ? home : "", PYENV);
	if (glob(pattern, 0, NULL, &paths) == 0)
		for (size_t i = 0; i < paths.gl_pathc; i++)
			cr_expect_eq(find_installed(paths.gl_pathv[i], &has_words), 0, "%s",
				     paths.gl_pathv[i]);
	globfree(&paths);
	if (!has_words)
		skip_loudly("no CPython 3.13 or later: its own words were NOT compared");
}
