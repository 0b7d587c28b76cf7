/* SPDX-License-Identifier: MIT */
/* Clocks, and the times that people type and read. */
#pragma once

#include <stdint.h>

uint64_t clock_realtime_usec(void);
uint64_t clock_monotonic_ns(void);
uint64_t clock_boottime_ns(void);

/*
 * Reads a time, relative to now_usec: "now", "today", "yesterday" (local midnight), "-5min", "-1h",
 * "+5min" (from now), "YYYY-MM-DD", "YYYY-MM-DD HH:MM[:SS]" (local), "HH:MM[:SS]" (today),
 * "@SECONDS" (UTC epoch, with up to six decimals). The forms of the calendar may have " UTC" behind
 * them as in systemd. Years 1970 to 9999. Returns 0, -EINVAL, or -ERANGE.
 */
int clock_parse_time(const char *text, uint64_t now_usec, uint64_t *ret_usec);

#define CLOCK_TEXT_BYTES 32
/* Writes local time as "2026-11-23 14:03:07". Returns ret. */
char *clock_format_local(uint64_t usec, char ret[static CLOCK_TEXT_BYTES]);
/* Writes a span as "1h 2min", "2min 3s" or "450ms": the largest unit and the one below it; what is
 * smaller is cut. Returns ret. */
char *clock_format_span(uint64_t usec, char ret[static CLOCK_TEXT_BYTES]);
