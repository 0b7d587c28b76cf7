/* SPDX-License-Identifier: MIT */
/* The terminal on which an answer is shown, if it is one, and the pager for long answers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct screen {
	bool terminal;
	bool colour;
	unsigned int columns; /* 0: no limit */
	unsigned int rows;
};

void screen_detect(int fd, struct screen *ret);

#define STYLE_HEADER  "\033[1;4m"
#define STYLE_GOOD    "\033[1;32m"
#define STYLE_WARNING "\033[1;33m"
#define STYLE_BAD     "\033[1;31m"
#define STYLE_OFF     "\033[0m"
/* Returns the style where there is colour, else "". */
const char *screen_style(const struct screen *screen, const char *style);

/* Writes the whole text. Returns 0 or the error of writing; -EPIPE needs SIGPIPE ignored. */
int screen_write(int fd, const char *text, size_t length);

bool screen_needs_pager(const struct screen *screen, const char *text, size_t length);
/* Shows the text in $PAGER (less) and waits for its end; under sudo it is always less, and that
 * with LESSSECURE=1. SIGPIPE must be ignored. Returns 0, also where the pager was left early, or
 * -ENOENT: there is no pager and nothing was shown. */
int screen_page(const char *text, size_t length);
