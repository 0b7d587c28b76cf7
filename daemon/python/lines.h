/* SPDX-License-Identifier: MIT */
/*
 * Finds the line of a position in the code, by the code object's own table. Pure; the bytes are
 * chosen by the profiled process.
 *
 * Formats: up to 3.9 co_lnotab (CPython Objects/lnotab_notes.txt); 3.10 co_linetable (PEP 626, the
 * same file); from 3.11 on the table of locations (Objects/locations.md, later
 * InternalDocs/code_objects.md).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Finds the line of a position. version: major << 8 | minor. position: bytes from the first
 * instruction, OX_PYTHON_NOT_BEGUN (bpf/python.h): before it.
 *
 * The line 0 that a module's first instruction has from 3.11 on is none. co_lnotab does not say
 * where the code ends: behind its last entry the line of that entry holds.
 *
 * Returns the line; where the table says that there is none there, that of the instructions before
 * it; first_line where there is none such, the table ends before, or it is damaged. 0: no line at
 * all (it would be negative, or above INT32_MAX).
 */
uint32_t python_lines_find(uint32_t version, const uint8_t *table, size_t n_bytes,
			   int32_t first_line, uint32_t position);
