/* SPDX-License-Identifier: MIT */
/* What tells the builds of a program apart: a hash that the linker wrote into it. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BUILD_ID_BYTES      20 /* a longer one counts as none */
#define BUILD_ID_TEXT_BYTES (2 * BUILD_ID_BYTES + 1)

/* As people, the database and the names of debug files have it: lower-case hex; "" of 0 bytes. */
static inline void build_id_format(const uint8_t *id, size_t bytes,
				   char ret[static BUILD_ID_TEXT_BYTES])
{
	*ret = '\0';
	for (size_t i = 0; i < bytes && i < BUILD_ID_BYTES; i++)
		snprintf(ret + 2 * i, 3, "%02x", id[i]);
}
