/* SPDX-License-Identifier: MIT */
/* Text for people: how wide it is on a terminal, and numbers with their units. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_is_utf8(const char *text);

/* True if the user's locale says that the terminal knows UTF-8. Names are printed in UTF-8 either
 * way. */
bool text_locale_is_utf8(void);

/* Returns the columns that a text takes on a terminal; wide characters take two, combining ones
 * none (in a UTF-8 locale). */
size_t text_width(const char *text);

/* Copies the text, at most width columns of it: an ellipsis replaces the middle, since both ends of
 * a long C++ name say more. Returns the copy, which the caller frees, or NULL if there is no
 * memory. */
char *text_cut_middle(const char *text, size_t width);

/* Copies a text of any length and makes it fit to be printed (text_clean()). Returns the copy,
 * which the caller frees, or NULL if there is no memory. */
char *text_clean_copy(const char *text);

#define TEXT_NUMBER_BYTES 32
/* Formats a time as "10.1ms". Returns ret. */
char *text_format_interval(double ns, char ret[static TEXT_NUMBER_BYTES]);
/* Formats a size as "1.5M", by powers of 1024. Returns ret. */
char *text_format_bytes(uint64_t bytes, char ret[static TEXT_NUMBER_BYTES]);
