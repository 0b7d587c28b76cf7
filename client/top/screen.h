/* SPDX-License-Identifier: MIT */
/* The terminal as a whole screen; the only file that knows curses. There is one terminal, so there
 * is no object. */
#pragma once

#include "client/base/screen.h"
#include "client/top/page.h"

/* Keys that are no characters: their values are above all characters. */
enum top_key {
	TOP_KEY_UP = 0x110000,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_BACKSPACE,
	TOP_KEY_DELETE,
	TOP_KEY_ENTER,
	TOP_KEY_ESCAPE,
	TOP_KEY_CLEAR, /* clears the line */
	TOP_KEY_REDRAW,
	TOP_KEY_OTHER,
};

/* Takes over the terminal. Returns 0, or -ENOTSUP where its kind is not known. */
int top_screen_open(const struct screen *screen);
/* Gives the terminal back as it was. */
void top_screen_close(void);
/* Gives the terminal back until top_screen_resume(). */
void top_screen_suspend(void);
void top_screen_resume(void);
/* Reads the new size of the terminal, which the next page has to have. */
void top_screen_resize(void);
void top_screen_get_size(size_t *ret_rows, size_t *ret_columns);
/* Reads a key without waiting. Returns 1, or 0 where there is none. */
int top_screen_read_key(unsigned int *ret);
void top_screen_show(const struct top_page *page);
/* Makes the next page draw the whole screen, whatever other programs have written there. */
void top_screen_forget(void);
