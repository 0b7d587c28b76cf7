/* SPDX-License-Identifier: MIT */
/*
 * Strict parsers of text from outside. Each takes a whole string, refuses anything left over,
 * returns 0 or a negative errno (-EINVAL: not of that form, -ERANGE: outside the bounds) and writes
 * its result only on success.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads decimal digits only, no sign, no space; up to and including max. */
int parse_u64(const char *text, uint64_t max, uint64_t *ret);

/* Finds one of n words; *ret is its place among them. */
int parse_word(const char *text, const char *const *words, size_t n, unsigned int *ret);

/* Reads "yes no true false on off 1 0", as systemd does. */
int parse_bool(const char *text, bool *ret);

/* Reads a decimal number of seconds ("0.01", "1e-3", "2"): finite, and within [min, max] when
 * rounded to nanoseconds. "nan", "inf", "0x1" are -EINVAL, a negative number is -ERANGE. Whatever
 * the locale is, the point is a point. */
int parse_interval_ns(const char *text, uint64_t min_ns, uint64_t max_ns, uint64_t *ret);

/* Applies the rule of parse_interval_ns() to a number that is already a double (from the bus). */
int interval_from_seconds(double seconds, uint64_t min_ns, uint64_t max_ns, uint64_t *ret);

/* Reads a decimal number of Hz ("99", "0.5") as the interval between two ticks. */
int parse_frequency_ns(const char *text, uint64_t min_ns, uint64_t max_ns, uint64_t *ret);

/* Reads a time span in systemd's words: "90", "5min", "1h 30min", "1.5h", "200ms"; a bare number is
 * seconds. A span of 0, or of more than 10 years, is -ERANGE. */
int parse_span_usec(const char *text, uint64_t *ret);

/* Reads "1%" to "99%". */
int parse_percent(const char *text, uint64_t *ret);

/* Reads "8M", "1G", "4096": bytes, powers of 1024 (K M G T P E). */
int parse_bytes(const char *text, uint64_t *ret);
