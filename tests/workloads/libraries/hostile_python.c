/* SPDX-License-Identifier: MIT */
/*
 * A library that poses as an interpreter (-DVERSION=0x30b -soname libpython3.11.so.1.0). It has the
 * exported names, and behind them structures that lie, each variant in its own way (hostile.h).
 * hostile.c runs it.
 */
#include "../hostile.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/python/layout.h"

#define FRAMES     8
#define CHURNED    4096
#define HUGE_BYTES (1u << 20)
#define OWNER_C    3

/* The offsets that 3.13.0 publishes of itself, word by word, as far as oxprof reads them. */
#if VERSION >= 0x30d
#define OFFSETS                                                                                   \
	{                                                                                         \
		[0] = UINT64_C(8750607829840520312), [1] = UINT64_C(0x030d00f0), [3] = 283320,    \
		[4] = 608, [5] = 632, [6] = 194968, [7] = 7272, [8] = 7264, [9] = 7344,           \
		[10] = 7400, [11] = 7656, [12] = 7640, [13] = 7648, [14] = 16, [15] = 7752,       \
		[17] = 7768, [18] = 7760, [19] = 304, [21] = 8, [22] = 16, [23] = 72, [24] = 152, \
		[25] = 160, [26] = 232, [27] = 32, [28] = 80, [29] = 8, [31] = 56, [32] = 72,     \
		[33] = 70, [34] = 208, [35] = 112, [36] = 120, [37] = 128, [38] = 136, [39] = 68, \
		[40] = 52, [41] = 96, [42] = 104, [43] = 200, [44] = 16, [45] = 8, [46] = 416,    \
		[47] = 24, [48] = 88, [49] = 168, [50] = 32, [51] = 24, [52] = 16, [53] = 40,     \
		[54] = 24, [55] = 16, [56] = 48, [57] = 32, [58] = 40, [59] = 24, [60] = 16,      \
		[61] = 32, [62] = 16, [63] = 24, [64] = 40, [65] = 16, [66] = 32, [67] = 64,      \
		[68] = 32, [69] = 16, [70] = 40, [71] = 240                                       \
	}
#else
#define OFFSETS   \
	{         \
		0 \
	}
#endif

/* These objects have the sizes of the real ones: oxprof reads some of the sizes. */
uint64_t _PyRuntime[40000] = OFFSETS;
uint8_t PyCode_Type[512] = {1};
uint8_t _Py_NoneStruct[64] = {1};
#if VERSION >= 0x30b
const uint64_t Py_Version = VERSION << 16 | 0xf0;
#endif

static volatile uint64_t sink;
static const struct ox_layout *layout;
static uint8_t interpreter[262144], thread[1024], other_thread[1024], cframe[64];
static uint8_t frames[FRAMES][512];
static uint8_t codes[CHURNED][512];
static uint8_t *huge;

static void put(void *object, size_t offset, uint64_t value)
{
	memcpy((uint8_t *)object + offset, &value, sizeof(value));
}

static void put_address(void *object, size_t offset, const void *address)
{
	put(object, offset, (uint64_t)(uintptr_t)address);
}

/* Makes a compact str of ASCII, or of the kind that the state claims. */
static void *string_make(const char *text, uint64_t length, uint32_t state)
{
	uint8_t *string = calloc(1, layout->string_ascii_data + strlen(text) + 1);

	if (!string)
		abort();
	put(string, 16, length);
	memcpy(string + 32, &state, sizeof(state));
	memcpy(string + layout->string_ascii_data, text, strlen(text));
	return string;
}

#define ASCII (1u << 2 | 1u << 5 | 1u << 6)

static void *name_make(const char *text)
{
	return string_make(text, strlen(text), ASCII);
}

static void *bytes_make(const void *data, uint64_t claimed, size_t n)
{
	uint8_t *bytes = calloc(1, 32 + n + 1);

	if (!bytes)
		abort();
	put(bytes, 16, claimed);
	memcpy(bytes + 32, data, n);
	return bytes;
}

static void code_make(uint8_t *code, const void *name, const void *lines)
{
	put_address(code, 8, PyCode_Type);
	/* Instructions that it has; up to 3.10 something that is not looked at. */
	put(code, 16, 100);
	memcpy(code + layout->code_first_line, &(int32_t){11}, sizeof(int32_t));
	put_address(code, layout->code_file, name_make("/hostile/file.py"));
	put_address(code, layout->code_name, name);
	put_address(code, layout->code_lines, lines);
}

static void frame_make(uint8_t *frame, const uint8_t *code, const void *back)
{
	put_address(frame, layout->frame_code, code);
	put_address(frame, layout->frame_back, back);
	if (layout->flags & OX_LAYOUT_POINTER)
		put_address(frame, layout->frame_position, code + layout->code_start + 2);
}

/* Makes the outermost frame, where C code began to run all of them. */
static void frame_make_base(uint8_t *frame)
{
	if (layout->flags & OX_LAYOUT_ENTRY)
		frame[layout->frame_entry] = 1;
	if (layout->flags & OX_LAYOUT_OWNER) {
		frame[layout->frame_owner] = OWNER_C;
		put_address(frame, layout->frame_code, _Py_NoneStruct);
	}
}

/* Makes an interpreter that is in order; a variant spoils it after that. */
static void interpreter_make(void)
{
	static const uint8_t lines[] = {2, 1, 2, 1, 2, 1};
	void *table = bytes_make(lines, sizeof(lines), sizeof(lines));

	put_address(_PyRuntime, layout->runtime_interpreters, interpreter);
	put_address(interpreter, layout->interpreter_threads, thread);
	put(thread, layout->thread_id, (uint64_t)pthread_self());
	put_address(thread, layout->thread_frame, frames[0]);
	if (layout->flags & OX_LAYOUT_CFRAME) {
		put_address(thread, layout->thread_frame, cframe);
		put_address(cframe, layout->cframe_frame, frames[0]);
		/* Behind all else in the thread's state there is the first one. */
		put_address(cframe, layout->cframe_frame + 8, thread + 400);
	}
	for (int i = 0; i < CHURNED; i++)
		code_make(codes[i], i ? codes[0] : name_make("fake_function"), table);
	for (int i = 1; i < CHURNED; i++)
		put_address(codes[i], layout->code_name, name_make("fake_caller"));
	for (int i = 0; i < FRAMES; i++)
		frame_make(frames[i], codes[i], i + 1 < FRAMES ? frames[i + 1] : NULL);
	frame_make_base(frames[FRAMES - 1]);
}

static void variant_begin(enum hostile variant)
{
	const uint64_t nowhere[FRAMES] = {8,
					  0x10000,
					  UINT64_C(0x7ffffffff000),
					  UINT64_C(0x800000000000),
					  UINT64_C(0xdead00000000beef),
					  UINT64_C(0xffffffff81000000),
					  UINT64_MAX - 8,
					  UINT64_C(0xffff888000000000)};

	switch (variant) {
	case HOSTILE_SANE:
	case HOSTILE_CHURN:
	case HOSTILE_NOISE:
		break;
	case HOSTILE_INTERPRETERS: /* each is the next one of itself, and has no thread */
		put(interpreter, layout->interpreter_threads, 0);
		put_address(interpreter, layout->interpreter_next, interpreter);
		break;
	case HOSTILE_THREADS: /* two in a ring, none of them this one */
		put(thread, layout->thread_id, 1);
		put_address(thread, layout->thread_next, other_thread);
		put_address(other_thread, layout->thread_next, thread);
		break;
	case HOSTILE_FRAMES:
		put_address(frames[FRAMES - 1], layout->frame_back, frames[0]);
		break;
	case HOSTILE_SELF:
		put_address(frames[0], layout->frame_back, frames[0]);
		break;
	case HOSTILE_NAMES:
		memset(huge + layout->string_ascii_data, 'N', HUGE_BYTES);
		memcpy(huge + 32, &(uint32_t){ASCII}, sizeof(uint32_t));
		for (int i = 0; i < FRAMES; i++) {
			put_address(codes[i], layout->code_name, huge);
			put_address(codes[i], layout->code_file, huge);
		}
		put(huge, 16, HUGE_BYTES);
		break;
	case HOSTILE_LINES:
		memset(huge + 32, 0xff, HUGE_BYTES);
		put(huge, 16, HUGE_BYTES);
		for (int i = 0; i < FRAMES; i++)
			put_address(codes[i], layout->code_lines, huge);
		break;
	case HOSTILE_LENGTHS:
		for (int i = 0; i < FRAMES; i++) {
			uint64_t length = i & 1 ? UINT64_C(1) << 63 : UINT64_MAX - (uint64_t)i;

			put_address(codes[i], layout->code_name,
				    string_make("long", length, ASCII));
			put_address(codes[i], layout->code_lines, bytes_make("\1\1", length, 2));
		}
		break;
	case HOSTILE_NOWHERE:
		for (int i = 0; i < FRAMES; i++) {
			put(codes[i], layout->code_name, nowhere[i]);
			put(codes[i], layout->code_file, nowhere[(i + 1) % FRAMES]);
			put(codes[i], layout->code_lines, nowhere[(i + 2) % FRAMES]);
			put(frames[i], layout->frame_globals, nowhere[(i + 3) % FRAMES]);
		}
		put(frames[FRAMES - 1], layout->frame_back, nowhere[3]);
		break;
	case HOSTILE_TEXTS: /* kinds that there are not, surrogates, what breaks a line or a list */
		for (int i = 0; i < FRAMES; i++)
			put_address(codes[i], layout->code_name,
				    string_make("a;b\n\033[31mc\xff\xfe\xd8\xd8\xd8\xd8", 12,
						(uint32_t)i << 2 | 1u << 5));
		break;
	}
}

/* Spoils what the variant spoils again each turn. */
static void variant_step(enum hostile variant, uint64_t turn)
{
	uint64_t random = (turn + 1) * UINT64_C(0x9e3779b97f4a7c15);

	if (variant == HOSTILE_CHURN)
		for (unsigned i = 0; i < FRAMES; i++)
			put_address(frames[i], layout->frame_code,
				    codes[(turn * FRAMES + i) % CHURNED]);
	if (variant != HOSTILE_NOISE)
		return;
	for (unsigned i = 0; i < FRAMES; i++) {
		random ^= random << 13 ^ random >> 7;
		put(frames[i], (random >> 8) % 80, random & 1 ? random : random % 4096);
		put(codes[i], (random >> 20) % 140 & ~7ul, random);
		put_address(codes[i], 8, PyCode_Type);
		put_address(frames[i], layout->frame_code, codes[i]);
	}
}

/* Holds the samples. Its name makes oxprof take it for the loop that evaluates; up to 3.10 there is
 * one call for each frame. */
__attribute__((noinline)) void _PyEval_EvalFrameDefault(unsigned depth)
{
	if (depth > 1)
		_PyEval_EvalFrameDefault(depth - 1);
	else
		for (volatile int i = 0; i < 20000; i++)
			sink = sink * 31;
	sink++; /* not a tail call: this frame stays */
}

static const struct ox_layout *layout_find(void)
{
	size_t n;
	const struct ox_layout *all = python_layouts(&n);

	for (size_t i = 0; i < n; i++)
		if (all[i].version == VERSION)
			return &all[i];
	abort();
}

void hostile_run(enum hostile variant)
{
	layout = layout_find();
	huge = mmap(NULL, HUGE_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	if (huge == MAP_FAILED)
		abort();
	interpreter_make();
	variant_begin(variant);
	for (uint64_t turn = 0;; turn++) {
		variant_step(variant, turn);
		_PyEval_EvalFrameDefault(VERSION <= 0x30a ? FRAMES : 1);
	}
}
