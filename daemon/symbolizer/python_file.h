/* SPDX-License-Identifier: MIT */
/*
 * Reads what an ELF file says of the Python interpreter in it. All of it is the file's claim: it is
 * copied out within bounds, and checked where it is used.
 *
 * Where CPython defines it: Include/patchlevel.h (PY_VERSION_HEX), Include/cpython/pylifecycle.h
 * (Py_Version), Include/internal/pycore_debug_offsets.h (the words at _PyRuntime).
 */
#pragma once

#include <stdbool.h>

#include "daemon/base/symbolizer_wire.h"
#include "daemon/symbolizer/elf/dynamic.h"

/* True if the file may have an interpreter, so that it is worth reading. This takes some us, for
 * every file that is mapped. */
bool python_file_has(const struct elf_file *elf);
/* Reads what the file says of its interpreter. SYMBOLIZER_PYTHON_CPYTHON of version 3.6 or later,
 * or of an unknown one, has runtime, code_type and a range of SYMBOLIZER_PYTHON_EVAL. Returns 0,
 * also where there is no interpreter; -ENOEXEC if the file is no program or library of this
 * machine; -ENOMEM; -EIO. */
int python_file_read(int fd, struct symbolizer_python *ret);
