/* SPDX-License-Identifier: MIT */
/*
 * Events of processes from the kernel's perf side band: new executable mappings, exec, fork, exit,
 * of the whole machine and in order of time. Only this file reads perf's ring buffers. No event is
 * received while disabled.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/process/maps.h"

struct opener;
struct sideband;

enum sideband_kind {
	SIDEBAND_FORK, /* a new process (not a thread) */
	SIDEBAND_EXEC, /* comm */
	SIDEBAND_MAP,  /* mapping */
	SIDEBAND_EXIT, /* the process's first thread is gone */
};

struct sideband_event {
	enum sideband_kind kind;
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint32_t pid;
	uint32_t parent; /* fork */
	char comm[16];
	struct mapping mapping;
	char path[4096]; /* what mapping.path points to */
};
typedef int (*sideband_fn)(void *userdata, const struct sideband_event *event);

/* Opens one event per online CPU, disabled. Returns 0 or a negative errno; then ret_why (size
 * bytes) holds one line for people. */
int sideband_new(struct opener *opener, struct sideband **ret, char *ret_why, size_t size);
struct sideband *sideband_free(struct sideband *sideband);
int sideband_enable(struct sideband *sideband);
void sideband_disable(struct sideband *sideband);

/* Descriptors that become readable when a buffer is half full; borrowed. */
unsigned sideband_count(const struct sideband *sideband);
int sideband_fd(const struct sideband *sideband, unsigned n);

/* Hands out all events up to now. The first negative result of fn ends the drain and is returned.
 * The number of events that the kernel had to drop is added to *lost. */
int sideband_drain(struct sideband *sideband, sideband_fn fn, void *userdata, uint64_t *lost);
