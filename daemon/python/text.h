/* SPDX-License-Identifier: MIT */
/* The characters of a Python str (PEP 393) as UTF-8. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Writes n_bytes of characters of `width` bytes each (1 Latin-1, of which ASCII is a part; 2 UCS-2;
 * 4 UCS-4), little-endian, as text that is fit to be shown: valid UTF-8 without control characters
 * (text_clean() in daemon/base/text.h), with a NUL. What is no character (a lone surrogate, more
 * than 0x10ffff) becomes U+FFFD. Where it does not fit it is cut between two characters, and ends
 * in "...". An unknown width gives "". size > 3. Returns the length without the NUL.
 */
size_t python_text_decode(const void *data, size_t n_bytes, unsigned width, char *ret, size_t size);
