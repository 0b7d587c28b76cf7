/* SPDX-License-Identifier: MIT */
#include "client/top/view.h"

#include <assert.h>
/* The last one stands for everything since the first answer. */
static const unsigned int spans_s[] = {1, 5, 15, TOP_SPAN_MAX, 0};

void top_view_widen(struct top_view *view, bool longer)
{
	size_t i = 0;

	while (spans_s[i] != view->span_s) {
		i++;
		assert(i < array_length(spans_s));
	}
	if (longer && i + 1 < array_length(spans_s))
		i++;
	else if (!longer && i > 0)
		i--;
	view->span_s = spans_s[i];
}

void top_view_turn_sort(struct top_view *view, int by)
{
	assert(view->sort < N_TOP_SORTS && by >= -N_TOP_SORTS);
	view->sort = (enum top_sort)(((int)view->sort + by + N_TOP_SORTS) % N_TOP_SORTS);
}

/* Selects the row's item. The first row is selected as such, so that it stays selected when another
 * item comes to the top. */
static void select_row(struct top_view *view, const struct top_sum *sum, size_t row)
{
	assert(row < sum->n);
	view->at = row;
	view->selected = row > 0 ? sum->rows[row].item : TOP_NO_ITEM;
}

void top_view_move(struct top_view *view, const struct top_sum *sum, long by)
{
	size_t last = sum->n ? sum->n - 1 : 0, at = view->at < last ? view->at : last;

	if (sum->n == 0)
		return;
	if (by < 0)
		select_row(view, sum, at > (size_t)-by ? at - (size_t)-by : 0);
	else
		select_row(view, sum, (size_t)by < last - at ? at + (size_t)by : last);
}

static void find_selected(struct top_view *view, const struct top_sum *sum)
{
	size_t last = sum->n ? sum->n - 1 : 0;

	if (view->selected == TOP_NO_ITEM)
		view->at = 0;
	for (size_t i = 0; i < sum->n && view->selected != TOP_NO_ITEM; i++) {
		if (sum->rows[i].item == view->selected) {
			view->at = i;
			return;
		}
	}
	/* The item has no row at the moment; the selection stays at its position. */
	view->at = view->at < last ? view->at : last;
}

void top_view_fit(struct top_view *view, const struct top_sum *sum, size_t room)
{
	find_selected(view, sum);
	room = room ? room : 1;
	if (view->first > view->at)
		view->first = view->at;
	if (view->at - view->first >= room)
		view->first = view->at - room + 1;
	if (view->first + room > sum->n)
		view->first = sum->n > room ? sum->n - room : 0;
	assert(view->at == 0 || view->at < sum->n);
}

void top_view_say(struct top_view *view, char *message)
{
	free(view->message);
	view->message = message;
}
