/* SPDX-License-Identifier: MIT */
/*
 * The protocol of the daemon (symbolizer.h) and oxprof-symbolizer over a SOCK_SEQPACKET pair, and
 * the types and limits that both use.
 *
 * The symbolizer begins with a wire_reply of WIRE_HELLO bytes when it has given up all its rights.
 * Then each request is one packet, with its descriptors, and each reply one packet: an error, or 0
 * and one descriptor, a memfd that is sealed against all change and holds a wire_table or
 * wire_names with what follows it, an elf_info or a symbolizer_python. One request is under way at
 * a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/python.h"
#include "bpf/rule.h"
#include "daemon/base/build_id.h"

#define SYMBOLIZER_INLINES_MAX 16                 /* frames of one address */
#define SYMBOLIZER_NAMES_MAX   4096               /* addresses of one request */
#define SYMBOLIZER_CPU_USEC    UINT64_C(5000000)  /* for one request */
#define SYMBOLIZER_WALL_USEC   UINT64_C(15000000) /* likewise: a file system may hang */
/* A symbolizer that wants a CPU and gets none does not hang and gets more time, but not without
 * end: it may have been taken over. */
#define SYMBOLIZER_STARVED_USEC      (10 * SYMBOLIZER_WALL_USEC)
#define SYMBOLIZER_MEMORY_BYTES      (UINT64_C(512) << 20)
#define SYMBOLIZER_ROWS_MAX          4000000
#define SYMBOLIZER_TEXT_BYTES_MAX    4096 /* of one name or path, with its NUL */
#define SYMBOLIZER_ANSWER_BYTES      (UINT64_C(64) << 20)
#define SYMBOLIZER_SEGMENTS_MAX      32
#define SYMBOLIZER_LINK_BYTES        256 /* of a file name, with its NUL */
#define SYMBOLIZER_ALT_BYTES         512 /* of a path, likewise */
#define SYMBOLIZER_PYTHON_RANGES_MAX 128

struct symbolizer_row {
	uint32_t address; /* ELF vaddr; rising */
	uint32_t rule;    /* index in rules */
};
struct symbolizer_table {
	const struct ox_rule *rules;
	size_t n_rules;
	const struct symbolizer_row *rows;
	size_t n_rows;
};

/* The kind of a file whose names are asked for, and of the addresses in it. */
enum symbolizer_source {
	SYMBOLIZER_ELF_OFFSETS, /* offsets into the ELF file */
	SYMBOLIZER_ELF_VADDRS,  /* addresses in its own space */
	SYMBOLIZER_PERF_MAP,    /* /tmp/perf-PID.map: addresses of the process */
	SYMBOLIZER_JITDUMP,     /* jit-PID.dump: likewise */
	SYMBOLIZER_N_SOURCES,
};

/* Texts are cleaned (text_clean() in text.h), "" where unknown. */
struct symbolizer_name {
	const char *function; /* demangled */
	const char *file;     /* of the source */
	uint64_t start;       /* of the function: ELF vaddr, or address in the process */
	uint32_t line;        /* 0: unknown */
};

/* A PT_LOAD with code, as far as the file holds it. */
struct symbolizer_segment {
	uint64_t offset, bytes, vaddr;
};
/* The statements of an ELF file about itself; what it does not state is 0. No padding. */
struct elf_info {
	struct symbolizer_segment segments[SYMBOLIZER_SEGMENTS_MAX]; /* the first ones */
	uint32_t n_segments;
	uint32_t has_dwarf; /* 1: in the file itself */
	uint32_t
		has_python; /* 1: there is an interpreter in it: ask for struct symbolizer_python */
	uint32_t reserved;
	uint32_t build_id_bytes;
	uint32_t alt_id_bytes;
	uint8_t build_id[BUILD_ID_BYTES];
	uint8_t alt_id[BUILD_ID_BYTES];
	char link[SYMBOLIZER_LINK_BYTES];    /* of its debug file, no path */
	char alt_link[SYMBOLIZER_ALT_BYTES]; /* path of the file that has alt_id */
};

/* The interpreter in an ELF file. No padding. */
enum symbolizer_python_kind {
	SYMBOLIZER_PYTHON_NONE,
	SYMBOLIZER_PYTHON_CPYTHON,
	SYMBOLIZER_PYTHON_FREE_THREADED, /* CPython without the lock (3.13+, "t") */
	SYMBOLIZER_PYTHON_PYPY,
	SYMBOLIZER_PYTHON_STRIPPED, /* CPython, but what is needed of it has no symbols */
	SYMBOLIZER_N_PYTHON_KINDS,
};
/* C functions that carry out calls of Python functions. */
enum symbolizer_python_code {
	SYMBOLIZER_PYTHON_EVAL, /* runs Python code; one C frame for each entry (bpf/python.h) */
	SYMBOLIZER_PYTHON_CALL, /* stands between that and its callers: _PyFunction_Vectorcall ...
				 */
};
struct symbolizer_python_range {
	uint64_t start, end; /* ELF vaddr */
	uint32_t code;       /* enum symbolizer_python_code */
	uint32_t reserved;
};
struct symbolizer_python {
	uint32_t kind;
	uint32_t version_hex; /* PY_VERSION_HEX; 0xMMmm0000 where only that is known; 0: unknown */
	uint64_t runtime;     /* ELF vaddr of _PyRuntime; up to 3.6 of interp_head, ... */
	uint32_t is_current;  /* ... or of _PyThreadState_Current where that has no symbol: 1 */
	uint32_t n_offsets;   /* 0: it says nothing of itself (up to 3.12) */
	uint64_t code_type;   /* ELF vaddr of PyCode_Type */
	uint64_t offsets[PYTHON_OFFSETS_WORDS];
	uint32_t n_ranges;
	uint32_t reserved;
	struct symbolizer_python_range ranges[SYMBOLIZER_PYTHON_RANGES_MAX]; /* rising, apart */
};

#define WIRE_FD    3                    /* the symbolizer's end of the pair */
#define WIRE_HELLO UINT32_C(0x6f785233) /* "oxR3"; the number changes with this file */
#define WIRE_FILES 3                    /* file, debug, alt */

enum wire_kind {
	WIRE_TABLE,
	WIRE_NAMES,
	WIRE_ABOUT,
	WIRE_PYTHON,
};

/* n_addresses times 8 bytes follow. Descriptors are sent in the order of their bits. */
struct wire_request {
	uint32_t kind;
	uint32_t source;
	uint32_t files; /* bit i: the i-th file is there */
	uint32_t n_addresses;
};

/* error: as in symbolizer_fn. size: of the memfd, 0 with an error. */
struct wire_reply {
	int32_t error;
	uint32_t size_bytes;
};

/* n_rules struct ox_rule, n_rows struct symbolizer_row. */
struct wire_table {
	uint32_t n_rules;
	uint32_t n_rows;
};

/* n_addresses struct wire_address, n_frames struct wire_frame, text_bytes of texts, each with its
 * NUL, the first of them "". */
struct wire_names {
	uint32_t n_addresses;
	uint32_t n_frames;
	uint32_t text_bytes;
	uint32_t reserved;
};
struct wire_address {
	uint64_t vaddr;
	uint32_t first; /* frame */
	uint32_t n;     /* frames, outermost first */
};
struct wire_frame {
	uint64_t start;
	uint32_t function; /* where its text starts */
	uint32_t file;
	uint32_t line;
	uint32_t reserved;
};

_Static_assert(sizeof(struct symbolizer_row) == 8, "row");
_Static_assert(sizeof(struct elf_info) == 24 * SYMBOLIZER_SEGMENTS_MAX + 24 + 2 * BUILD_ID_BYTES +
						  SYMBOLIZER_LINK_BYTES + SYMBOLIZER_ALT_BYTES,
	       "about");
_Static_assert(sizeof(struct wire_request) == 16, "request");
_Static_assert(sizeof(struct wire_reply) == 8, "reply");
_Static_assert(sizeof(struct wire_table) == 8, "table");
_Static_assert(sizeof(struct wire_names) == 16, "names");
_Static_assert(sizeof(struct wire_address) == 16, "address");
_Static_assert(sizeof(struct wire_frame) == 24, "frame");
