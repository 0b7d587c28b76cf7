/* SPDX-License-Identifier: MIT */
/*
 * Bytes as a perf map: whatever they are, the symbolizer must come back. For libFuzzer:
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_perf_map.c
 *         daemon/symbolizer/{perf_map,ranges}.c
 *
 * test_perf_map.c runs it over tests/fuzz/seeds/perf_map and simple mutations of them.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/symbolizer/perf_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perf_map *map = NULL;
	char *text = malloc(size ? size : 1);
	uint64_t start;

	if (!text)
		return -1;
	memcpy(text, data, size);
	if (perf_map_parse(text, size, &map) < 0) {
		free(text);
		return 0;
	}
	for (uint64_t address = 0; address < 0x10000; address += 61) {
		const char *name = perf_map_find(map, address, &start);

		if (name && (start > address || strlen(name) >= size))
			__builtin_trap();
	}
	perf_map_find(map, UINT64_MAX, &start);
	perf_map_free(map);
	return 0;
}
