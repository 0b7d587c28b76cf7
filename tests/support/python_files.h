/* SPDX-License-Identifier: MIT */
/* Holds what python_file_read() says of a file to what nm says, in a directory of the test's own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/symbolizer/python_file.h"
#include "tests/support/shell.h"

extern char python_files_directory[256];

/* Runs a command there. */
#define run(...) shell_run(python_files_directory, __VA_ARGS__)

/* Makes the directory. */
void python_files_set_up(void);

/* Removes it. */
void python_files_tear_down(void);

/* Returns the path of a file there; borrowed until the next one. */
const char *python_files_path(const char *name);

/* Runs the fuzzer of tests/fuzz/fuzz_python_file.c on one input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what the file says ---- */

/* Reads the file as the daemon has it read, and checks what the daemon insists on. */
void read_python(const char *path, struct symbolizer_python *ret);

/* True if there is an interpreter in it. */
bool has_python(const char *path);

/* True if that address is of that code. */
bool is_code(const struct symbolizer_python *python, uint64_t address,
	     enum symbolizer_python_code code);

/* ---- what nm says ---- */

/* Reads the symbols of a file, of which there must be some. */
void list_symbols(const char *path);

/* Returns the address of the symbol of that name; 0: there is none. */
uint64_t get_symbol(const char *name);

/* Expects every byte of each function of these names, and of its parts, to be of that code. */
void expect_code(const struct symbolizer_python *python, const char *name,
		 enum symbolizer_python_code code);

/* Expects the function, where there is one, to be of no range. */
void expect_visible(const struct symbolizer_python *python, const char *name);
