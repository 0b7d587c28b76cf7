/* SPDX-License-Identifier: MIT */
/* The user's choices of what is shown, and the position in the table. */
#pragma once

#include "client/top/line.h"
#include "client/top/model.h"

enum top_mode { TOP_MODE_TABLE, TOP_MODE_HELP, TOP_MODE_FILTER };

struct top_view {
	enum top_mode mode;
	enum top_sort sort;
	unsigned int span_s; /* 0: all since the first answer */
	bool frozen;
	uint32_t selected;    /* the item; TOP_NO_ITEM: the first row, whatever its item is */
	size_t at;            /* the selected row */
	size_t first;         /* the first row on the page */
	struct top_line line; /* the filter while it is typed */
	char *message;        /* for the user, until the next key. Owned; NULL: none */
};

/* Chooses the next longer span, or the next shorter one. */
void top_view_widen(struct top_view *view, bool longer);
void top_view_turn_sort(struct top_view *view, int by);
/* Moves the selection by so many rows, down or (negative) up, within the rows that there are. */
void top_view_move(struct top_view *view, const struct top_sum *sum, long by);
/* Finds the row of the selected item and scrolls so that it is on the page. The caller calls this
 * after the rows or the room for them have changed. */
void top_view_fit(struct top_view *view, const struct top_sum *sum, size_t room);
/* Sets the message (NULL: none) and takes ownership of it. */
void top_view_say(struct top_view *view, char *message);
