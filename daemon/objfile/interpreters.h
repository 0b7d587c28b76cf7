/* SPDX-License-Identifier: MIT */
/* Finds the Python interpreter of a process: its version, its file, and where it is mapped. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "bpf/python.h"
#include "daemon/objfile/files.h"
#include "daemon/process/images.h"
#include "daemon/python/splice.h"

struct interpreters;

enum interpreter_state {
	INTERPRETER_READ, /* its frames are read */
	INTERPRETER_UNKNOWN_VERSION,
	INTERPRETER_OTHER_LAYOUT,
	INTERPRETER_FREE_THREADED,
	INTERPRETER_PYPY,
	INTERPRETER_STRIPPED,
	N_INTERPRETER_STATES,
};

struct interpreter {
	uint32_t pid;
	char comm[16]; /* "" if it is unknown */
	enum interpreter_state state;
	uint32_t version_hex;        /* PY_VERSION_HEX; 0 if unknown */
	char *path;                  /* the path of its file, as the process sees it */
	uint32_t file;               /* number of its file (files.h) */
	uint64_t bias;               /* ELF vaddr = address - bias */
	struct ox_interpreter place; /* for the kernel side; zeros unless INTERPRETER_READ */
};

/* Borrows the files; whenever they are cleared, interpreters_clear() has to be called too. Returns
 * NULL if there is no memory. */
struct interpreters *interpreters_new(struct files *files);
struct interpreters *interpreters_free(struct interpreters *interpreters);
void interpreters_clear(struct interpreters *interpreters);

/* Returns the interpreter that the image has mapped at that time, the first one if it has several;
 * NULL if it has none. Borrowed until the next call of this module. */
const struct interpreter *interpreters_find(struct interpreters *interpreters,
					    const struct image *image, uint64_t at_ns);
/* Returns which part of the interpreter an address of the process belongs to. */
enum splice_code interpreters_classify(const struct interpreters *interpreters,
				       const struct interpreter *interpreter, uint64_t address);

/* Counts the images that were searched. */
size_t interpreters_count(const struct interpreters *interpreters);
/* Returns the interpreter of the i-th of these images; NULL if it has none. */
const struct interpreter *interpreters_get(const struct interpreters *interpreters, size_t i);

/* Returns "read", "unknown-version" and so on. */
const char *interpreter_state_name(enum interpreter_state state);
/* Returns a phrase that says why its frames are not read; "" if they are. */
const char *interpreter_explain(enum interpreter_state state);
#define INTERPRETER_NAME_BYTES 64
/* Formats the name and the version, like "CPython 3.11.2" or "PyPy". */
void interpreter_name(const struct interpreter *interpreter,
		      char ret[static INTERPRETER_NAME_BYTES]);
