/* SPDX-License-Identifier: MIT */
/* Tells if a separate debug file belongs to an ELF file. */
#pragma once

#include <stdbool.h>

#define DEBUG_MATCH_BYTES_MAX (UINT64_C(2) << 30) /* no checksum is computed of a larger file */

/* True if `debug` is the debug file of `file`: by the build-id, or, where one of them has none, by
 * the checksum in the file's .gnu_debuglink. False also where these cannot be read. */
bool debug_match(int file, int debug);
