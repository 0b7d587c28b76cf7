/* SPDX-License-Identifier: MIT */
/* Unpacks xz data: the only owner of liblzma. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define XZ_MEMORY_BYTES (UINT64_C(64) << 20) /* that the decoder may use beside its output */

/* Into memory that the caller owns. 0; -EINVAL: damaged; -E2BIG: more than max bytes, or the
 * decoder asks for too much memory; -ENOMEM. */
int xz_unpack(const void *data, size_t size, size_t max, char **ret, size_t *ret_size);

/* The checksum of .gnu_debuglink (that of zlib), begun with 0 and gone on with what it gave. */
uint32_t xz_crc32(const void *data, size_t size, uint32_t crc);
