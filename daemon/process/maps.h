/* SPDX-License-Identifier: MIT */
/*
 * The mappings of a process: where they are, and since when. Pure: text and events in, answers out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/build_id.h"

#define MAPS_MAX        16384      /* executable mappings of one process that are kept */
#define MAPS_PATHS_MAX  (4u << 20) /* bytes of all their paths together */
#define MAPS_PATH_BYTES 4096       /* a longer path is cut */
#define MAPS_HIDDEN_NS  UINT64_C(10000000000)

struct mapping {
	uint64_t start;
	uint64_t end; /* first byte behind it */
	uint64_t file_offset;
	uint64_t since_ns; /* CLOCK_MONOTONIC; 0: was there at the first look */
	uint64_t inode;    /* 0: unknown */
	uint32_t dev_major;
	uint32_t dev_minor;
	uint8_t build_id_bytes; /* 0: unknown */
	uint8_t build_id[BUILD_ID_BYTES];
	const char *path; /* as the process sees it; "" anonymous, "[vdso]", "//anon" ... */
};

/* True if the path leads to a file: the mapping is not anonymous in any of the ways in which the
 * kernel writes that. */
bool mapping_is_file(const struct mapping *mapping);
bool mapping_is_vdso(const struct mapping *mapping);

struct maps;

struct maps *maps_new(void);
struct maps *maps_free(struct maps *maps);
/* Copies the maps at a fork. Shares the memory until one of the two changes. Returns NULL where
 * there is no memory. */
struct maps *maps_copy(const struct maps *maps);

/*
 * Adds a mapping, whose path is copied. A newer mapping hides what it overlaps, from its since_ns
 * on; one that was hidden as a whole for MAPS_HIDDEN_NS is forgotten. Returns 1 where it was added,
 * 0 where the newest mapping there is the same one already, -ENOMEM, -E2BIG (MAPS_MAX or
 * MAPS_PATHS_MAX reached), or -EINVAL (end <= start).
 */
int maps_add(struct maps *maps, const struct mapping *mapping);
/* Adds the executable mappings of a /proc/PID/maps text. Lines that are not of that form are passed
 * over (a path may hold anything but a newline, which the kernel writes as \012), and so are
 * mappings that no longer fit; " (deleted)" is cut off the path. Returns how many were added or
 * -ENOMEM. */
int maps_parse(struct maps *maps, const char *text, size_t length, uint64_t since_ns);
/* Finds the newest mapping that covers the address and began at or before at_ns. Returns NULL where
 * there is none; the mapping is borrowed until the next change of these maps. */
const struct mapping *maps_find(const struct maps *maps, uint64_t address, uint64_t at_ns);

/* A range of addresses and the mapping that is seen there at a time. */
struct maps_view {
	uint64_t start, end;
	const struct mapping *mapping; /* borrowed as by maps_find() */
};
/* Lists what is seen at a time, sorted and without overlaps. The caller frees *ret. Returns how
 * many, or -ENOMEM. */
ssize_t maps_list(const struct maps *maps, uint64_t at_ns, struct maps_view **ret);
