/* SPDX-License-Identifier: MIT */
/*
 * Offsets are from the DWARF of the interpreters of each version (x86-64, release builds); they
 * have never changed within a minor version. Those of 3.14 are from its sources, and the
 * interpreter's own words are compared with them. 3.15 is not here: its layout has changed up to
 * its last beta versions.
 */
#include "daemon/python/layout.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/base/cleanup.h"

static const struct ox_layout layouts[] = {
	{
		.version = 0x0306,
		.runtime_interpreters = 0,
		.interpreter_next = 0,
		.interpreter_threads = 8,
		.thread_next = 8,
		.thread_id = 152,
		.thread_frame = 24,
		.thread_bytes = 160,
		.frame_code = 32,
		.frame_back = 24,
		.frame_position = 120,
		.frame_globals = 48,
		.frame_locals = 376,
		.frame_bytes = 128,
		.code_first_line = 36,
		.code_variables = 64,
		.code_file = 96,
		.code_name = 104,
		.code_lines = 112,
		.code_bytes = 120,
		.string_data = 72,
		.string_ascii_data = 48,
		.string_kind_shift = 2,
		.string_ascii_shift = 6,
	},
	{
		.version = 0x0306,
		.runtime_interpreters = 0,
		.interpreter_next = 0,
		.interpreter_threads = 8,
		.thread_next = 8,
		.thread_id = 152,
		.thread_frame = 24,
		.thread_bytes = 160,
		.frame_code = 32,
		.frame_back = 24,
		.frame_position = 120,
		.frame_globals = 48,
		.frame_locals = 376,
		.frame_bytes = 128,
		.code_first_line = 36,
		.code_variables = 64,
		.code_file = 96,
		.code_name = 104,
		.code_lines = 112,
		.code_bytes = 120,
		.string_data = 72,
		.string_ascii_data = 48,
		.string_kind_shift = 2,
		.string_ascii_shift = 6,
		.flags = OX_LAYOUT_CURRENT,
	},
	{
		.version = 0x0307,
		.runtime_interpreters = 24,
		.interpreter_next = 0,
		.interpreter_threads = 8,
		.thread_next = 8,
		.thread_id = 176,
		.thread_frame = 24,
		.thread_bytes = 184,
		.frame_code = 32,
		.frame_back = 24,
		.frame_position = 104,
		.frame_globals = 48,
		.frame_locals = 360,
		.frame_bytes = 108,
		.code_first_line = 36,
		.code_variables = 64,
		.code_file = 96,
		.code_name = 104,
		.code_lines = 112,
		.code_bytes = 120,
		.string_data = 72,
		.string_ascii_data = 48,
		.string_kind_shift = 2,
		.string_ascii_shift = 6,
	},
	{
		.version = 0x0308,
		.runtime_interpreters = 32,
		.interpreter_next = 0,
		.interpreter_threads = 8,
		.thread_next = 8,
		.thread_id = 176,
		.thread_frame = 24,
		.thread_bytes = 184,
		.frame_code = 32,
		.frame_back = 24,
		.frame_position = 104,
		.frame_globals = 48,
		.frame_locals = 360,
		.frame_bytes = 108,
		.code_first_line = 40,
		.code_variables = 72,
		.code_file = 104,
		.code_name = 112,
		.code_lines = 120,
		.code_bytes = 128,
		.string_data = 72,
		.string_ascii_data = 48,
		.string_kind_shift = 2,
		.string_ascii_shift = 6,
	},
	{
		.version = 0x0309,
		.runtime_interpreters = 32,
		.interpreter_next = 0,
		.interpreter_threads = 8,
		.thread_next = 8,
		.thread_id = 176,
		.thread_frame = 24,
		.thread_bytes = 184,
		.frame_code = 32,
		.frame_back = 24,
		.frame_position = 104,
		.frame_globals = 48,
		.frame_locals = 360,
		.frame_bytes = 108,
		.code_first_line = 40,
		.code_variables = 72,
		.code_file = 104,
		.code_name = 112,
		.code_lines = 120,
		.code_bytes = 128,
		.string_data = 72,
		.string_ascii_data = 48,
		.string_kind_shift = 2,
		.string_ascii_shift = 6,
	},
	{
		.version = 0x030a,
		.runtime_interpreters = 32,
		.interpreter_next = 0,
		.interpreter_threads = 8,
		.thread_next = 8,
		.thread_id = 176,
		.thread_frame = 24,
		.thread_bytes = 184,
		.frame_code = 32,
		.frame_back = 24,
		.frame_position = 96,
		.frame_globals = 48,
		.frame_locals = 352,
		.frame_bytes = 100,
		.code_first_line = 40,
		.code_variables = 72,
		.code_file = 104,
		.code_name = 112,
		.code_lines = 120,
		.code_bytes = 128,
		.string_data = 72,
		.string_ascii_data = 48,
		.string_kind_shift = 2,
		.string_ascii_shift = 6,
		.flags = OX_LAYOUT_UNITS,
	},
	{
		.version = 0x030b,
		.runtime_interpreters = 40,
		.interpreter_next = 0,
		.interpreter_threads = 16,
		.thread_next = 8,
		.thread_id = 152,
		.thread_frame = 56,
		.thread_bytes = 160,
		.cframe_frame = 8,
		.frame_code = 32,
		.frame_back = 48,
		.frame_position = 56,
		.frame_globals = 8,
		.frame_locals = 72,
		.frame_entry = 68,
		.frame_bytes = 72,
		.code_first_line = 72,
		.code_file = 112,
		.code_name = 128,
		.code_lines = 136,
		.code_traceable = 168,
		.code_start = 184,
		.code_bytes = 172,
		.string_data = 72,
		.string_ascii_data = 48,
		.string_kind_shift = 2,
		.string_ascii_shift = 6,
		.flags = OX_LAYOUT_CFRAME | OX_LAYOUT_POINTER | OX_LAYOUT_ENTRY | OX_LAYOUT_KEYS,
	},
	{
		.version = 0x030c,
		.runtime_interpreters = 40,
		.interpreter_next = 0,
		.interpreter_threads = 72,
		.thread_next = 8,
		.thread_id = 136,
		.thread_frame = 56,
		.thread_bytes = 144,
		.cframe_frame = 0,
		.frame_code = 0,
		.frame_back = 8,
		.frame_position = 56,
		.frame_globals = 24,
		.frame_locals = 72,
		.frame_owner = 70,
		.frame_bytes = 72,
		.code_first_line = 68,
		.code_file = 112,
		.code_name = 128,
		.code_lines = 136,
		.code_traceable = 176,
		.code_start = 192,
		.code_bytes = 180,
		.string_data = 56,
		.string_ascii_data = 40,
		.string_kind_shift = 2,
		.string_ascii_shift = 6,
		.flags = OX_LAYOUT_CFRAME | OX_LAYOUT_POINTER | OX_LAYOUT_OWNER | OX_LAYOUT_KEYS,
	},
	{
		.version = 0x030d,
		.runtime_interpreters = 632,
		.interpreter_next = 7264,
		.interpreter_threads = 7344,
		.thread_next = 8,
		.thread_id = 152,
		.thread_frame = 72,
		.thread_bytes = 160,
		.frame_code = 0,
		.frame_back = 8,
		.frame_position = 56,
		.frame_globals = 24,
		.frame_locals = 72,
		.frame_owner = 70,
		.frame_bytes = 72,
		.code_first_line = 68,
		.code_file = 112,
		.code_name = 128,
		.code_lines = 136,
		.code_traceable = 184,
		.code_start = 200,
		.code_bytes = 188,
		.string_data = 56,
		.string_ascii_data = 40,
		.string_kind_shift = 2,
		.string_ascii_shift = 6,
		.flags = OX_LAYOUT_POINTER | OX_LAYOUT_OWNER | OX_LAYOUT_KEYS,
	},
	{
		.version = 0x030e,
		.runtime_interpreters = 808,
		.interpreter_next = 7272,
		.interpreter_threads = 7344,
		.thread_next = 8,
		.thread_id = 152,
		.thread_frame = 72,
		.thread_bytes = 160,
		.frame_code = 0,
		.frame_back = 8,
		.frame_position = 56,
		.frame_globals = 24,
		.frame_locals = 80,
		.frame_owner = 74,
		.frame_bytes = 80,
		.code_first_line = 68,
		.code_file = 112,
		.code_name = 128,
		.code_lines = 136,
		.code_traceable = 192,
		.code_start = 208,
		.code_bytes = 196,
		.string_data = 56,
		.string_ascii_data = 40,
		.string_kind_shift = 2,
		.string_ascii_shift = 6,
		.flags = OX_LAYOUT_POINTER | OX_LAYOUT_OWNER | OX_LAYOUT_TAGGED | OX_LAYOUT_KEYS,
	},
};

/* Words of _Py_DebugOffsets that are the same in all versions that have them. */
#define WORD_VERSION       1
#define WORD_FREE_THREADED 2

/* A word of _Py_DebugOffsets that is compared with the layout. */
struct check {
	uint8_t words[2]; /* number of the word in 3.13, in 3.14 */
	bool is_same;     /* the value is the same in all versions */
	uint16_t at;      /* that value; else where it stands in struct ox_layout */
};

#define FIELD(name) .at = offsetof(struct ox_layout, name)
#define SAME(value) .is_same = true, .at = (value)

static const struct check checks[] = {
	{{5, 5}, FIELD(runtime_interpreters)}, {{8, 8}, FIELD(interpreter_next)},
	{{9, 9}, FIELD(interpreter_threads)},  {{21, 24}, FIELD(thread_next)},
	{{22, 25}, SAME(OX_PY_INTERP)},        {{23, 26}, FIELD(thread_frame)},
	{{24, 27}, FIELD(thread_id)},          {{29, 32}, FIELD(frame_back)},
	{{30, 33}, FIELD(frame_code)},         {{31, 34}, FIELD(frame_position)},
	{{32, 35}, FIELD(frame_locals)},       {{33, 36}, FIELD(frame_owner)},
	{{35, 40}, FIELD(code_file)},          {{37, 42}, FIELD(code_name)},
	{{38, 43}, FIELD(code_lines)},         {{39, 44}, FIELD(code_first_line)},
	{{43, 48}, FIELD(code_start)},         {{45, 51}, SAME(OX_PY_TYPE)},
	{{57, 67}, SAME(OX_PY_DICT_KEYS)},     {{65, 75}, SAME(OX_PY_BYTES_SIZE)},
	{{66, 76}, SAME(OX_PY_BYTES_DATA)},    {{68, 78}, SAME(OX_PY_STRING_STATE)},
	{{69, 79}, SAME(OX_PY_STRING_LENGTH)}, {{70, 80}, FIELD(string_ascii_data)},
};

static uint64_t check_value(const struct check *check, const struct ox_layout *layout)
{
	ox_u16 value = check->at;

	if (!check->is_same)
		memcpy(&value, (const char *)layout + check->at, sizeof(value));
	return value;
}

static bool offsets_agree(const struct ox_layout *layout, const uint64_t *offsets)
{
	const size_t column = layout->version == 0x030d ? 0 : 1;

	if (offsets[WORD_VERSION] >> 16 != layout->version || offsets[WORD_FREE_THREADED])
		return false;
	for (size_t i = 0; i < array_length(checks); i++)
		if (offsets[checks[i].words[column]] != check_value(&checks[i], layout))
			return false;
	return true;
}

int python_layout_find(uint32_t version_hex, const uint64_t *offsets, bool is_current,
		       uint32_t *ret_index)
{
	for (size_t i = 0; i < array_length(layouts); i++) {
		if (layouts[i].version != version_hex >> 16 ||
		    is_current != !!(layouts[i].flags & OX_LAYOUT_CURRENT))
			continue;
		*ret_index = i;
		return !offsets || offsets_agree(&layouts[i], offsets) ? 0 : -EPROTO;
	}
	return -ENOENT;
}

const struct ox_layout *python_layouts(size_t *ret_n)
{
	_Static_assert(array_length(layouts) <= OX_LAYOUTS_MAX, "the kernel side has room");
	*ret_n = array_length(layouts);
	return layouts;
}
