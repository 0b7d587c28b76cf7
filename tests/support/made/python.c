/* SPDX-License-Identifier: MIT */
#include "tests/support/made/python.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define MADE_BYTES (UINT64_C(16) << 20)

/* The thread's own _PyCFrame is at this offset of its state, behind all else. */
#define MADE_ROOT_C_FRAME 224

const struct ox_layout *made_layout;
uint64_t made_code_type, made_runtime, made_interpreter, made_thread;
uint64_t made_entered_from;

static uint8_t *made_memory;
static uint64_t made_used;

uint64_t made_alloc(uint64_t bytes)
{
	uint64_t at = made_used;

	made_used += (bytes + 15) & ~UINT64_C(15);
	cr_assert_leq(made_used, MADE_BYTES);
	return (uintptr_t)made_memory + at;
}

void made_put(uint64_t object, unsigned offset, uint64_t value)
{
	memcpy((void *)(uintptr_t)(object + offset), &value, sizeof(value));
}

uint64_t made_get(uint64_t object, unsigned offset)
{
	uint64_t value;

	memcpy(&value, (void *)(uintptr_t)(object + offset), sizeof(value));
	return value;
}

void made_put_u32(uint64_t object, unsigned offset, uint32_t value)
{
	memcpy((void *)(uintptr_t)(object + offset), &value, sizeof(value));
}

void made_put_byte(uint64_t object, unsigned offset, uint8_t value)
{
	*(uint8_t *)(uintptr_t)(object + offset) = value;
}

bool made_has(unsigned flags)
{
	return made_layout->flags & flags;
}

/* ---- objects ---- */

uint64_t made_string_of(const void *characters, uint64_t n, uint32_t width)
{
	uint64_t at = made_alloc(80 + n * width);
	bool is_ascii = width == 1;

	for (uint64_t i = 0; i < n && is_ascii; i++)
		is_ascii = ((const uint8_t *)characters)[i] < 0x80;
	made_put(at, OX_PY_STRING_LENGTH, n);
	made_put_u32(at, OX_PY_STRING_STATE,
		     width << made_layout->string_kind_shift |
			     (uint32_t)is_ascii << made_layout->string_ascii_shift);
	memcpy((void *)(uintptr_t)(at + (is_ascii ? made_layout->string_ascii_data
						  : made_layout->string_data)),
	       characters, n * width);
	return at;
}

uint64_t made_string(const char *text)
{
	return made_string_of(text, strlen(text), 1);
}

uint64_t made_bytes(const void *data, uint64_t n)
{
	uint64_t at = made_alloc(OX_PY_BYTES_DATA + n);

	made_put(at, OX_PY_BYTES_SIZE, n);
	memcpy((void *)(uintptr_t)(at + OX_PY_BYTES_DATA), data, n);
	return at;
}

uint64_t made_tuple(const uint64_t *items, uint64_t n)
{
	uint64_t at = made_alloc(OX_PY_ITEMS + n * 8);

	made_put(at, 16, n);
	memcpy((void *)(uintptr_t)(at + OX_PY_ITEMS), items, n * 8);
	return at;
}

uint64_t made_dict(const struct made_entry *entries, uint64_t n, unsigned log2, bool is_general)
{
	unsigned index = log2 < 8 ? 1 : log2 < 16 ? 2 : 4;
	uint64_t dict = made_alloc(48), bytes = 24;
	uint64_t keys = made_alloc(64 + ((uint64_t)index << log2) + n * bytes), at;

	made_put(dict, OX_PY_DICT_KEYS, keys);
	if (made_has(OX_LAYOUT_KEYS)) {
		bytes = is_general ? 24 : 16;
		made_put_byte(keys, 8, log2);
		made_put_byte(keys, 9, log2 + index / 2);
		made_put_byte(keys, 10, !is_general);
		made_put(keys, 24, n);
		at = keys + 32 + ((uint64_t)index << log2);
	} else {
		made_put(keys, 8, UINT64_C(1) << log2);
		made_put(keys, 32, n);
		at = keys + 40 + ((uint64_t)index << log2);
	}
	for (uint64_t i = 0; i < n; i++, at += bytes) {
		made_put(at, bytes - 16, entries[i].key);
		made_put(at, bytes - 8, entries[i].value);
	}
	return dict;
}

uint64_t made_module(const char *name)
{
	struct made_entry entries[] = {
		{made_string("__name__"), made_string(name)},
		{made_string("__doc__"), made_string("of no use")},
	};

	return made_dict(entries, 2, 3, false);
}

uint64_t made_code(const struct made_code *code)
{
	uint64_t at = made_alloc(256);

	made_put(at, OX_PY_TYPE, made_code_type);
	made_put(at, OX_PY_CODE_SIZE, 1000);
	made_put_u32(at, made_layout->code_first_line, code->first_line);
	made_put(at, made_layout->code_file, code->file);
	made_put(at, made_layout->code_name, code->name);
	made_put(at, made_layout->code_lines, code->lines);
	if (made_layout->code_variables)
		made_put(at, made_layout->code_variables, code->variables);
	return at;
}

/* ---- classes, up to 3.10 ---- */

uint64_t made_class(const char *name, const struct made_entry *entries, uint64_t n, uint64_t base)
{
	uint64_t at = made_alloc(512), text = made_alloc(strlen(name) + 1);
	uint64_t order[] = {at, base};

	strcpy((char *)(uintptr_t)text, name);
	made_put(at, OX_PY_TYPE_NAME, text);
	made_put(at, OX_PY_TYPE_DICT, made_dict(entries, n, 3, true));
	made_put(at, OX_PY_TYPE_MRO, made_tuple(order, base ? 2 : 1));
	return at;
}

uint64_t made_holder(uint64_t held)
{
	uint64_t at = made_alloc(64);

	made_put(at, 16, held);
	return at;
}

uint64_t made_object(uint64_t class)
{
	uint64_t at = made_alloc(64);

	made_put(at, OX_PY_TYPE, class);
	return at;
}

/* ---- frames, threads, interpreters ---- */

void made_place(uint64_t frame, uint64_t code, int32_t position)
{
	made_put(frame, made_layout->frame_code, code | (made_has(OX_LAYOUT_TAGGED) ? 1 : 0));
	if (made_has(OX_LAYOUT_POINTER))
		made_put(frame, made_layout->frame_position,
			 code + made_layout->code_start + position);
	else
		made_put_u32(frame, made_layout->frame_position,
			     made_has(OX_LAYOUT_UNITS) ? position / 2 : position);
}

uint64_t made_begin(uint64_t back)
{
	uint64_t at = made_alloc(512);

	made_entered_from = back;
	made_put(at, made_layout->frame_back, back);
	made_put(at, made_layout->frame_code, MADE_NOWHERE);
	made_put_byte(at, made_layout->frame_owner, 3);
	return at;
}

uint64_t made_call(uint64_t back, uint64_t code, int32_t position, uint64_t globals, bool is_entry)
{
	uint64_t at = made_alloc(512);

	if (is_entry)
		made_entered_from = back;
	if (is_entry && made_has(OX_LAYOUT_OWNER))
		back = made_begin(back);
	if (made_has(OX_LAYOUT_ENTRY))
		made_put_byte(at, made_layout->frame_entry, is_entry);
	made_put(at, made_layout->frame_back, back);
	made_put(at, made_layout->frame_globals, globals);
	made_place(at, code, position);
	return at;
}

uint64_t made_c_frame(uint64_t frame, uint64_t previous)
{
	uint64_t at = made_alloc(32);

	made_put(at, made_layout->cframe_frame, frame);
	made_put(at, made_layout->cframe_frame + 8, previous);
	return at;
}

void made_run(uint64_t thread, uint64_t frame)
{
	/* The _PyCFrame in the thread's state comes before the first one. */
	uint64_t root = thread + MADE_ROOT_C_FRAME;

	if (made_has(OX_LAYOUT_CFRAME) && frame)
		frame = made_c_frame(
			frame, made_entered_from ? made_c_frame(made_entered_from, root) : root);
	else if (made_has(OX_LAYOUT_CFRAME))
		frame = root;
	made_put(thread, made_layout->thread_frame, frame);
}

uint64_t made_add_thread(uint64_t interpreter, uint64_t thread_id)
{
	uint64_t at = made_alloc(512),
		 first = made_get(interpreter, made_layout->interpreter_threads);

	made_put(at, made_layout->thread_next, first);
	made_put(at, made_layout->thread_id, thread_id);
	made_put(at, OX_PY_INTERP, interpreter);
	made_put(interpreter, made_layout->interpreter_threads, at);
	if (made_has(OX_LAYOUT_CURRENT))
		made_put(made_runtime, made_layout->runtime_interpreters, at);
	made_entered_from = 0;
	return at;
}

uint64_t made_add_interpreter(void)
{
	uint64_t at = made_alloc(8192);

	made_put(at, made_layout->interpreter_next, made_interpreter);
	if (!made_has(OX_LAYOUT_CURRENT))
		made_put(made_runtime, made_layout->runtime_interpreters, at);
	return at;
}

void made_start(const struct ox_layout *layout)
{
	if (!made_memory)
		made_memory = mmap(NULL, MADE_BYTES, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(made_memory, MAP_FAILED);
	memset(made_memory, 0, made_used);
	made_used = 0;
	made_layout = layout;
	made_interpreter = 0;
	made_code_type = made_alloc(512);
	made_runtime = made_alloc(1024);
	made_interpreter = made_add_interpreter();
	made_thread = made_add_thread(made_interpreter, pthread_self());
}

void made_touch(void)
{
	for (uint64_t at = 0; at < MADE_BYTES; at += 4096)
		(void)*(volatile uint8_t *)&made_memory[at];
}
