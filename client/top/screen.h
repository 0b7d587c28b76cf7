/* SPDX-License-Identifier: MIT */
/* The terminal as a whole screen; the only file that knows curses. There is one terminal, so there
 * is no object. */
#pragma once

#include "client/base/screen.h"
#include "client/top/page.h"

/* Characters are themselves; these are above all of them. */
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
	TOP_KEY_CLEAR, /* the line */
	TOP_KEY_REDRAW,
	TOP_KEY_OTHER,
};

/* Takes the terminal. 0, -ENOTSUP: this kind of terminal is not known. */
int top_screen_open(const struct screen *screen);
/* Gives it back as it was. */
void top_screen_close(void);
/* The same for a while. */
void top_screen_suspend(void);
void top_screen_resume(void);
/* It has another size now; the next page has to have it. */
void top_screen_resize(void);
void top_screen_get_size(size_t *ret_rows, size_t *ret_columns);
/* Does not wait. 1; 0: there is none. */
int top_screen_read_key(unsigned int *ret);
void top_screen_show(const struct top_page *page);
/* Draws all of it with the next page, whatever others have written meanwhile. */
void top_screen_forget(void);
