/* SPDX-License-Identifier: MIT */
#include "daemon/symbolizer/debug_match.h"

#include <errno.h>
#include <string.h>

#include "daemon/base/cleanup.h"
#include "daemon/symbolizer/elf/debugdata.h"
#include "daemon/symbolizer/elf/file.h"

#define CHUNK_BYTES 262144

static bool has_checksum(const struct elf_file *elf, uint32_t checksum)
{
	_cleanup_free_ char *chunk = malloc(CHUNK_BYTES);
	uint32_t crc = 0;

	if (!chunk || elf->size > DEBUG_MATCH_BYTES_MAX)
		return false;
	for (uint64_t at = 0; at < elf->size; at += CHUNK_BYTES) {
		uint64_t n = elf->size - at < CHUNK_BYTES ? elf->size - at : CHUNK_BYTES;

		if (elf_file_read(elf, at, n, chunk) < 0)
			return false;
		crc = xz_crc32(chunk, n, crc);
	}
	return crc == checksum;
}

static bool match(const struct elf_file *file, const struct elf_file *debug)
{
	uint8_t id[BUILD_ID_BYTES], other[BUILD_ID_BYTES];
	size_t bytes = elf_file_read_build_id(file, id);
	size_t other_bytes = elf_file_read_build_id(debug, other);
	uint32_t checksum;

	if (bytes && other_bytes)
		return bytes == other_bytes && memcmp(id, other, bytes) == 0;
	return elf_file_get_debuglink(file, &checksum) && has_checksum(debug, checksum);
}

bool debug_match(int file, int debug)
{
	_cleanup_(elf_file_done) struct elf_file a = {.fd = -1}, b = {.fd = -1};

	return elf_file_open(&a, file) == 0 && elf_file_open(&b, debug) == 0 && match(&a, &b);
}
