/* SPDX-License-Identifier: MIT */
/*
 * The kinds of event of the kernel that oxprof samples with: the only place that knows their
 * attributes and calls perf_event_open(2). oxprofd and oxprof-opener both open them here, so that
 * an event is the same whoever opened it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The numbers are those of opener_wire.h. */
enum perf_event_kind {
	PERF_EVENT_TICK = 1,      /* a timer, for a BPF program to be attached to */
	PERF_EVENT_SIDE_BAND = 2, /* mmap, exec, fork and exit, for a ring buffer */
	PERF_EVENT_KINDS,         /* one more than the last kind */
};

/* The size of the side band's ring: 256 KiB a CPU, within what an unprivileged user may lock
 * (perf_event_mlock_kb, 516 KiB). The ring becomes readable when half of it is full. */
#define PERF_EVENT_RING_BYTES (UINT64_C(256) << 10)

/*
 * Opens an event of all processes on one CPU, disabled. A tick's period is OX_INTERVAL_MAX_NS until
 * PERF_EVENT_IOC_PERIOD sets another. Returns a descriptor, which exec() closes, or a negative
 * errno: -ENODEV where the CPU is offline, -EACCES or -EPERM where the kernel does not permit it.
 */
int perf_event_open_disabled(enum perf_event_kind kind, unsigned cpu);

/* True if the descriptor is an event's. */
bool perf_event_is(int fd);
