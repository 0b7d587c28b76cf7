/* SPDX-License-Identifier: MIT */
/* Which process has which Python interpreter, and where. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/python.h"
#include "daemon/objfile/files.h"
#include "daemon/process/images.h"
#include "daemon/python/splice.h"

struct interpreters;

enum interpreter_state {
	INTERPRETER_READ, /* its frames are */
	INTERPRETER_UNKNOWN_VERSION,
	INTERPRETER_OTHER_LAYOUT,
	INTERPRETER_FREE_THREADED,
	INTERPRETER_PYPY,
	INTERPRETER_STRIPPED,
	N_INTERPRETER_STATES,
};

struct interpreter {
	uint32_t pid;
	char comm[16]; /* "" where it was not told */
	enum interpreter_state state;
	uint32_t version_hex;        /* PY_VERSION_HEX; 0: unknown */
	char *path;                  /* of its file, as the process sees it */
	uint32_t file;               /* number */
	uint64_t bias;               /* ELF vaddr = address - bias */
	struct ox_interpreter place; /* for the kernel side; zeros where it is not read */
};

/* Borrows the files; when those are cleared, so has this to be. NULL: no memory. */
struct interpreters *interpreters_new(struct files *files);
struct interpreters *interpreters_free(struct interpreters *interpreters);
void interpreters_clear(struct interpreters *interpreters);

/* The one that the image has mapped at that time; the first one where it has several. NULL: none.
 * Borrowed until the next call here. */
const struct interpreter *interpreters_find(struct interpreters *interpreters,
					    const struct image *image, uint64_t at_ns);
/* Which part of the interpreter an address of the process is. */
enum splice_code interpreters_classify(const struct interpreters *interpreters,
				       const struct interpreter *interpreter, uint64_t address);

/* Of all images that were looked at; NULL where the i-th has none. */
size_t interpreters_count(const struct interpreters *interpreters);
const struct interpreter *interpreters_get(const struct interpreters *interpreters, size_t i);

/* "read", "unknown-version" ... */
const char *interpreter_state_name(enum interpreter_state state);
/* A sentence that says why it is not read; "": it is. */
const char *interpreter_explain(enum interpreter_state state);
#define INTERPRETER_NAME_BYTES 64
/* "CPython 3.11.2", "PyPy". */
void interpreter_name(const struct interpreter *interpreter,
		      char ret[static INTERPRETER_NAME_BYTES]);
