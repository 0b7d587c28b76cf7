/* SPDX-License-Identifier: MIT */
/*
 * Finds the parts of a function that the compiler put elsewhere (".cold"), in a file without
 * symbols. A part is recognized by two things: the function jumps there, and what .eh_frame has
 * there begins in the middle of a frame, as no function does.
 */
#pragma once

#include "daemon/symbolizer/elf/dynamic.h"

#define PYTHON_PARTS_MAX 16

/* Finds the parts of the function at [start, end), start <= end. Returns how many there are. */
size_t python_parts_find(const struct elf_file *elf, uint64_t start, uint64_t end,
			 struct elf_symbol ret[static PYTHON_PARTS_MAX]);
