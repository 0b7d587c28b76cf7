/* SPDX-License-Identifier: MIT */
/*
 * What an ELF file says of the Python interpreter that it holds. All of it is the file's claim: it
 * is copied out within bounds, and checked where it is used.
 *
 * Where CPython says it: Include/patchlevel.h (PY_VERSION_HEX), Include/cpython/pylifecycle.h
 * (Py_Version), Include/internal/pycore_debug_offsets.h (the words at _PyRuntime).
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/symbolizer_wire.h"
#include "daemon/symbolizer/elf/dynamic.h"

/* Whether it is worth a closer look: some us, for every file that is mapped. */
bool python_file_has(const struct elf_file *elf);
/* SYMBOLIZER_PYTHON_CPYTHON of version 3.6 or more, or none that is known, has runtime, code_type
 * and a SYMBOLIZER_PYTHON_EVAL. 0, also where there is none; -ENOEXEC: no program or library of
 * this machine; -ENOMEM; -EIO. */
int python_file_read(int fd, struct symbolizer_python *ret);
