/* SPDX-License-Identifier: MIT */
/* What the user has chosen to see, and where in the table he is. */
#pragma once

#include "client/top/line.h"
#include "client/top/model.h"

enum top_mode { TOP_MODE_TABLE, TOP_MODE_HELP, TOP_MODE_FILTER };

struct top_view {
	enum top_mode mode;
	enum top_sort sort;
	unsigned int span_s; /* 0: all since the first answer */
	bool frozen;
	uint32_t selected;    /* the item; TOP_NO_ITEM: whatever is first */
	size_t at;            /* its row */
	size_t first;         /* row that is shown */
	struct top_line line; /* the filter while it is typed */
	char *message;        /* for the user, until the next key. Owned; NULL: none */
};

/* The next longer span (shorter: false). */
void top_view_widen(struct top_view *view, bool longer);
void top_view_turn_sort(struct top_view *view, int by);
/* So many rows down, or up: negative. Whatever rows there are by now. */
void top_view_move(struct top_view *view, const struct top_sum *sum, long by);
/* After the rows or the room for them have changed: finds the selected one again and sees to it
 * that it is shown. */
void top_view_fit(struct top_view *view, const struct top_sum *sum, size_t room);
/* Takes the text, which may be NULL. */
void top_view_say(struct top_view *view, char *message);
