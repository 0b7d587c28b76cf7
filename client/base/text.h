/* SPDX-License-Identifier: MIT */
/* Text for people: how wide it is on a terminal, and numbers with their units. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_is_utf8(const char *text);

/* Is UTF-8 what the user's terminal is said to know? Names are printed in it either way. */
bool text_locale_is_utf8(void);

/* Columns of a terminal; wide characters take two, combining ones none (in a UTF-8 locale). */
size_t text_width(const char *text);

/* A copy that is at most width columns wide: the middle gives way to an ellipsis, since both ends
 * of a long C++ name say more. The caller frees. NULL: no memory. */
char *text_cut_middle(const char *text, size_t width);

/* A copy fit to be printed (text_clean()) of any length. The caller frees. NULL: no memory. */
char *text_clean_copy(const char *text);

#define TEXT_NUMBER_BYTES 32
/* "10.1ms" */
char *text_format_interval(double ns, char ret[static TEXT_NUMBER_BYTES]);
/* "1.5M", powers of 1024 */
char *text_format_bytes(uint64_t bytes, char ret[static TEXT_NUMBER_BYTES]);
