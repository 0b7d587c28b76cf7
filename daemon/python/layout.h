/* SPDX-License-Identifier: MIT */
/* The versions of CPython that are known, and where things are in each. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/python.h"

/* Parts of PY_VERSION_HEX, as the interpreter has it: 0x030d00f0 is 3.13.0. 0: unknown. */
#define PYTHON_MAJOR(hex) ((hex) >> 24 & 0xff)
#define PYTHON_MINOR(hex) ((hex) >> 16 & 0xff)

/* Finds the layout of a version. offsets: the PYTHON_OFFSETS_WORDS that the interpreter says of
 * itself, NULL where it says nothing (up to 3.12); is_current: with OX_LAYOUT_CURRENT. Returns 0,
 * -ENOENT where the version is not known, or -EPROTO where the interpreter says that it is laid out
 * otherwise (a debug build, one without the lock). */
int python_layout_find(uint32_t version_hex, const uint64_t *offsets, bool is_current,
		       uint32_t *ret_index);
/* Returns all layouts, for the kernel side. */
const struct ox_layout *python_layouts(size_t *ret_n);
