/* SPDX-License-Identifier: MIT */
/*
 * Reads the names that a process writes of the code it made at run time: /tmp/perf-PID.map, lines
 * "START SIZE name" with hexadecimal numbers (linux: tools/perf/Documentation/jit-interface.txt).
 * Where lines overlap, the later one holds. Lines that are not of that form are passed over. The
 * file is not mapped but copied: its writer may cut it short at any time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PERF_MAP_BYTES_MAX   (64u << 20) /* the rest of a longer one is not read */
#define PERF_MAP_ENTRIES_MAX 2000000

struct perf_map;

/* Reads the file. The descriptor stays the caller's. Returns 0, also if it is empty; -ENOMEM;
 * -EIO. */
int perf_map_read(int fd, struct perf_map **ret);
/* Parses a text of malloc(), and writes to it. Takes it, unless this fails. Returns 0 or
 * -ENOMEM. */
int perf_map_parse(char *text, size_t length, struct perf_map **ret);
struct perf_map *perf_map_free(struct perf_map *map);

/* Returns the name at an address as it was written, borrowed from the map; NULL if there is
 * none. */
const char *perf_map_find(const struct perf_map *map, uint64_t address, uint64_t *ret_start);
size_t perf_map_bytes(const struct perf_map *map);
