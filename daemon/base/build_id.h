/* SPDX-License-Identifier: MIT */
/* The build-id: a hash that the linker wrote into a program, and that tells its builds apart. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BUILD_ID_BYTES      20 /* a longer one counts as none */
#define BUILD_ID_TEXT_BYTES (2 * BUILD_ID_BYTES + 1)

/* Writes a build-id as people, the database and the names of debug files have it: lower-case hex,
 * "" for 0 bytes. */
static inline void build_id_format(const uint8_t *id, size_t bytes,
				   char ret[static BUILD_ID_TEXT_BYTES])
{
	*ret = '\0';
	for (size_t i = 0; i < bytes && i < BUILD_ID_BYTES; i++)
		snprintf(ret + 2 * i, 3, "%02x", id[i]);
}
