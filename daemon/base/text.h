/* SPDX-License-Identifier: MIT */
/* Text of others, made fit to be shown. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Makes text from a profiled process fit to be shown, stored and sent over the bus: valid UTF-8,
 * with U+FFFD for each control character (tab and newline too), each of those that turn or break a
 * line (U+2028..202E, U+2066..2069) and each invalid byte. Never longer than the buffer of `size`
 * bytes holds with a zero at its end, cut at a character. Returns the length written.
 */
size_t text_clean(const char *text, size_t length, char *ret, size_t size);
/* True if text_clean() would leave the text as it is. */
bool text_is_clean(const char *text);
