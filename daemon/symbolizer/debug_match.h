/* SPDX-License-Identifier: MIT */
/* Whether a separate debug file is that of a file. */
#pragma once

#include <stdbool.h>

#define DEBUG_MATCH_BYTES_MAX (UINT64_C(2) << 30) /* a larger one has no checksum made of it */

/* By the build-id; where one of them has none, by the checksum that the file's .gnu_debuglink
 * tells. False also where that cannot be read. */
bool debug_match(int file, int debug);
