/* SPDX-License-Identifier: MIT */
/*
 * Python frames: what the kernel side has to know of an interpreter to follow its threads' frames,
 * and what the daemon gets to know of them. CPython, x86-64.
 *
 * A thread's frames are a list in the interpreter's memory, leaf first. Each is one word in the
 * record of its stack (OX_RECORD_PYTHON): the number of a definition, and where in its code the
 * frame is. A definition is sent once, at the first sight of a code object in a process: its name,
 * module, file and table of lines, as bytes of the process, so that nothing needs to be read from a
 * process that may be gone by then, or from memory that may be another code object's.
 */
#pragma once

#include "bpf/sample.h"

/* The layout of one version of CPython: offsets and sizes in bytes. */
struct ox_layout {
	ox_u32 version; /* major << 8 | minor */

	ox_u16 runtime_interpreters; /* in _PyRuntime: the first interpreter; newest first */
	ox_u16 interpreter_next;
	ox_u16 interpreter_threads; /* the first thread state; up to 120 behind the next */

	ox_u16 thread_next;
	ox_u16 thread_id;    /* pthread_self(): on glibc and musl what fs points to */
	ox_u16 thread_frame; /* the leaf frame; with OX_LAYOUT_CFRAME a _PyCFrame that has it */
	ox_u16 thread_bytes;
	ox_u16 cframe_frame; /* in a _PyCFrame; the previous one stands right behind it */

	ox_u16 frame_code;
	ox_u16 frame_back;
	ox_u16 frame_position; /* OX_LAYOUT_POINTER: address of an instruction; else the s32 f_lasti
				*/
	ox_u16 frame_globals;
	ox_u16 frame_locals; /* the first local variable */
	ox_u16 frame_entry;  /* OX_LAYOUT_ENTRY: u8, not 0 where C code began to run it */
	ox_u16 frame_owner;  /* OX_LAYOUT_OWNER: u8 */
	ox_u16 frame_bytes;

	ox_u16 code_first_line;
	ox_u16 code_variables; /* tuple of the local variables' names; 0: not needed */
	ox_u16 code_file;
	ox_u16 code_name; /* co_qualname where there is one */
	ox_u16 code_lines;
	ox_u16 code_traceable; /* s32, the first instruction (2 bytes each) of its own; 0: all are
				*/
	ox_u16 code_start;     /* the first instruction, with OX_LAYOUT_POINTER */
	ox_u16 code_bytes;

	ox_u16 string_data;       /* of a compact str that is not ASCII, */
	ox_u16 string_ascii_data; /* and of one that is */
	ox_u16 string_kind_shift; /* in its state: 3 bits, bytes for each character */
	ox_u16 string_ascii_shift;
	ox_u16 flags; /* OX_LAYOUT_* */
};

#define OX_LAYOUT_CFRAME  1u  /* 3.11, 3.12 */
#define OX_LAYOUT_POINTER 2u  /* 3.11+ */
#define OX_LAYOUT_ENTRY   4u  /* 3.11 */
#define OX_LAYOUT_OWNER   8u  /* 3.12+: 3 and more stand for C code, not for a function */
#define OX_LAYOUT_UNITS   16u /* 3.10: f_lasti counts instructions of 2 bytes */
#define OX_LAYOUT_TAGGED  32u /* 3.14+: the low 3 bits of frame_code are no part of the address */
#define OX_LAYOUT_KEYS    64u /* 3.11+: the dict's keys as they are since then */
/* 3.6 without .symtab: no list of interpreters, but the address of _PyThreadState_Current, whose
 * thread state tells its own. */
#define OX_LAYOUT_CURRENT 128u

#define OX_LAYOUTS_MAX 16
/* Words of _Py_DebugOffsets (CPython 3.13+, Include/internal/pycore_debug_offsets.h) that are
 * looked at. */
#define PYTHON_OFFSETS_WORDS 96

/* Offsets that are the same in all versions. */
#define OX_PY_TYPE          8  /* ob_type of every object */
#define OX_PY_ITEMS         24 /* of a tuple */
#define OX_PY_CODE_SIZE     16 /* s32 in effect: instructions, from 3.11 on */
#define OX_PY_BYTES_SIZE    16 /* of a bytes object */
#define OX_PY_BYTES_DATA    32
#define OX_PY_STRING_LENGTH 16
#define OX_PY_STRING_STATE  32
#define OX_PY_TYPE_NAME     24  /* tp_name */
#define OX_PY_TYPE_DICT     264 /* tp_dict, up to 3.10 */
#define OX_PY_TYPE_MRO      344 /* tp_mro, likewise */
#define OX_PY_DICT_KEYS     32
#define OX_PY_INTERP        16 /* in a thread state */

/* One interpreter in one process; a part of struct ox_process. */
struct ox_interpreter {
	ox_u64 runtime;   /* address of _PyRuntime; 3.6: of interp_head */
	ox_u64 code_type; /* of PyCode_Type */
	ox_u32 layout;    /* index + 1; 0: no interpreter */
	ox_u32 reserved;
};

#define OX_MAX_PYTHON_FRAMES 512

/* A frame, in the record of its stack: definition << 32 | position << 1 | entry. entry: C code
 * began to run this one, so between it and the next frame there are C frames. */
#define OX_PYTHON_ENTRY       1ull
#define OX_PYTHON_POSITION(w) ((ox_u32)(w) >> 1)
#define OX_PYTHON_ID(w)       ((ox_u32)((w) >> 32))
/* Positions are bytes from the first instruction, except for this one. */
#define OX_PYTHON_NOT_BEGUN 0x7fffffffu
/* Positions with the definition 0. */
#define OX_PYTHON_NO_FRAME                                                                      \
	0u                   /* C code that has begun to run no function, or has just ended one \
			      */
#define OX_PYTHON_NO_NAME 1u /* a frame whose definition could not be sent */

/* How the frames of a thread end; flags of the record. */
enum ox_python_end {
	OX_PYTHON_WHOLE = 0,
	OX_PYTHON_CUT,    /* deeper than OX_MAX_PYTHON_FRAMES */
	OX_PYTHON_BROKEN, /* a frame is none, callers are missing, or the thread was not found */
};

/* Definitions travel in fragments; OX_FRAGMENT_HEAD is the last one, without which there is no
 * definition. */
enum ox_fragment_kind {
	OX_FRAGMENT_HEAD,   /* struct ox_definition */
	OX_FRAGMENT_NAME,   /* strings: characters of `width` bytes */
	OX_FRAGMENT_CLASS,  /* bytes in UTF-8, with a NUL; of the class that has the function */
	OX_FRAGMENT_MODULE, /* string */
	OX_FRAGMENT_FILE,   /* string */
	OX_FRAGMENT_LINES, /* co_linetable or co_lnotab from `offset` on, fragment after fragment */
	OX_N_PARTS,
};

struct ox_fragment {
	ox_u32 id;
	ox_u16 kind;
	ox_u16 width; /* strings: 1, 2 or 4 bytes a character */
	ox_u32 bytes; /* that follow */
	ox_u32 offset;
	ox_u32 is_cut; /* the text goes on, but the rest is not sent */
	ox_u32 reserved;
};

struct ox_definition {
	ox_u32 version; /* of the layout */
	ox_s32 first_line;
};

#define OX_FRAGMENT_BYTES_MAX 4096u
#define OX_NAME_BYTES_MAX     1024u
#define OX_LINES_BYTES_MAX    98304u

_Static_assert(sizeof(struct ox_layout) == 64, "layout");
_Static_assert(sizeof(struct ox_interpreter) == 24, "interpreter");
_Static_assert(sizeof(struct ox_fragment) == 24, "fragment");
_Static_assert(sizeof(struct ox_definition) == 8, "definition");
